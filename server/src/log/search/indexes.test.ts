/** What the indexes promise when there is too little memory, when the database fails, and when much happens at once. */
import type { api } from '@shaparak/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/database.js';
import { append, createDice, idsFound, idsInSql } from '../../../test/history.js';
import { makeUser } from '../../../test/people.js';
import { createLogger } from '../../platform/logging.js';
import type { Database } from '../../platform/postgres.js';
import { SearchIndexes } from './indexes.js';
import { createPlainScanner } from './scanner-plain.js';

const log = createLogger('test', 'silent');
const budgetBytes = 4 * 2 ** 20;
let database: TestDatabase;
const people: number[] = [];
beforeAll(async () => {
  database = await openTestDatabase();
  for (let person = 0; person < 12; person += 1) {
    const userId = await makeUser(database.owner, `person ${person}`);
    people.push(userId);
    const lines = (k: number) => `person_${person} = ${k}\n# ${'lorem ipsum '.repeat(30)}`;
    await append(
      database.sql,
      userId,
      Array.from({ length: 1_000 }, (_, k) => ({ code: lines(k) })),
    );
  }
});
afterAll(() => database.drop());

const open = (change: Partial<ConstructorParameters<typeof SearchIndexes>[0]> = {}) =>
  new SearchIndexes({ database: database.sql, budgetBytes, log, ...change });

/** The database, but for what fails of it. */
function withFaults(fails: (sql: string) => boolean): Database {
  return new Proxy(database.sql, {
    apply(target, self, values: unknown[]) {
      const text = Array.isArray(values[0]) ? values[0].join('?') : '';
      if (fails(text)) throw new Error('connection lost');
      return Reflect.apply(target, self, values);
    },
  });
}

it('stays within the budget, and whoever was thrown out is found again', async () => {
  const indexes = open();
  const dice = createDice(5);
  for (let round = 0; round < 24; round += 1) {
    const person = dice(people.length);
    const userId = people[person] as number;
    if (dice(3) === 0) await append(database.sql, userId, [{ code: `new_${round}` }, { code: `person_${person} = 7` }]);
    for (const query of [`new_${round}`, `person_${person} = 11`, 'person_x', '= 7']) {
      const input = { query, limit: 20 };
      expect(await idsFound(database.sql, indexes, userId, input), query).toEqual(
        await idsInSql(database.sql, userId, input),
      );
      expect(indexes.heldBytes).toBeLessThanOrEqual(budgetBytes);
    }
  }
  expect(indexes.users).toBeGreaterThan(2);
  expect(indexes.users).toBeLessThan(people.length);
  await indexes.close();
});

it('answers by SQL for whom the budget is too small, and finds long texts where it is not', async () => {
  const userId = await makeUser(database.owner, 'heavy');
  const long = (letter: string) => `${letter.repeat(150_000)}كتاب${letter.repeat(150_000)}`;
  await append(
    database.sql,
    userId,
    [...'abcd'].map((letter) => ({ code: long(letter) })),
  );
  const small = open({ budgetBytes: 2 ** 20 });
  const large = open();
  for (const query of ['ccکتابc', 'dd', 'xx', 'a'.repeat(10_000)]) {
    const expected = await idsInSql(database.sql, userId, { query, limit: 3 });
    expect(await idsFound(database.sql, small, userId, { query, limit: 3 })).toEqual(expected);
    await large.load(userId);
    expect(await idsFound(database.sql, large, userId, { query, limit: 3 })).toEqual(expected);
  }
  expect([small.users, large.users]).toEqual([0, 1]);
  await Promise.all([small.close(), large.close()]);
});

describe('a failing database', () => {
  const userId = () => people[0] as number;
  const input = { query: 'person_0 = 1', limit: 5 };

  it.each(['readFolding', 'string_agg', 'group by 1', 'last_seq as last'])(
    'keeps no index of a load in which "%s" fails, and SQL answers',
    async (part) => {
      const mark = part === 'readFolding' ? 'generate_series' : part;
      let failing = true;
      const indexes = open({ database: withFaults((sql) => failing && sql.includes(mark)) });
      expect(await indexes.load(userId())).toBeNull();
      expect(await idsFound(database.sql, indexes, userId(), input)).toEqual(
        await idsInSql(database.sql, userId(), input),
      );
      failing = false;
      expect(indexes.users).toBe(0);
      expect(await indexes.load(people[1] as number)).not.toBeNull();
      await indexes.close();
    },
  );

  it('throws away what a catch-up left half done', async () => {
    let failing = false;
    const indexes = open({ database: withFaults((sql) => failing && sql.includes('string_agg')) });
    const index = await indexes.load(userId());
    failing = true;
    await append(database.sql, userId(), [{ code: 'after the load person_0 = 1' }]);
    const found = await idsFound(database.sql, indexes, userId(), input);
    expect(found).toEqual(await idsInSql(database.sql, userId(), input));
    expect([index?.isDisposed, indexes.users]).toEqual([true, 0]);
    await indexes.close();
  });
});

it('loads once for many, and misses nothing that is committed while it loads', async () => {
  const userId = people[2] as number;
  for (let round = 0; round < 5; round += 1) {
    let loads = 0;
    const indexes = open({
      database: withFaults((sql) => {
        if (sql.includes('group by 1')) loads += 1;
        return false;
      }),
    });
    const code = `while_loading_${round}`;
    const early = Array.from({ length: 8 }, (_, k) =>
      idsFound(database.sql, indexes, userId, { query: `person_2 = ${k}`, limit: 1_000 }),
    );
    await append(database.sql, userId, [{ code }]);
    expect(await idsFound(database.sql, indexes, userId, { query: code, limit: 20 })).toHaveLength(1);
    expect((await Promise.all(early)).map((ids) => ids.length > 0)).toEqual(Array(8).fill(true));
    await append(database.sql, userId, [{ code }, { code: `${code} 2` }]);
    expect(await idsFound(database.sql, indexes, userId, { query: code, limit: 20 })).toHaveLength(3);
    expect(loads).toBe(1);
    await indexes.close();
  }
});

it('forgets a person, also one who is being loaded, and answers as a database does that was set back', async () => {
  const userId = people[3] as number;
  const indexes = open({ createScanner: createPlainScanner });
  const loading = indexes.load(userId);
  indexes.forget(userId);
  expect([await loading, indexes.users]).toEqual([null, 0]);
  const index = await indexes.load(userId);
  await database.owner`delete from execution where user_id = ${userId} and user_seq > 600`;
  await database.owner`update user_total set last_seq = 600 where user_id = ${userId}`;
  const input = { query: 'person_3 = 11', limit: 1_000 };
  const found = await idsFound(database.sql, indexes, userId, input);
  expect(found).toEqual(await idsInSql(database.sql, userId, input));
  expect(index?.isDisposed).toBe(true);
  await indexes.close();
});

it('waits for no execution that was taken away, and shows none', async () => {
  const userId = people[4] as number;
  const indexes = open();
  await indexes.load(userId);
  await append(database.sql, userId, [{ code: 'person_4 = 11 again' }, { code: 'gone' }]);
  await database.owner`delete from execution where user_id = ${userId}
    and user_seq > (select max(user_seq) - 1 from execution where user_id = ${userId})`;
  await database.owner`delete from execution where user_id = ${userId} and user_seq between 100 and 300`;
  for (const query of ['person_4 = 1', 'gone', 'lorem']) {
    const input = { query, limit: 850 };
    const found = await idsFound(database.sql, indexes, userId, input);
    expect(found).toEqual(await idsInSql(database.sql, userId, input));
  }
  expect(indexes.users).toBe(1);
  await indexes.close();
});

it('finds by status among very many, where the wanted ones are the oldest', async () => {
  const userId = await makeUser(database.owner, 'status');
  const codes = Array.from({ length: 5_000 }, (_, k) => `row ${k}`);
  await append(database.sql, userId, [
    { code: 'row old', outcome: 'error', timestamp: '2026-10-01T00:00:00Z' },
    ...codes.map((code) => ({ code })),
  ]);
  const indexes = open();
  await indexes.load(userId);
  const found = (status: api.Status, limit: number) =>
    idsFound(database.sql, indexes, userId, { query: 'row', limit, status });
  for (const limit of [1, 2])
    expect(await found('error', limit)).toEqual(
      await idsInSql(database.sql, userId, { query: 'row', limit, status: 'error' }),
    );
  const all = await idsInSql(database.sql, userId, { query: 'row', limit: 1_000, status: undefined });
  expect(await found('success', 1_000)).toEqual(all);
  expect(await found('success', 3)).toEqual(all.slice(0, 3));
  await indexes.close();
});
