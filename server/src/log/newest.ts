/**
 * A person's executions from some instant backwards: what the newest ones and the pages of the log have in common.
 *
 * Partitions by month make this dear where it is asked plainly: every one of them is opened, and planning alone took 1.3 ms
 * of the 1.4 for ten rows. PostgreSQL keeps a plan only where it thinks that it costs what one for the values would, so the
 * statement says what it can in its text:
 *  - Rows are looked for in two months first, as literals; only where these are too few, in all. A log has a month's
 *    statement for each month, and no more.
 *  - So is the limit of the usual pages. Of a limit in a parameter PostgreSQL assumes a tenth of all rows, and plans each
 *    call anew; for a long page that is little beside its rows, and better than a plan that sorts a whole month.
 *  - Code and amendments are joined to the rows of the page and not to the log.
 */
import type { api } from '@shaparak/contract';
import type { Actor } from '../identity/index.js';
import type { Database } from '../platform/postgres.js';
import { amendmentJoin, type ExecutionRow, executionColumns, statusCondition } from './executions.js';
import { storedLengthOf } from './text.js';

/** Where a page ends: the next one begins behind it. */
export interface Position {
  /** microseconds since the epoch */
  at: number;
  userSeq: number;
}

export interface NewestInput {
  limit: number;
  code: 'whole' | 'preview';
  status?: api.Status | undefined;
  /** rows that ended before this instant, milliseconds since the epoch; null = all */
  before?: number | null;
  /** and not before this one, where the caller knows that the page lies behind it */
  since?: number | null;
  /** of these so many are skipped */
  offset?: number;
  /** or rows behind this position */
  after?: Position | null;
}

export type NewestRow = ExecutionRow & { at: number };

/** Pages of the portal and of the API's defaults. */
const usualLimits = [10, 20];

export async function readNewest(database: Database, actor: Actor, input: NewestInput): Promise<NewestRow[]> {
  const { after = null, before = null, limit } = input;
  const end = after === null ? before : after.at / 1_000;
  const near = await readIn(monthsBefore(database, end), database, actor, input);
  if (near.length >= limit) return near;
  return readIn(database``, database, actor, { ...input, since: null });
}

/** A condition for the month of an instant and the one before; without an instant, for this month, the last, and what comes. */
export function monthsBefore(database: Database, instant: number | null) {
  const end = new Date(instant ?? Date.now());
  const month = (offset: number) => new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() + offset)).toISOString();
  const from = database`and e."timestamp" >= ${database.unsafe(`'${month(-1)}'`)}`;
  // Wherever a clock was ahead, the newest row is the newest row.
  return instant === null ? from : database`${from} and e."timestamp" < ${database.unsafe(`'${month(1)}'`)}`;
}

function readIn(
  months: ReturnType<typeof monthsBefore>,
  database: Database,
  actor: Actor,
  input: NewestInput,
): Promise<NewestRow[]> {
  const { limit, code, status, before = null, since = null, offset = 0, after = null } = input;
  const instant = (microseconds: number) =>
    database`timestamptz 'epoch' + ${microseconds}::bigint * interval '1 microsecond'`;
  return database<NewestRow[]>`
    select ${database.unsafe(executionColumns)},
      ${database.unsafe(code === 'whole' ? 's.code' : `left(s.code, ${storedLengthOf(100)})`)} as code,
      (extract(epoch from e."timestamp") * 1000000)::bigint as at
    from (
      select e.* from execution e ${status === undefined ? database`` : database.unsafe(amendmentJoin)}
      where e.user_id = ${actor.userId} ${months}
        ${before === null ? database`` : database`and e."timestamp" < ${instant(before * 1_000)}`}
        ${since === null ? database`` : database`and e."timestamp" >= ${instant(since * 1_000)}`}
        ${after === null ? database`` : database`and (e."timestamp", e.user_seq) < (${instant(after.at)}, ${after.userSeq}::bigint)`}
        ${statusCondition(database, status)}
      order by e."timestamp" desc, e.user_seq desc
      limit ${usualLimits.includes(limit) ? database.unsafe(String(limit)) : database`${limit}`}
      ${offset === 0 ? database`` : database`offset ${offset}`}
    ) as e
    join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
    ${database.unsafe(amendmentJoin)}
    order by e."timestamp" desc, e.user_seq desc`;
}
