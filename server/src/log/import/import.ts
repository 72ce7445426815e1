/**
 * Brings an existing log in. What must always be true:
 *  - the same file twice adds nothing: each distinct line is counted in `import_line`, and the k-th equal line of a file
 *    is added only where fewer than k were added before;
 *  - equal lines within one file are separate executions;
 *  - a batch is added whole or not at all, so an import that was cut off goes on when it is run again.
 */
import { createHash } from 'node:crypto';
import { ensureImportedUsers } from '../../identity/index.js';
import { createWallClock } from '../../platform/clock.js';
import type { Database, Transaction } from '../../platform/postgres.js';
import { appendExecutions } from '../append.js';
import { makeMonths } from '../months.js';
import { readDigestKey, storeSnippets } from '../snippets.js';
import { type ImportedExecution, parseLine } from './parse-line.js';

export interface ImportProgress {
  lines: number;
  added: number;
  duplicate: number;
  refused: number;
  users: number;
}

export interface ImportOptions {
  database: Database;
  timeZone: string;
  now: Date;
  onRefused(line: number, reason: string): void;
  onProgress(progress: ImportProgress): void;
}

interface Counted {
  execution: ImportedExecution;
  digest: string;
  /** this line is the k-th equal one of the file */
  copy: number;
}

const batchSize = 1_000;

/** @param lines JSON lines, without their line ends; empty ones are skipped */
export async function importLog(lines: AsyncIterable<string>, options: ImportOptions): Promise<ImportProgress> {
  const progress: ImportProgress = { lines: 0, added: 0, duplicate: 0, refused: 0, users: 0 };
  const wallClock = createWallClock(options.timeZone);
  const copies = new Map<string, number>();
  const users = new Set<string>();
  let batch: Counted[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    for (const { execution } of batch) users.add(execution.username);
    const added = await addBatch(options, batch);
    progress.added += added;
    progress.duplicate += batch.length - added;
    progress.users = users.size;
    batch = [];
    options.onProgress(progress);
  };
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line.trim() === '') continue;
    progress.lines += 1;
    // A file that was written on Windows or by hand may begin with a byte order mark.
    const parsed = parseLine(line.replace(/^\uFEFF/, ''), wallClock, options.now);
    if (parsed.kind === 'refused') {
      progress.refused += 1;
      options.onRefused(number, parsed.reason);
      continue;
    }
    const digest = digestOf(parsed.execution);
    const copy = (copies.get(digest) ?? 0) + 1;
    copies.set(digest, copy);
    batch.push({ execution: parsed.execution, digest, copy });
    if (batch.length === batchSize) await flush();
  }
  await flush();
  options.onProgress(progress);
  return progress;
}

/** Over the values and not the text of the line, so that the order of keys and unknown keys change nothing. */
function digestOf(execution: ImportedExecution): string {
  const { username, sessionId, cellNumber, code, executionTimeMs, outcome, errorMessage, timestamp } = execution;
  const values = [username, sessionId, cellNumber, code, executionTimeMs, outcome, errorMessage, timestamp];
  return createHash('sha256').update(JSON.stringify(values)).digest('hex');
}

async function addBatch({ database, timeZone }: ImportOptions, batch: Counted[]): Promise<number> {
  const months = new Set(batch.map(({ execution }) => execution.timestamp.slice(0, 7)));
  for (const month of months) {
    const first = new Date(`${month}-01T00:00:00Z`);
    // The zone's month may begin before or after UTC's.
    await makeMonths(database, timeZone, first, new Date(first.getTime() + 31 * 86_400_000));
  }
  return await database.begin(async (transaction) => {
    const ids = await ensureImportedUsers(transaction, [...new Set(batch.map(({ execution }) => execution.username))]);
    const byUser = new Map<number, Counted[]>();
    for (const counted of batch) {
      const id = ids.get(counted.execution.username);
      if (id === undefined) throw new Error(`User ${counted.execution.username} is not there`);
      byUser.set(id, [...(byUser.get(id) ?? []), counted]);
    }
    let added = 0;
    for (const [userId, rows] of [...byUser].sort(([a], [b]) => a - b))
      added += await addRows(transaction, userId, timeZone, rows);
    return added;
  });
}

async function addRows(transaction: Transaction, userId: number, timeZone: string, rows: Counted[]): Promise<number> {
  const known = await countCopies(transaction, userId, rows);
  const fresh = rows.filter(({ digest, copy }) => copy > (known.get(digest) ?? 0));
  if (fresh.length === 0) return 0;
  const key = await readDigestKey(transaction, userId);
  const snippets = await storeSnippets(
    transaction,
    userId,
    key,
    fresh.map(({ execution }) => ({ code: execution.code })),
  );
  const executions = fresh.map(({ execution, copy }, index) => ({
    snippetId: snippets[index] as number,
    timestamp: execution.timestamp,
    startedAt: null,
    outcome: execution.outcome,
    evidence: 'imported' as const,
    executionTimeMs: execution.executionTimeMs,
    cellNumber: execution.cellNumber,
    occurrence: copy,
    kernelId: execution.sessionId,
    msgId: null,
    cellId: null,
    notebookPath: null,
    clientSession: null,
    errorName: /^([A-Za-z_][\w.]*)(?::|$)/.exec(execution.errorMessage ?? '')?.[1] ?? null,
    errorMessage: execution.errorMessage,
    covered: false,
  }));
  executions.sort((a, b) => (a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0));
  await appendExecutions(transaction, userId, timeZone, executions);
  await storeCopies(transaction, userId, fresh);
  return fresh.length;
}

/** Locks the counted lines, so that two imports of one file at a time add it once. */
async function countCopies(transaction: Transaction, userId: number, rows: Counted[]): Promise<Map<string, number>> {
  await transaction`select pg_advisory_xact_lock(hashtext('import'), ${userId % 2_147_483_647}::int)`;
  const found = await transaction<{ digest: string; copies: number }[]>`
    select encode(digest, 'hex') as digest, copies from import_line
    where user_id = ${userId}
      and digest = any(array(select decode(d, 'hex') from unnest(${rows.map((row) => row.digest)}::text[]) as wanted(d)))`;
  return new Map(found.map(({ digest, copies }) => [digest, copies]));
}

async function storeCopies(transaction: Transaction, userId: number, rows: Counted[]): Promise<void> {
  const highest = new Map(rows.map(({ digest, copy }) => [digest, copy]));
  await transaction`
    insert into import_line (user_id, digest, copies)
    select ${userId}, decode(digest, 'hex'), copies
    from unnest(${[...highest.keys()]}::text[], ${[...highest.values()]}::int[]) as new(digest, copies)
    on conflict (user_id, digest) do update set copies = greatest(import_line.copies, excluded.copies)`;
}
