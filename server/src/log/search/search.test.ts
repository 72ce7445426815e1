/** The API's function against SQL, with two caches as two portals have them, one of which is thrown away now and then. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/database.js';
import { append, createDice, idsFound, idsInSql, textOf } from '../../../test/history.js';
import { makeUser } from '../../../test/people.js';
import { createLogger } from '../../platform/logging.js';
import { amendExecution } from '../amend.js';
import { SearchIndexes } from './indexes.js';

const timeZone = 'Asia/Tehran';
const log = createLogger('test', 'silent');
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.drop());

const portal = () => new SearchIndexes({ database: database.sql, budgetBytes: 64 * 2 ** 20, log });

it('answers as SQL does, whatever was committed a moment ago, in both portals', async () => {
  const dice = createDice(11);
  const people = [await makeUser(database.owner, 'one'), await makeUser(database.owner, 'two')];
  const portals = [portal(), portal()];
  const stored: string[] = [];
  let hits = 0;
  for (let round = 0; round < 120; round += 1) {
    const userId = people[dice(2)] as number;
    const late = dice(4) === 0 ? dice(500) : 0;
    const batch = Array.from({ length: dice(4) === 0 ? 40 : 1 + dice(3) }, () => ({
      code: dice(5) === 0 ? 'import pandas as pd\ndf' : textOf(dice),
      timestamp: new Date(Date.UTC(2026, 10, 1) + Math.floor((round - late) / 3) * 60_000 + dice(2)).toISOString(),
      outcome: (['success', 'success', 'error', 'lost'] as const)[dice(4)] ?? 'success',
    }));
    await append(database.sql, userId, batch);
    stored.push(...batch.map(({ code }) => code));
    if (dice(3) === 0) await amendLost(userId);
    if (dice(10) === 0) portals[dice(2)] = portal();
    for (let query = 0; query < 4; query += 1) {
      const old = stored[dice(stored.length)] as string;
      const from = dice(old.length);
      const text = dice(3) === 0 ? textOf(dice) : old.slice(from, from + 2 + dice(8));
      const status = ([undefined, 'success', 'error'] as const)[dice(3)];
      const input = { query: text, limit: [1, 2, 5, 20, 1000][dice(5)] ?? 20, status };
      if (Array.from(text.replaceAll('\u200c', '')).length < 2) continue;
      const expected = await idsInSql(database.sql, userId, input);
      hits += expected.length;
      for (const one of portals)
        expect(await idsFound(database.sql, one, userId, input), JSON.stringify(input)).toEqual(expected);
    }
  }
  expect(hits).toBeGreaterThan(1_000);
  expect(portals.map(({ users }) => users)).toEqual([2, 2]);
  await Promise.all(portals.map((one) => one.close()));
});

async function amendLost(userId: number): Promise<void> {
  const [lost] = await database.sql<{ id: number; timestamp: string }[]>`
    select id, "timestamp"::text as "timestamp" from execution e where user_id = ${userId} and outcome = 'lost'
      and not exists (select from amendment where user_id = e.user_id and execution_id = e.id) limit 1`;
  if (!lost) return;
  const told = { outcome: 'success' as const, executionTimeMs: 3, errorName: null, errorMessage: null };
  await database.sql.begin((transaction) =>
    amendExecution(transaction, userId, timeZone, {
      ...told,
      executionId: lost.id,
      timestamp: lost.timestamp,
      instance: randomUUID(),
    }),
  );
}
