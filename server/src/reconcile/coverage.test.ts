/** Coverage is read from rollups; here it is compared with a plain count over the log, after random deliveries. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.js';
import { FakeSensor, makeUser } from '../../test/people.js';
import { receive } from '../intake/receive.js';
import { sweepOverdue } from '../intake/sweep.js';
import { systemClock } from '../platform/clock.js';
import { readCoverage } from './coverage.js';

const timeZone = 'Asia/Tehran';
const dayMs = 86_400_000;
let database: TestDatabase;
const people = new Map<string, number>();
beforeAll(async () => {
  database = await openTestDatabase();
  for (const name of ['sara', 'reza', 'idle']) people.set(name, await makeUser(database.owner, name));
});
afterAll(() => database.drop());

type Seen = 'both' | 'wire' | 'kernel' | 'late kernel' | 'wire alone expected';
const run = fc.record({
  name: fc.constantFrom('sara', 'reza'),
  daysAgo: fc.nat(4),
  seen: fc.constantFrom<Seen>('both', 'wire', 'kernel', 'late kernel', 'wire alone expected'),
});

async function deliver({ name, daysAgo, seen }: { name: string; daysAgo: number; seen: Seen }): Promise<void> {
  const userId = people.get(name) as number;
  const deps = { database: database.sql, clock: systemClock, timeZone };
  const at = new Date(Date.now() - daysAgo * dayMs - 5_000).toISOString();
  const kernel = new FakeSensor();
  const wire = new FakeSensor(kernel.sensor.kernel_id, undefined, 'wire');
  const tell = (sensor: FakeSensor, ...first: unknown[]) =>
    receive(deps, userId, sensor.delivery(...first, sensor.started('m', 'secret()', at), sensor.finished('m', {}, at)));
  if (seen !== 'kernel') await tell(wire, wire.describes(seen !== 'wire alone expected'));
  if (seen === 'both' || seen === 'kernel') await tell(kernel);
  const later = new Date(Date.now() + 120_000);
  await sweepOverdue({ ...deps, clock: { now: () => later }, readyForMs: 1_000_000 });
  if (seen === 'late kernel') await tell(kernel);
}

const read = (days: number) =>
  readCoverage({ database: database.sql, timeZone, formatInstant: (instant) => instant.toISOString() }, days);

/** By a look at every row: who counts, and whom all expected witnesses saw. */
async function countNaively(days: number) {
  const executions = await database.owner<{ username: string; day: string; covered: boolean }[]>`
    select u.username, to_char(e."timestamp" at time zone ${timeZone}, 'YYYY-MM-DD') as day,
      e.evidence = 'both'
        or exists (select from witness w where w.kernel_id = e.kernel_id and w.msg_id = e.msg_id)
        or e.evidence = 'wire' and exists (select from sensor s
          where s.kernel_id = e.kernel_id and not s.expects_kernel_sensor) as covered
    from execution e join users u on u.id = e.user_id
    where (e."timestamp" at time zone ${timeZone})::date > (now() at time zone ${timeZone})::date - ${days}::int`;
  const findings = await database.owner<{ username: string; day: string }[]>`
    select u.username, to_char(f.found_at at time zone ${timeZone}, 'YYYY-MM-DD') as day
    from finding f join users u on u.id = f.user_id`;
  return (by: { day?: string; username?: string }) => {
    const fits = (row: { username: string; day: string }) =>
      (by.day ?? row.day) === row.day && (by.username ?? row.username) === row.username;
    const mine = executions.filter(fits);
    const covered = mine.filter((row) => row.covered).length;
    return {
      executions: mine.length,
      covered,
      coverage: mine.length === 0 ? null : Math.floor((covered / mine.length) * 10_000) / 100,
      findings: findings.filter(fits).length,
    };
  };
}

it('is null and zero where nothing was captured', async () => {
  const { days, users, ...total } = await read(3);
  expect(total).toEqual({ period_days: 3, executions: 0, covered: 0, coverage: null, findings: 0 });
  expect(days.map(({ coverage }) => coverage)).toEqual([null, null, null]);
  expect(users).toEqual([]);
});

it('equals a count over the rows of the log, in total, for a day and for a person', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(run, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 6 }),
      async (runs, days) => {
        for (const one of runs) await deliver(one);
        const count = await countNaively(days);
        const read_ = await read(days);
        expect(read_).toMatchObject(count({}));
        expect(read_.days).toHaveLength(days);
        for (const { date, ...counted } of read_.days) expect(counted).toEqual(count({ day: date }));
        for (const { username, ...counted } of read_.users) expect(counted).toEqual(count({ username }));
        expect(read_.users.map(({ username }) => username)).not.toContain('idle');
        expect([...read_.days].sort((a, b) => (a.date < b.date ? 1 : -1))).toEqual(read_.days);
      },
    ),
    { numRuns: 12 },
  );
});
