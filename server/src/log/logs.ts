/**
 * Pages of the caller's log, newest first by (timestamp, user_seq), so that no row is skipped or repeated while time
 * stands still. `offset` skips whole days through the rollup and counts only inside one day: a deep page costs what the
 * first one costs. `cursor` goes on exactly after the last row, however much was added meanwhile.
 */
import type { api } from '@shaparak/contract';
import type { Actor } from '../identity/index.js';
import type { Database } from '../platform/postgres.js';
import { problem } from '../platform/problems.js';
import { toLogEntry } from './executions.js';
import { type Position, readNewest } from './newest.js';
import type { ReadDependencies } from './recent.js';

export interface LogsInput {
  limit: number;
  offset: number;
  cursor?: string | undefined;
  status?: api.Status | undefined;
}

export interface LogsDependencies extends ReadDependencies {
  timeZone: string;
}

export async function readLogs(deps: LogsDependencies, actor: Actor, input: LogsInput): Promise<api.Logs> {
  const { database, formatInstant } = deps;
  const { limit, status } = input;
  const after = input.cursor === undefined ? null : parseCursor(input.cursor);
  const skip = after === null ? await skipDays(deps, actor, input) : { before: null, since: null, offset: 0 };
  const [rows, total] = await Promise.all([
    skip === null ? [] : readNewest(database, actor, { limit, status, code: 'preview', after, ...skip }),
    countLogs(database, actor, status),
  ]);
  const last = rows.length === limit ? rows.at(-1) : undefined;
  return {
    logs: rows.map((row) => toLogEntry(row, formatInstant)),
    count: rows.length,
    total,
    next_cursor: last ? formatCursor({ at: last.at, userSeq: last.userSeq }) : null,
  };
}

const formatCursor = ({ at, userSeq }: Position) => `${at}.${userSeq}`;

function parseCursor(text: string): Position {
  const match = /^(-?\d{1,16})\.(\d{1,15})$/.exec(text);
  if (!match)
    throw problem('request-invalid', {
      detail: 'cursor must be the next_cursor of an earlier answer',
      errors: [{ field: 'cursor', message: 'must be the next_cursor of an earlier answer' }],
    });
  return { at: Number(match[1]), userSeq: Number(match[2]) };
}

function countOf(database: Database, status: api.Status | undefined) {
  if (status === undefined) return database`executions`;
  return status === 'error' ? database`errors` : database`(executions - errors)`;
}

async function countLogs(database: Database, actor: Actor, status: api.Status | undefined): Promise<number> {
  const [row] = await database<{ total: number }[]>`
    select ${countOf(database, status)} as total from user_total where user_id = ${actor.userId}`;
  return row?.total ?? 0;
}

/**
 * Where the page lies: after the day of its first row has ended, and not before the day of its last one. Between the two
 * are a day's rows and not a month's, whatever plan PostgreSQL thinks of. Null past the last row.
 */
async function skipDays(
  { database, timeZone }: LogsDependencies,
  actor: Actor,
  { offset, limit, status }: LogsInput,
): Promise<{ before: number | null; since: number | null; offset: number } | null> {
  if (offset === 0) return { before: null, since: null, offset: 0 };
  const [row] = await database<{ before: number; since: number | null; offset: number }[]>`
    with days as (
      select day, ${countOf(database, status)} as n, sum(${countOf(database, status)}) over (order by day desc) as through
      from user_day where user_id = ${actor.userId})
    select (extract(epoch from (day + 1)::timestamp at time zone ${timeZone}) * 1000)::bigint as before,
      (select extract(epoch from max(day)::timestamp at time zone ${timeZone}) * 1000 from days
        where through >= ${offset + limit})::bigint as since,
      (${offset} - (through - n))::bigint as offset
    from days where through > ${offset} order by day desc limit 1`;
  return row ?? null;
}
