import type { api } from '@shaparak/contract';
import type { Actor } from '../identity/index.js';
import type { Database } from '../platform/postgres.js';
import { amendmentJoin, type ExecutionRow, executionColumns, toActivity } from './executions.js';
import { readNewest } from './newest.js';
import { fromStored } from './text.js';

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
  const rows = await readNewest(database, actor, { limit, code: 'whole' });
  return { activities: rows.map((row) => toActivity(row, formatInstant)), count: rows.length };
}

/** One execution of the caller's own, with the text and files that belong to it. @returns null for none, and for somebody else's */
export async function oneActivity(
  { database, formatInstant }: ReadDependencies,
  actor: Actor,
  id: number,
): Promise<api.ActivityDetails | null> {
  const [row] = await database<(ExecutionRow & { msgId: string | null })[]>`
    select ${database.unsafe(executionColumns)}, s.code, e.msg_id as "msgId"
    from execution e join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
      ${database.unsafe(amendmentJoin)}
    where e.user_id = ${actor.userId} and e.id = ${id}`;
  if (!row) return null;
  const inputs = await database<InputRow[]>`
    select given_at as "givenAt", prompt, password, text, length from execution_input
    where user_id = ${actor.userId} and kernel_id = ${row.kernelId} and msg_id = ${row.msgId} order by id`;
  const files = await database<FileRow[]>`
    select run_at as "runAt", path, bytes, encode(sha256, 'hex') as sha256 from file_run
    where user_id = ${actor.userId} and kernel_id = ${row.kernelId} and msg_id = ${row.msgId} order by id`;
  return {
    ...toActivity(row, formatInstant),
    inputs: inputs.map(({ givenAt, prompt, text, ...rest }) => ({
      given_at: formatInstant(givenAt),
      prompt: fromStored(prompt),
      text: text === null ? null : fromStored(text),
      ...rest,
    })),
    files: files.map(({ runAt, path, ...rest }) => ({
      run_at: formatInstant(runAt),
      path: fromStored(path),
      ...rest,
    })),
  };
}

interface InputRow {
  givenAt: Date;
  prompt: string;
  password: boolean;
  text: string | null;
  length: number;
}

interface FileRow {
  runAt: Date;
  path: string;
  bytes: number | null;
  sha256: string | null;
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
      ${database.unsafe(amendmentJoin)}
    where e.user_id = ${userId} and e.user_seq > ${userSeq}
    order by e.user_seq limit ${limit}`;
  return rows.map((row) => ({ user_seq: row.userSeq, activity: toActivity(row, formatInstant) }));
}
