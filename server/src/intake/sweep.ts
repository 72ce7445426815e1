/** Settles what waited for a second witness that did not come, and what a dead kernel left open. */
import type { Database } from '../platform/postgres.js';
import { appendSettled } from './apply.js';
import { deleteOpen, fromRow, openColumns, type StoredOpenExecution } from './open-executions.js';
import type { IntakeDependencies } from './receive.js';

const batch = 200;

/** Several portals may sweep at once: rows that another one holds are skipped. @returns how many were settled */
export async function sweepOverdue(deps: IntakeDependencies): Promise<number> {
  return await deps.database.begin(async (transaction) => {
    const now = deps.clock.now();
    const rows = await transaction<StoredOpenExecution[]>`
      select ${transaction.unsafe(openColumns)} from open_execution where settle_after <= ${now}
      order by user_id, settle_after limit ${batch} for update skip locked`;
    for (const [key, group] of groupByKernel(rows)) {
      const [userId, kernelId] = key;
      const open = group.map(fromRow);
      await deleteOpen(transaction, userId, kernelId, open);
      await appendSettled(transaction, userId, deps.timeZone, kernelId, open, now);
    }
    return rows.length;
  });
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
}
