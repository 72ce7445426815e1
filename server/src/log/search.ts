/**
 * Literal search in the caller's own code: case-insensitive, Persian letters and digits folded, one result per execution,
 * newest first. Both sides go through shaparak_fold in SQL, so no pattern character has a meaning.
 */
import type { api } from '@shaparak/contract';
import type { Actor } from '../identity/index.js';
import { problem } from '../platform/problems.js';
import { amendmentJoin, type ExecutionRow, executionColumns, statusCondition, toActivity } from './executions.js';
import type { ReadDependencies } from './recent.js';
import { toStored } from './text.js';

export interface SearchInput {
  query: string;
  limit: number;
  status?: api.Status | undefined;
}

/** @throws ProblemError request-invalid where nothing but one letter is left to search for */
export async function searchActivity(
  { database, formatInstant }: ReadDependencies,
  actor: Actor,
  { query, limit, status }: SearchInput,
): Promise<api.SearchResults> {
  const needle = toStored(query);
  if (Array.from(query.replaceAll('\u200c', '')).length < 2)
    throw problem('request-invalid', {
      detail: 'query must have at least 2 characters',
      errors: [{ field: 'query', message: 'must have at least 2 characters' }],
    });
  const rows = await database<ExecutionRow[]>`
    with matching as materialized (
      select id, code from snippet
      where user_id = ${actor.userId} and strpos(shaparak_fold(code), shaparak_fold(${needle})) > 0)
    select ${database.unsafe(executionColumns)}, m.code
    from matching m join execution e on e.user_id = ${actor.userId} and e.snippet_id = m.id
    ${database.unsafe(amendmentJoin)}
    where true ${statusCondition(database, status)}
    order by e."timestamp" desc, e.user_seq desc limit ${limit}`;
  return { results: rows.map((row) => toActivity(row, formatInstant)), query, count: rows.length };
}
