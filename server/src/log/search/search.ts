/**
 * Literal search in the caller's own code: case-insensitive, Persian letters and digits folded, one result per execution,
 * newest first. The answer is that of one moment after the question came: an index is taken for current only when the
 * statement that reads the rows saw nothing that it does not know. So it makes no difference how many portals there are,
 * and a lost notification can't make an answer stale, because there is none.
 */
import type { api } from '@shaparak/contract';
import type { Actor } from '../../identity/index.js';
import { problem } from '../../platform/problems.js';
import { type ExecutionRow, toActivity } from '../executions.js';
import type { ReadDependencies } from '../recent.js';
import { toStored } from '../text.js';
import { newestExecutions, type Wanted } from './executions-of.js';
import { searchAll, searchNewest } from './in-sql.js';
import type { SearchIndexes } from './indexes.js';
import type { UserIndex } from './user-index.js';

export interface SearchInput {
  query: string;
  limit: number;
  status?: api.Status | undefined;
}

export interface SearchDependencies extends ReadDependencies {
  indexes: SearchIndexes;
}

/** @throws ProblemError request-invalid where nothing but one letter is left to search for */
export async function searchActivity(
  deps: SearchDependencies,
  actor: Actor,
  { query, limit, status }: SearchInput,
): Promise<api.SearchResults> {
  if (Array.from(query.replaceAll('\u200c', '')).length < 2)
    throw problem('request-invalid', {
      detail: 'query must have at least 2 characters',
      errors: [{ field: 'query', message: 'must have at least 2 characters' }],
    });
  const wanted = { userId: actor.userId, needle: toStored(query), limit, status };
  const rows = (await searchIndexed(deps, wanted)) ?? (await searchAll(deps.database, wanted));
  return { results: rows.map((row) => toActivity(row, deps.formatInstant)), query, count: rows.length };
}

async function searchIndexed(deps: SearchDependencies, wanted: Wanted): Promise<ExecutionRow[] | null> {
  const index = deps.indexes.get(wanted.userId);
  if (index) return searchIn(deps, index, wanted);
  return searchWhileLoading(deps, wanted);
}

/** Common words stand among the newest executions; the others wait for the index, which is faster than reading it all. */
async function searchWhileLoading(deps: SearchDependencies, wanted: Wanted): Promise<ExecutionRow[] | null> {
  const loading = deps.indexes.load(wanted.userId);
  const newest = searchNewest(deps.database, wanted).then(
    (rows) => (rows.length === wanted.limit ? rows : null),
    // The same database is asked again below, and its failure then is the answer.
    () => null,
  );
  const first = await Promise.race([loading, newest.then(async (rows) => rows ?? loading)]);
  if (first === null) return newest;
  return Array.isArray(first) ? first : searchIn(deps, first, wanted);
}

async function searchIn(deps: SearchDependencies, index: UserIndex, wanted: Wanted): Promise<ExecutionRow[] | null> {
  const { database, indexes } = deps;
  const answer = await newestExecutions(database, index, wanted);
  if (answer === null || answer.lastSeq === answer.watermark) return answer?.rows ?? null;
  if (answer.lastSeq < answer.watermark) {
    // The database was set back to an older backup.
    indexes.forget(wanted.userId);
    return null;
  }
  // What the first look saw was there when the question came; the second one need not see what came since.
  if (!(await indexes.reach(wanted.userId, index, answer.lastSeq))) return null;
  return (await newestExecutions(database, index, wanted))?.rows ?? null;
}
