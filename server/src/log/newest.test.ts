import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.js';
import { makeUser } from '../../test/people.js';
import type { Actor } from '../identity/index.js';
import { appendExecutions, type NewExecution } from './append.js';
import { type LogsInput, readLogs } from './logs.js';
import { makeMonths } from './months.js';
import { recentActivity } from './recent.js';
import { readDigestKey, storeSnippets } from './snippets.js';

const timeZone = 'Asia/Tehran';
const dayMs = 86_400_000;

/** A person who works for a while, is away for months, and comes back: two months never hold a whole page. */
describe('the newest executions', () => {
  let database: TestDatabase;
  let actor: Actor;
  let all: { cell: number; status: string }[];
  const deps = () => ({ database: database.sql, timeZone, formatInstant: (instant: Date) => instant.toISOString() });
  beforeAll(async () => {
    database = await openTestDatabase();
    const [userId, other] = [await makeUser(database.owner, 'sara'), await makeUser(database.owner, 'omid')];
    actor = { userId, username: 'sara', role: 'analyst', sessionId: '', sessionEndsAt: new Date() };
    const now = Date.now();
    await makeMonths(database.sql, timeZone, new Date(now - 400 * dayMs), new Date(now + 31 * dayMs));
    const daysBack = [
      -20,
      0,
      0,
      1,
      3,
      40,
      41,
      41,
      95,
      ...Array.from({ length: 30 }, (_, index) => 200 + index * 5),
      390,
    ];
    for (const person of [userId, other])
      await work(
        person,
        daysBack.map((back) => now - back * dayMs).sort((a, b) => a - b),
      );
    all = daysBack.map((_, index) => ({ cell: daysBack.length - index, status: statusOf(daysBack.length - index) }));
  });
  afterAll(() => database.drop());

  const statusOf = (cell: number) => (cell % 4 === 0 ? 'error' : 'success');

  async function work(userId: number, instants: number[]): Promise<void> {
    await database.sql.begin(async (transaction) => {
      const key = await readDigestKey(transaction, userId);
      const [snippetId = 0] = await storeSnippets(transaction, userId, key, [{ code: 'x = 1' }]);
      const executions = instants.map(
        (at, index): NewExecution => ({
          snippetId,
          timestamp: new Date(at).toISOString().replace('Z', '789Z'),
          startedAt: null,
          outcome: statusOf(index + 1) === 'error' ? 'interrupted' : 'success',
          evidence: 'both',
          executionTimeMs: 1,
          cellNumber: index + 1,
          occurrence: 1,
          kernelId: 'k',
          msgId: `m${index}`,
          cellId: null,
          notebookPath: null,
          clientSession: null,
          errorName: null,
          errorMessage: null,
          covered: true,
        }),
      );
      await appendExecutions(transaction, userId, timeZone, executions);
    });
  }

  const pages = async (input: LogsInput) =>
    (await readLogs(deps(), actor, input)).logs.map((row) => ({ cell: row.cell_number, status: row.status }));

  it.each([1, 3, 10, 20, 35, 1_000])('are all there, newest first, %i at most', async (limit) => {
    const { activities } = await recentActivity(deps(), actor, limit);
    expect(activities.map((row) => row.cell_number)).toEqual(all.slice(0, limit).map(({ cell }) => cell));
  });

  it.each([3, 10, 20])('can be turned over by pages of %i', async (limit) => {
    for (let offset = 0; offset <= all.length; offset += 1)
      expect(await pages({ limit, offset })).toEqual(all.slice(offset, offset + limit));
  });

  it.each([
    [3, undefined],
    [10, undefined],
    [20, 'success'],
    [2, 'error'],
  ] as const)('can be followed by a cursor, %i at a time, of status %s', async (limit, status) => {
    const followed = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await readLogs(deps(), actor, { limit, offset: 0, cursor, status });
      followed.push(...page.logs.map((row) => ({ cell: row.cell_number, status: row.status })));
      cursor = page.next_cursor;
    }
    expect(followed).toEqual(all.filter((row) => status === undefined || row.status === status));
  });

  it('can be skipped within one status', async () => {
    const errors = all.filter((row) => row.status === 'error');
    for (let offset = 0; offset <= errors.length; offset += 1)
      expect(await pages({ limit: 10, offset, status: 'error' })).toEqual(errors.slice(offset, offset + 10));
  });
});
