/**
 * Moves one month out of the log: its executions, with all that belongs to them, go into a file, and then out of the
 * database. One transaction, so that a month is in the log or in its file. What must always be true:
 *  - nothing is removed that is not in the file: inserts into the month wait from before the first row is read, and the
 *    rows written are counted again when they go;
 *  - the file has its name only when all of it is on the disk; one that a failed run left is written over by the next;
 *  - rollups stay the count of the rows: what left the log is in no count any more, except in `archived_month`.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Database, Transaction } from '../../platform/postgres.js';
import type { ExpiredMonth } from './expired-months.js';

export interface ArchivedMonth {
  month: string;
  executions: number;
  file: string;
  bytes: number;
  /** hex, of the file */
  sha256: string;
}

export interface ArchiveOptions {
  database: Database;
  timeZone: string;
  directory: string;
  onProgress(written: number): void;
}

interface Writing extends Pick<ExpiredMonth, 'month' | 'partition'>, Pick<ArchiveOptions, 'timeZone' | 'onProgress'> {
  draft: string;
}

const rowsAtOnce = 1_000;

export async function archiveMonth(
  { database, timeZone, directory, onProgress }: ArchiveOptions,
  { month, partition }: Pick<ExpiredMonth, 'month' | 'partition'>,
): Promise<ArchivedMonth> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, `${partition}.jsonl.gz`);
  const draft = `${file}.part`;
  try {
    return await database.begin(async (transaction) => {
      // Only this month is locked while it is written; the log itself only for the moment in which it lets go of it.
      await transaction`lock table ${transaction(partition)} in share mode`;
      const written = await writeRows(transaction, { timeZone, month, partition, draft, onProgress });
      await remove(transaction, timeZone, month, partition, written.executions);
      await rename(draft, file);
      await syncDirectory(directory);
      return { month, file, ...written };
    });
  } finally {
    await rm(draft, { force: true });
  }
}

/** One JSON line an execution: the columns of its row, the code, and everything that was told of it besides. */
const executionLines = (transaction: Transaction, partition: string) =>
  transaction<{ line: string }[]>`
    select (to_jsonb(e) - 'snippet_id' || '{"kind": "execution"}' || jsonb_build_object('username', u.username, 'code', s.code,
      'code_truncated_bytes', s.truncated_bytes, 'code_truncated_sha256', encode(s.truncated_sha256, 'hex'),
      'amendment', (select to_jsonb(a) from amendment a where a.user_id = e.user_id and a.execution_id = e.id),
      'witnesses', ${besides(transaction, 'witness')}, 'inputs', ${besides(transaction, 'execution_input')},
      'files', ${besides(transaction, 'file_run')}))::text as line
    from ${transaction(partition)} e join users u on u.id = e.user_id
      join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
    order by e."timestamp", e.user_id, e.user_seq`.cursor(rowsAtOnce);

/** What was asked for in the month and never ran. */
const notRunLines = (transaction: Transaction, timeZone: string, month: string) =>
  transaction<{ line: string }[]>`
    select (to_jsonb(n) - 'snippet_id' || jsonb_build_object('kind', 'request_not_run', 'username', u.username,
      'code', s.code))::text as line
    from request_not_run n join users u on u.id = n.user_id join snippet s on s.user_id = n.user_id and s.id = n.snippet_id
    where ${isAskedIn(transaction, timeZone, month)} order by n.requested_at, n.id`.cursor(rowsAtOnce);

const isAskedIn = (transaction: Transaction, timeZone: string, month: string) => transaction`
  requested_at >= ${month}::date::timestamp at time zone ${timeZone}
    and requested_at < (${month}::date + interval '1 month') at time zone ${timeZone}`;

async function writeRows(
  transaction: Transaction,
  { timeZone, month, partition, draft, onProgress }: Writing,
): Promise<Pick<ArchivedMonth, 'executions' | 'bytes' | 'sha256'>> {
  let executions = 0;
  async function* lines() {
    for await (const rows of executionLines(transaction, partition)) {
      executions += rows.length;
      onProgress(executions);
      yield joined(rows);
    }
    for await (const rows of notRunLines(transaction, timeZone, month)) yield joined(rows);
  }
  const hash = createHash('sha256');
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(Readable.from(lines()), createGzip(), measure, createWriteStream(draft, { mode: 0o600, flush: true }));
  return { executions, bytes, sha256: hash.digest('hex') };
}

const joined = (rows: { line: string }[]) => rows.map(({ line }) => `${line}\n`).join('');

function besides(transaction: Transaction, table: 'witness' | 'execution_input' | 'file_run') {
  const occurrence = table === 'witness' ? transaction`and b.occurrence = e.occurrence` : transaction``;
  return transaction`(select jsonb_agg(to_jsonb(b) order by b.id) from ${transaction(table)} b
    where b.user_id = e.user_id and b.kernel_id = e.kernel_id and b.msg_id = e.msg_id ${occurrence})`;
}

async function remove(
  transaction: Transaction,
  timeZone: string,
  month: string,
  partition: string,
  written: number,
): Promise<void> {
  await transaction`alter table execution detach partition ${transaction(partition)}`;
  const [row] = await transaction<{ rows: number }[]>`select count(*) as rows from ${transaction(partition)}`;
  if (row?.rows !== written) throw new Error(`${written} rows of ${month} were written, and ${row?.rows} are there`);
  await removeFromRollups(transaction, month, partition);
  await transaction`
    create temporary table leaving_code on commit drop as
    select user_id, snippet_id from ${transaction(partition)}
    union select user_id, snippet_id from request_not_run where ${isAskedIn(transaction, timeZone, month)}`;
  for (const table of ['witness', 'execution_input', 'file_run'])
    await transaction`
      delete from ${transaction(table)} b using ${transaction(partition)} e
      where b.user_id = e.user_id and b.kernel_id = e.kernel_id and b.msg_id = e.msg_id`;
  await transaction`
    delete from amendment a using ${transaction(partition)} e where a.user_id = e.user_id and a.execution_id = e.id`;
  await transaction`
    delete from execution_key k using ${transaction(partition)} e
    where k.user_id = e.user_id and k.kernel_id = e.kernel_id and k.msg_id = e.msg_id and k.occurrence = e.occurrence`;
  await transaction`delete from request_not_run where ${isAskedIn(transaction, timeZone, month)}`;
  await removeUnusedCode(transaction);
  await transaction`drop table ${transaction(partition)}`;
}

async function removeFromRollups(transaction: Transaction, month: string, partition: string): Promise<void> {
  await transaction`
    insert into archived_month as m (user_id, month, executions)
    select user_id, ${month}::date, count(*) from ${transaction(partition)} group by user_id order by user_id
    on conflict (user_id, month) do update set executions = m.executions + excluded.executions, archived_at = now()`;
  await transaction`
    with gone as (
      delete from user_day where day >= ${month}::date and day < ${month}::date + interval '1 month' returning *
    ), sums as (
      select user_id, sum(executions) as executions, sum(errors) as errors, sum(timed) as timed, sum(sum_ms) as sum_ms
      from gone group by user_id)
    update user_total t set executions = t.executions - s.executions, errors = t.errors - s.errors,
      timed = t.timed - s.timed, sum_ms = t.sum_ms - s.sum_ms,
      last_at = (select max(d.last_at) from user_day d where d.user_id = t.user_id
        and (d.day < ${month}::date or d.day >= ${month}::date + interval '1 month'))
    from sums s where t.user_id = s.user_id`;
}

async function removeUnusedCode(transaction: Transaction): Promise<void> {
  await transaction`
    delete from snippet s using leaving_code l
    where s.user_id = l.user_id and s.id = l.snippet_id
      and not exists (select from execution e where e.user_id = s.user_id and e.snippet_id = s.id)
      and not exists (select from open_execution o where o.user_id = s.user_id and o.snippet_id = s.id)
      and not exists (select from request_not_run n where n.user_id = s.user_id and n.snippet_id = s.id)`;
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
