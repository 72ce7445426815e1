/**
 * From snippets to their executions. The newest N executions of matching snippets lie among the N matching snippets that
 * ran last, so few ids lead to the answer. A filter that an index in memory can't know (an amendment changes the status
 * of an old row) makes the net wider until N rows are in it or nothing is left outside.
 */
import type { api } from '@shaparak/contract';
import type { Database } from '../../platform/postgres.js';
import { amendmentJoin, type ExecutionRow, executionColumns, statusCondition } from '../executions.js';
import type { UserIndex } from './user-index.js';

export interface Wanted {
  userId: number;
  /** in the stored form */
  needle: string;
  limit: number;
  status: api.Status | undefined;
}

export interface Answer {
  rows: ExecutionRow[];
  /** the person's last execution in the snapshot that was read */
  lastSeq: number;
  /** up to where the index knew when it was asked */
  watermark: number;
}

/** Beyond, PostgreSQL is faster with all matching snippets in one join. */
const widest = 4_096;

export async function newestExecutions(database: Database, index: UserIndex, wanted: Wanted): Promise<Answer | null> {
  const folded = index.fold(wanted.needle);
  for (let width = wanted.status === undefined ? wanted.limit : wanted.limit * 4; ; width *= 8) {
    if (index.isDisposed) return null;
    const { watermark } = index;
    const { ids, bound } = index.search(folded, width > widest ? Number.POSITIVE_INFINITY : width);
    const answer = await readExecutions(database, { ...wanted, ids, bound, watermark });
    if (answer.rows.length >= wanted.limit || bound === null || answer.lastSeq < watermark) return answer;
  }
}

interface Search extends Wanted {
  ids: number[];
  bound: number | null;
  watermark: number;
}

/**
 * One statement, so that rows and last_seq are of one moment; a left join, so that last_seq comes without rows too.
 * The values come through `w` and not as parameters: a plan made for their values takes 2 ms for 15 months and is 60 times
 * slower to run than the general one (18 and 0.3 ms), and PostgreSQL keeps to it as long as it looks cheaper.
 */
async function readExecutions(database: Database, search: Search): Promise<Answer> {
  const { userId, limit, status, ids, bound, watermark } = search;
  const known = database`e.user_id = w.user_id and e.user_seq <= w.watermark and e."timestamp" >= w.since`;
  // Asked for each snippet by itself, the index by snippet is the only way there. In one condition for all of them,
  // PostgreSQL walked through the person's whole log in its order: 39 ms for a word that is nowhere, in 100,000 rows.
  const chosen =
    ids.length > widest
      ? database`execution e join unnest(w.ids) as m(id) on m.id = e.snippet_id`
      : database`unnest(w.ids) as m(id) cross join lateral (
          select e.* from execution e where ${known} and e.snippet_id = m.id
          order by e."timestamp" desc, e.user_seq desc limit ${status === undefined ? limit : null}::bigint) as e`;
  const rows = await database<(ExecutionRow & { lastSeq: number; id: number | null })[]>`
    select w.last as "lastSeq", r.* from (
      select ${userId}::bigint as user_id, ${`{${ids.join()}}`}::text::bigint[] as ids, ${watermark}::bigint as watermark,
        coalesce(timestamptz 'epoch' + ${bound}::float8 * interval '1 microsecond', '-infinity') as since,
        coalesce((select last_seq from user_total where user_id = ${userId}), 0) as last
      offset 0) as w
    left join lateral (
      select ${database.unsafe(executionColumns)}, s.code
      from ${chosen} join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
        ${database.unsafe(amendmentJoin)}
      where ${known} ${statusCondition(database, status)}
      order by e."timestamp" desc, e.user_seq desc limit ${limit}) as r on true
    order by r."timestamp" desc, r."userSeq" desc`;
  return { rows: rows.filter(({ id }) => id !== null), lastSeq: rows[0]?.lastSeq ?? 0, watermark };
}
