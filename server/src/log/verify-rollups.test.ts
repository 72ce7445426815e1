/**
 * Whatever comes in, in whatever order, twice, at once and around the borders of days: every rollup is the count of its
 * rows, every endpoint says what a naive model says, and a count that was tampered with is found.
 */
import { randomUUID } from 'node:crypto';
import type { api } from '@shaparak/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeSensor } from '../../test/people.js';
import { openTestPortal, type Person, type TestPortal } from '../../test/portal.js';
import { receive } from '../intake/receive.js';
import { systemClock } from '../platform/clock.js';
import { importLog } from './import/import.js';
import { verifyRollups } from './verify-rollups.js';

const timeZone = 'Asia/Tehran';
let portal: TestPortal;
let admin: Person;
beforeAll(async () => {
  portal = await openTestPortal();
  admin = await portal.addUser('chief', 'administrator');
});
afterAll(() => portal.close());

const verify = () => verifyRollups({ database: portal.database.owner, timeZone, onProgress: () => {} });

interface Ran {
  at: string;
  outcome: 'success' | 'error';
  ms: number;
  code: string;
  /** who says so; `again`: its delivery comes a second time */
  source: 'both' | 'wire' | 'older log';
  again: boolean;
}

/** Instants of which some lie at midnight in Tehran, with and without daylight saving (until 2022), and today's. */
const instant = fc.oneof(
  fc.constantFrom(
    '2020-03-20T20:30:00.000Z',
    '2020-03-20T20:29:59.999Z',
    '2020-09-20T19:30:00.000Z',
    '2020-09-20T20:29:59.000Z',
    '2022-03-21T20:30:00.000Z',
    '2022-09-21T19:29:59.999Z',
    '2024-02-28T20:29:59.999Z',
    '2024-02-29T20:30:00.000Z',
  ),
  fc.integer({ min: 0, max: 40 * 86_400_000 }).map((ago) => new Date(Date.now() - 10_000 - ago).toISOString()),
);
const ran: fc.Arbitrary<Ran> = fc.record({
  at: instant,
  outcome: fc.constantFrom('success', 'error'),
  ms: fc.nat(5_000),
  code: fc.constantFrom('x = 1', 'import pandas', 'print("سلام")', '1 / 0'),
  source: fc.constantFrom('both', 'both', 'wire', 'older log'),
  again: fc.boolean(),
});

/** Delivers all of it at once, each execution by its witnesses; then what comes from an older log. */
async function deliver(person: Person, all: Ran[]): Promise<void> {
  const deps = { database: portal.database.sql, clock: systemClock, timeZone };
  const deliveries = all.flatMap(({ at, outcome, ms, code, source, again }, index) => {
    const sensor = new FakeSensor(undefined, undefined, 'wire');
    const kernel = new FakeSensor(sensor.sensor.kernel_id);
    const end = { outcome, duration_us: ms * 1_000, ...(outcome === 'error' ? failure : {}) };
    const told = (of: FakeSensor, ...first: ReturnType<FakeSensor['describes']>[]) =>
      of.delivery(...first, of.started(`m${index}`, code, at), of.finished(`m${index}`, end, at));
    const said = {
      both: () => [told(sensor, sensor.describes()), told(kernel)],
      wire: () => [told(sensor, sensor.describes(false))],
      'older log': () => [],
    }[source]();
    return again ? [...said, ...said] : said;
  });
  await Promise.all(deliveries.map((delivery) => receive(deps, person.id, delivery)));
  const imported = all.filter(({ source }) => source === 'older log').map(asLine(person.username));
  await importLog(asyncLines(imported), {
    database: portal.database.owner,
    timeZone,
    now: new Date(),
    onRefused: (line, reason) => {
      throw new Error(`line ${line} ${reason}`);
    },
    onProgress: () => {},
  });
}

const failure = { error_name: 'ValueError', error_message: 'ValueError: no' };
/** A line of an import; its session makes it one of its own. */
const asLine =
  (username: string) =>
  ({ at, outcome, ms, code }: Ran) =>
    JSON.stringify({
      username,
      session_id: randomUUID(),
      cell_number: 1,
      code,
      execution_time_ms: ms,
      status: outcome,
      error_message: outcome === 'error' ? failure.error_message : null,
      timestamp: at,
    });
async function* asyncLines(lines: string[]) {
  yield* lines;
}

const dayOf = (at: string | Date) =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(new Date(at));
const mean = (all: Ran[]) =>
  all.length === 0 ? null : Math.round((100 * all.reduce((sum, { ms }) => sum + ms, 0)) / all.length) / 100;

async function expectAsCounted(person: Person, all: Ran[]): Promise<void> {
  const errors = all.filter(({ outcome }) => outcome === 'error');
  const on = (day: string, of = all) => of.filter(({ at }) => dayOf(at) === day);
  const today = dayOf(new Date());
  const { stats } = await person.json<api.Dashboard>('/api/dashboard');
  expect(stats).toMatchObject({
    total_executions: all.length,
    today_executions: on(today).length,
    total_errors: errors.length,
    success_rate: all.length === 0 ? 0 : Math.round((1_000 * (all.length - errors.length)) / all.length) / 10,
    avg_execution_time_ms: mean(all),
    user_seq: all.length,
  });
  const { daily_stats: days } = await person.json<api.DailyStats>('/api/activity/stats?days=400');
  expect(days.filter(({ executions }) => executions > 0)).toEqual(
    [...new Set(all.map(({ at }) => dayOf(at)))]
      .filter((day) => days.some(({ date }) => date === day))
      .sort()
      .reverse()
      .map((date) => ({
        date,
        executions: on(date).length,
        success_count: on(date).length - on(date, errors).length,
        error_count: on(date, errors).length,
        avg_time_ms: mean(on(date)),
      })),
  );
  const newestFirst = [...all].sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).map(({ at }) => Date.parse(at));
  for (const offset of [0, 1, Math.floor(all.length / 2)]) {
    const page = await person.json<api.Logs>(`/api/logs?limit=5&offset=${offset}`);
    expect(page.logs.map(({ timestamp }) => Date.parse(timestamp))).toEqual(newestFirst.slice(offset, offset + 5));
    expect(page.total).toBe(all.length);
  }
  const found = await person.json<api.SearchResults>('/api/activity/search?query=pandas&limit=1000');
  expect(found.count).toBe(all.filter(({ code }) => code.includes('pandas')).length);
  const failed = await person.json<api.Logs>('/api/logs?limit=1000&status=error');
  expect(failed.count).toBe(errors.length);
  const { users_activity: users } = await admin.json<api.AllUsersActivity>('/api/admin/all-users-activity');
  expect(users.find(({ username }) => username === person.username)).toMatchObject({
    total_executions: all.length,
    today_executions: on(today).length,
    error_count: errors.length,
    avg_time_ms: mean(all),
  });
}

describe('rollups and every endpoint', () => {
  it('are what a naive model counts, in any order, repeated and at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(ran, { maxLength: 12 }), fc.array(ran, { maxLength: 12 }), async (one, other) => {
        const person = await portal.addUser(`person-${randomUUID().slice(0, 8)}`);
        await Promise.all([deliver(person, one), deliver(person, other)]);
        await expectAsCounted(person, [...one, ...other]);
      }),
      { numRuns: 25 },
    );
    const verified = await verify();
    expect(verified.differences).toEqual([]);
    expect(verified.executions).toBeGreaterThan(0);
  });

  it('that say anything else are named: a day, a total, a day without rows, rows without a day', async () => {
    const person = await portal.addUser('tampered');
    await deliver(person, [
      { at: '2024-05-01T08:00:00.000Z', outcome: 'error', ms: 7, code: 'x', source: 'both', again: false },
      { at: '2024-05-02T08:00:00.000Z', outcome: 'success', ms: 7, code: 'x', source: 'wire', again: false },
    ]);
    const { owner } = portal.database;
    await owner`update user_day set errors = 0 where user_id = ${person.id} and day = '2024-05-01'`;
    await owner`delete from user_day where user_id = ${person.id} and day = '2024-05-02'`;
    await owner`insert into user_day (user_id, day, executions) values (${person.id}, '2025-01-01', 9)`;
    await owner`update user_total set sum_ms = 0 where user_id = ${person.id}`;
    const { differences } = await verify();
    expect(differences.map(({ day }) => day)).toEqual(['2024-05-01', '2024-05-02', '2025-01-01', null]);
    expect(differences[0]).toMatchObject({ userId: person.id, counted: { errors: 1 }, stored: { errors: 0 } });
    expect(differences[1]).toMatchObject({ counted: { executions: 1 }, stored: {} });
    expect(differences[3]).toMatchObject({ stored: { sum_ms: 0 } });
  });
});
