import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectDirect } from '../../server/src/platform/postgres.ts';
import { openTestDatabase } from '../../server/test/database.ts';
import { quantile } from '../statistics.mjs';
import { field } from './copy.mjs';
import { errorShare } from './errors.mjs';
import { createHistory, rareWord } from './executions.mjs';
import { loadHistory, seedSchema } from './load.mjs';
import { userNames, zipfShares } from './people.mjs';
import { createRandom } from './random.mjs';

const daysFrom = (count) =>
  Array.from({ length: count }, (_, index) => {
    const start = Date.UTC(2026, 0, 1 + index) * 1_000;
    return { start, end: start + 86_400_000_000, date: new Date(start / 1_000).toISOString().slice(0, 10), offset: 0 };
  });

function makeAll({ seed = 7, people = 20, rows = 20_000 } = {}) {
  const days = daysFrom(40);
  const history = createHistory(createRandom(seed), { people, rows, days });
  return days.flatMap((_, index) =>
    history.executionsOf(index).map(({ snippet, ...one }) => ({ ...one, code: snippet.text })),
  );
}

describe('a history', () => {
  const all = makeAll();

  it('is the same for the same seed, and another for another one', () => {
    expect(makeAll()).toEqual(all);
    expect(makeAll({ seed: 8 })).not.toEqual(all);
  });

  it('has the rows that were asked for, in order, each at an instant of its own', () => {
    expect(all).toHaveLength(20_000);
    expect(all.every((one, index) => index === 0 || one.at > all[index - 1].at)).toBe(true);
  });

  it('is new in a quarter, fails in a twentieth, and nobody writes a cell twice', () => {
    const share = (test) => all.filter(test).length / all.length;
    expect(share((one) => one.isNew)).toBeCloseTo(0.23, 1);
    expect(share((one) => one.outcome !== 'success')).toBeCloseTo(errorShare, 2);
    const written = all.filter((one) => one.isNew).map(({ author, code }) => `${author} ${code}`);
    expect(new Set(written).size).toBe(written.length);
  });

  it('holds the rare word once for each person', () => {
    const rare = all.filter((one) => one.isNew && one.code.includes(rareWord));
    expect(new Set(rare.map((one) => one.author)).size).toBe(20);
  });

  it('has cells of the length that cells have', () => {
    const lengths = all.filter((one) => one.isNew).map(({ code }) => code.length);
    for (const [share, length] of [
      [0.1, 26],
      [0.5, 138],
      [0.9, 672],
      [0.99, 1_966],
    ])
      expect(Math.abs(Math.log(quantile(lengths, share) / length)), `${share}`).toBeLessThan(0.2);
  });
});

it('people work as Zipf says, and have names of their own', () => {
  const shares = zipfShares(1_000, 1_000_000);
  expect(shares.reduce((sum, one) => sum + one, 0)).toBe(1_000_000);
  expect(shares[0] / 1_000_000).toBeCloseTo(0.1, 1);
  expect(Math.min(...shares)).toBeGreaterThan(0);
  const names = userNames(2_500);
  expect(new Set(names).size).toBe(2_500);
  expect(names.every((name) => /^[a-z0-9][a-z0-9._-]{0,63}$/.test(name))).toBe(true);
});

it('fields of COPY come through whole', () => {
  expect(field('a\\b\tc\nd\r')).toBe('a\\\\b\\tc\\nd\\r');
  expect([field(null), field(7), field('۱')]).toEqual(['\\N', '7', '۱']);
});

describe('a loaded history', () => {
  let database;
  let owner;
  let users;
  beforeAll(async () => {
    database = await openTestDatabase();
    owner = database.owner;
    users = await loadHistory({
      connect: () => connectDirect({ ...database.settings, role: null }, { max: 1, applicationName: 'bench' }),
      rows: 5_000,
      people: 30,
      days: 60,
      seed: 3,
      timeZone: 'Asia/Tehran',
      passwordHash: 'none',
      now: new Date('2026-11-24T10:00:00Z'),
      say: () => {},
    });
  });
  afterAll(() => database.drop());
  const one = async (query) => (await owner.unsafe(query))[0];

  it('has equal rows in both schemas', async () => {
    const differing = await one(`
      select count(*)::int as n from ${seedSchema}.code_execution_logs s full join code_execution_logs o using (id)
      where (s.username, s.session_id, s.cell_number, s.code, s.execution_time_ms, s.status, s.error_message, s.timestamp)
        is distinct from (o.username, o.session_id, o.cell_number, o.code, o.execution_time_ms, o.status, o.error_message,
          o.timestamp at time zone 'Asia/Tehran')`);
    expect(differing.n).toBe(0);
    expect((await one('select count(*)::int as n from code_execution_logs')).n).toBe(5_000);
    expect((await one('select count(*)::int as n from execution_default')).n).toBe(0);
  });

  it('has rollups that count exactly its rows', async () => {
    const columns = (alias) =>
      `${alias}.executions, ${alias}.errors, ${alias}.timed, ${alias}.sum_ms, ${alias}.last_at`;
    const counted = `count(*) as executions, count(*) filter (where outcome <> 'success') as errors,
      count(execution_time_ms) as timed, sum(execution_time_ms) as sum_ms, max("timestamp") as last_at`;
    const totals = await one(`
      select count(*)::int as n from (select user_id, ${counted} from execution group by 1) c
      full join user_total t using (user_id) where (${columns('c')}) is distinct from (${columns('t')})`);
    expect(totals.n).toBe(0);
    const days = await one(`
      select count(*)::int as n from (
        select user_id, ("timestamp" at time zone 'Asia/Tehran')::date as day, ${counted} from execution group by 1, 2) c
      full join user_day d using (user_id, day)
      where (${columns('c')}, c.executions, c.executions) is distinct from (${columns('d')}, d.live, d.covered)`);
    expect(days.n).toBe(0);
    expect(users.map(({ executions }) => executions)).toEqual(zipfShares(30, 5_000));
  });

  it('numbers each person without a hole, in the order of time, and goes on after the last', async () => {
    const wrong = await one(`
      select count(*)::int as n from (select user_seq, row_number() over (partition by user_id order by "timestamp") as place
      from execution) as e where user_seq <> place`);
    expect(wrong.n).toBe(0);
    const last = await one(`
      select count(*)::int as n from user_total t
      where last_seq <> (select max(user_seq) from execution e where e.user_id = t.user_id)`);
    expect(last.n).toBe(0);
    const next = await one(`select nextval(pg_get_serial_sequence('execution', 'id'))::int as n`);
    expect(next.n).toBe(5_001);
  });

  it('has a key for each row, and digests of the person’s own', async () => {
    const keys = await one(`
      select count(*)::int as n from execution e join execution_key k on k.user_id = e.user_id and k.kernel_id = e.kernel_id
        and k.msg_id = e.msg_id and k.occurrence = 1 and k.execution_id = e.id and k."timestamp" = e."timestamp"`);
    expect(keys.n).toBe(5_000);
    for (const row of await owner.unsafe(
      'select s.digest, s.code, u.digest_key as key from snippet s join users u on u.id = s.user_id limit 50',
    ))
      expect(createHmac('sha256', row.key).update(row.code).digest().equals(row.digest)).toBe(true);
  });

  it('has the four indexes of the specified table', async () => {
    const rows = await owner.unsafe(
      `select indexname as name from pg_indexes where schemaname = '${seedSchema}' order by 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual([
      'code_execution_logs_pkey',
      'idx_status',
      'idx_timestamp',
      'idx_username',
      'idx_username_timestamp',
    ]);
  });
});
