/**
 * Settles what waited for a second witness that did not come, and what a dead kernel left open. A witness is missing only
 * when it could have spoken: while the gateway is behind with its deliveries, or the intake itself was away a moment ago,
 * what has not come is late, and is waited for a little longer.
 */
import { toStored } from '../log/text.js';
import type { Database, Transaction } from '../platform/postgres.js';
import { appendSettled } from './apply.js';
import type { IntakeDependencies } from './dependencies.js';
import { recordFindings } from './findings.js';
import type { OpenExecution } from './open-execution.js';
import { deleteOpen, fromRow, openColumns, readExpectation, type StoredOpenExecution } from './open-execution-table.js';
import type { Readiness } from './readiness.js';
import { compareClocks, compareOutcomes, type Finding, missingWitness } from './witnesses.js';

export interface SweepDependencies extends IntakeDependencies {
  /** how long this intake has been taking deliveries without a break, milliseconds */
  readyForMs: number;
}

const batch = 200;
/** Kernels' sensors come back within their longest backoff, 10 s; a gateway within its restart. */
const kernelsReturnMs = 15_000;
const gatewayReturnsMs = 60_000;
const postponedMs = 1_000;
/** Nothing is told to wait for so long: the clock was set back since. */
const fartherThanAnyGraceMs = 60_000;
/** Four missed signs of life of the wire, eight of a kernel. */
const unheardMs = 120_000;

/** After a failure everything that waited may still be on its way. */
export function createSweep(deps: IntakeDependencies, readiness: Readiness): () => Promise<number> {
  return async () => {
    try {
      // First the time, then how long it can be trusted: turned in between, it is of before the turn.
      const now = deps.clock.now();
      return await sweepOverdue({ ...deps, clock: { now: () => now }, readyForMs: readiness.forMs() });
    } catch (error) {
      readiness.interrupted();
      throw error;
    }
  };
}

/** Several portals may sweep at once: rows that another one holds are skipped. @returns how many were settled */
export async function sweepOverdue(deps: SweepDependencies): Promise<number> {
  return await deps.database.begin(async (transaction) => {
    const now = deps.clock.now();
    await giveUpUnheard(deps, transaction, now);
    const rows = await transaction<StoredOpenExecution[]>`
      select ${transaction.unsafe(openColumns)} from open_execution
      where settle_after <= ${now} or settle_after > ${new Date(now.getTime() + fartherThanAnyGraceMs)}
      order by user_id, settle_after limit ${batch} for update skip locked`;
    if (rows.length === 0) return 0;
    const caughtUp = await wireProgress(transaction);
    let settled = 0;
    for (const [[userId, kernelId], group] of groupByKernel(rows)) {
      const open = group.map(fromRow);
      const late = open.filter((row) => mayStillCome(row, now, deps.readyForMs, caughtUp));
      await postpone(transaction, userId, kernelId, late, now);
      const due = open.filter((row) => !late.includes(row));
      await settleDue(deps, transaction, userId, kernelId, due, now);
      settled += due.length;
    }
    return settled;
  });
}

async function settleDue(
  deps: SweepDependencies,
  transaction: Transaction,
  userId: number,
  kernelId: string,
  due: OpenExecution[],
  now: Date,
): Promise<void> {
  if (due.length === 0) return;
  const expects = await readExpectation(transaction, userId, kernelId);
  await deleteOpen(transaction, userId, kernelId, due);
  await appendSettled(transaction, userId, deps.timeZone, kernelId, due, expects, now);
  for (const row of due) {
    const found = [missingWitness(row, expects), compareOutcomes(row), compareClocks(row)];
    const instance = row.instances.wire ?? row.instances.kernel;
    await recordFindings(
      transaction,
      userId,
      kernelId,
      instance,
      found.filter((one): one is Finding => one !== null),
    );
  }
}

function mayStillCome(row: OpenExecution, now: Date, readyForMs: number, caughtUp: Date | null): boolean {
  const { kernel, wire } = row.finished;
  if (row.instances.wire === null || (wire === null && kernel !== null)) {
    const seenAt = Date.parse(kernel?.finished_at ?? row.startedAt);
    // What lies ahead of now was said before the clock was set back, and can't be compared.
    const isComparable = caughtUp !== null && caughtUp <= now && seenAt <= now.getTime();
    return isComparable ? caughtUp.getTime() < seenAt : readyForMs < gatewayReturnsMs;
  }
  return (row.instances.kernel === null || kernel === null) && readyForMs < kernelsReturnMs;
}

async function postpone(
  transaction: Transaction,
  userId: number,
  kernelId: string,
  rows: OpenExecution[],
  now: Date,
): Promise<void> {
  const until = new Date(now.getTime() + postponedMs);
  for (const { msgId, occurrence } of rows)
    await transaction`
      update open_execution set settle_after = ${until}
      where user_id = ${userId} and kernel_id = ${kernelId} and msg_id = ${toStored(msgId)} and occurrence = ${occurrence}`;
}

/** The slowest of the gateways that live; null where none has been heard for half a minute. */
async function wireProgress(transaction: Transaction): Promise<Date | null> {
  const [row] = await transaction<{ until: Date | null }[]>`
    select min(caught_up_to) as until from wire_progress where told_at > now() - interval '30 seconds'`;
  return row?.until ?? null;
}

/** Kernel and gateway are both gone without a word (the machine was reset): nobody will tell an end. */
async function giveUpUnheard({ readyForMs }: SweepDependencies, transaction: Transaction, now: Date): Promise<void> {
  if (readyForMs < unheardMs) return;
  const since = new Date(now.getTime() - unheardMs);
  await transaction`
    update open_execution o set settle_after = ${now}
    where o.settle_after is null and o.started_at < ${since}
      and not exists (select from sensor s where s.user_id = o.user_id
        and s.instance in (o.kernel_instance, o.wire_instance) and s.stopped_at is null and s.last_heard_at > ${since})`;
}

/** Groups keep the order of user_id, in which the rollup rows are locked. */
function groupByKernel(rows: StoredOpenExecution[]): [[number, string], StoredOpenExecution[]][] {
  const groups = new Map<string, [[number, string], StoredOpenExecution[]]>();
  for (const row of rows) {
    const key = `${row.userId} ${row.kernelId}`;
    const group = groups.get(key);
    if (group) group[1].push(row);
    else groups.set(key, [[row.userId, row.kernelId], [row]]);
  }
  return [...groups.values()];
}

/** Old rows that are of no use any more; each is small, and the tables stay small with them gone. */
export async function forgetExpired(database: Database): Promise<void> {
  await database`delete from access_token where expires_at < now() - interval '1 day'`;
  await database`delete from login_failure where failed_at < now() - interval '1 day'`;
  await database`delete from lab_ticket_use where used_at < now() - interval '1 day'`;
  await database`delete from wire_progress where told_at < now() - interval '1 day'`;
}
