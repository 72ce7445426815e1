/**
 * The same answers without an index: while it is loaded, where it does not fit, and as what it is compared with. Both sides
 * go through shaparak_fold, so no pattern character has a meaning.
 */
import type { Database } from '../../platform/postgres.js';
import { amendmentJoin, type ExecutionRow, executionColumns, statusCondition } from '../executions.js';
import type { Wanted } from './executions-of.js';

/** Reads all of the person's distinct code: 0.3 s for 64 MB where nothing is found. */
export function searchAll(database: Database, { userId, needle, limit, status }: Wanted): Promise<ExecutionRow[]> {
  return database<ExecutionRow[]>`
    with matching as materialized (
      select id, code from snippet
      where user_id = ${userId} and strpos(shaparak_fold(code), shaparak_fold(${needle})) > 0)
    select ${database.unsafe(executionColumns)}, m.code
    from matching m join execution e on e.user_id = ${userId} and e.snippet_id = m.id
    ${database.unsafe(amendmentJoin)}
    where true ${statusCondition(database, status)}
    order by e."timestamp" desc, e.user_seq desc limit ${limit}`;
}

/** Executions that are looked through before an index is there. */
const newest = 1_000;

/** Looks through the newest executions alone. As many rows as the limit are the answer; fewer say nothing. */
export function searchNewest(database: Database, { userId, needle, limit, status }: Wanted): Promise<ExecutionRow[]> {
  return database<ExecutionRow[]>`
    select ${database.unsafe(executionColumns)}, s.code
    from (select * from execution where user_id = ${userId} order by "timestamp" desc, user_seq desc limit ${newest}) as e
    join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
    ${database.unsafe(amendmentJoin)}
    where strpos(shaparak_fold(s.code), shaparak_fold(${needle})) > 0 ${statusCondition(database, status)}
    order by e."timestamp" desc, e.user_seq desc limit ${limit}`;
}
