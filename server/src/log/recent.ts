import type { api } from '@shaparak/contract';
import type { Actor } from '../identity/index.js';
import type { Database } from '../platform/postgres.js';
import { type ExecutionRow, executionColumns, toActivity } from './executions.js';

export interface ReadDependencies {
  database: Database;
  formatInstant(instant: Date): string;
}

/** The caller's newest executions, with their whole code. */
export async function recentActivity(
  { database, formatInstant }: ReadDependencies,
  actor: Actor,
  limit: number,
): Promise<api.RecentActivity> {
  const rows = await database<ExecutionRow[]>`
    select ${database.unsafe(executionColumns)}, s.code
    from execution e join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
    where e.user_id = ${actor.userId}
    order by e."timestamp" desc, e.user_seq desc limit ${limit}`;
  return { activities: rows.map((row) => toActivity(row, formatInstant)), count: rows.length };
}

/** One execution of the caller's own. @returns null for none, and for somebody else's */
export async function oneActivity(
  { database, formatInstant }: ReadDependencies,
  actor: Actor,
  id: number,
): Promise<api.Activity | null> {
  const [row] = await database<ExecutionRow[]>`
    select ${database.unsafe(executionColumns)}, s.code
    from execution e join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
    where e.user_id = ${actor.userId} and e.id = ${id}`;
  return row ? toActivity(row, formatInstant) : null;
}

/** What was added after a watermark, oldest first; feeds the live stream. */
export async function activityAfter(
  { database, formatInstant }: ReadDependencies,
  userId: number,
  userSeq: number,
  limit: number,
): Promise<api.LiveActivity[]> {
  const rows = await database<ExecutionRow[]>`
    select ${database.unsafe(executionColumns)}, s.code
    from execution e join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
    where e.user_id = ${userId} and e.user_seq > ${userSeq}
    order by e.user_seq limit ${limit}`;
  return rows.map((row) => ({ user_seq: row.userSeq, activity: toActivity(row, formatInstant) }));
}
