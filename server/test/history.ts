/** A history of executions for tests of the search, written as the intake writes it, and the same question to both. */
import { randomUUID } from 'node:crypto';
import { appendExecutions, type NewExecution } from '../src/log/append.js';
import { searchAll } from '../src/log/search/in-sql.js';
import type { SearchIndexes } from '../src/log/search/indexes.js';
import { type SearchInput, searchActivity } from '../src/log/search/search.js';
import { readDigestKey, storeSnippets } from '../src/log/snippets.js';
import { toStored } from '../src/log/text.js';
import type { Database } from '../src/platform/postgres.js';

/** Small whole numbers that look random and are the same each time. */
export function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

const parts = [
  ...['import pandas as pd\n', 'df', 'df[', ' = ', "read_csv('a.csv')", '1 / 0', '\n', 'x', 'PRINT(', ')', '#', '%_\\'],
  ...['كتاب', 'می\u200cشود', '۱۴۰۲', '1402', 'é', '\0', '\ud800', '🙂', '\uf7a5', 'İ', 'ς'],
];
export const textOf = (dice: (sides: number) => number) =>
  Array.from({ length: 1 + dice(8) }, () => parts[dice(parts.length)]).join('');

export async function append(
  database: Database,
  userId: number,
  changes: Partial<NewExecution & { code: string }>[],
): Promise<void> {
  await database.begin(async (transaction) => {
    const key = await readDigestKey(transaction, userId);
    const texts = changes.map(({ code = 'x' }) => ({ code }));
    const ids = await storeSnippets(transaction, userId, key, texts);
    const rows = changes.map(({ code: _code, ...change }, index) => ({
      snippetId: ids[index] as number,
      timestamp: '2026-11-23T08:00:00Z',
      startedAt: null,
      outcome: 'success' as const,
      evidence: 'both' as const,
      executionTimeMs: 1,
      cellNumber: 1,
      occurrence: 1,
      kernelId: 'k',
      msgId: randomUUID(),
      cellId: null,
      notebookPath: null,
      clientSession: null,
      errorName: null,
      errorMessage: null,
      covered: true,
      ...change,
    }));
    await appendExecutions(transaction, userId, 'Asia/Tehran', rows);
  });
}

/** @returns ids of executions, as a portal with these indexes answers */
export async function idsFound(
  database: Database,
  indexes: SearchIndexes,
  userId: number,
  input: SearchInput,
): Promise<number[]> {
  const deps = { database, formatInstant: (at: Date) => at.toISOString(), indexes };
  const actor = { userId } as Parameters<typeof searchActivity>[1];
  return (await searchActivity(deps, actor, input)).results.map(({ id }) => id);
}

export async function idsInSql(database: Database, userId: number, input: SearchInput): Promise<number[]> {
  const { query, limit, status } = input;
  return (await searchAll(database, { userId, needle: toStored(query), limit, status })).map(({ id }) => id);
}
