import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.js';
import { FakeSensor, makeUser } from '../../test/people.js';
import { fromStored } from '../log/text.js';
import { systemClock } from '../platform/clock.js';
import type { IntakeDependencies } from './dependencies.js';
import { receive } from './receive.js';
import { sweepOverdue } from './sweep.js';

describe('intake', () => {
  let database: TestDatabase;
  let deps: IntakeDependencies;
  let userId: number;
  beforeAll(async () => {
    database = await openTestDatabase();
    deps = { database: database.sql, clock: systemClock, timeZone: 'Asia/Tehran' };
    userId = await makeUser(database.owner, 'sara');
  });
  afterAll(() => database.drop());

  /** Of a kernel that brings no sensor: what it tells is settled at once. */
  async function soleWitness(): Promise<FakeSensor> {
    const sensor = new FakeSensor(undefined, undefined, 'wire');
    await receive(deps, userId, sensor.delivery(sensor.describes(false)));
    return sensor;
  }

  const rows = (kernelId: string) => database.owner<
    { outcome: string; evidence: string; msgId: string; occurrence: number; ms: number; code: string; seq: number }[]
  >`
    select outcome, evidence, msg_id as "msgId", occurrence, execution_time_ms as ms, code, user_seq as seq
    from execution e join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
    where kernel_id = ${kernelId} order by user_seq`;

  /** after every grace, with a portal that has been up for long and no gateway that is behind */
  const later = () => ({
    ...deps,
    clock: { now: () => new Date(Date.now() + 10_000) },
    readyForMs: 110_000,
  });

  async function expectRollupsExact() {
    const [counted] = await database.owner<{ n: number; errors: number; ms: number; seq: number }[]>`
      select count(*) as n, count(*) filter (where outcome <> 'success') as errors, sum(execution_time_ms) as ms,
        max(user_seq) as seq from execution where user_id = ${userId}`;
    const [total] = await database.owner`
      select executions as n, errors, sum_ms as ms, last_seq as seq from user_total where user_id = ${userId}`;
    const [days] = await database.owner`
      select sum(executions)::bigint as n, sum(errors)::bigint as errors, sum(sum_ms)::bigint as ms
      from user_day where user_id = ${userId}`;
    expect(total).toEqual(counted);
    expect(days).toEqual({ n: counted?.n, errors: counted?.errors, ms: counted?.ms });
  }

  it('logs an execution once, however often it is delivered', async () => {
    const sensor = await soleWitness();
    const delivery = sensor.delivery(sensor.started('m1', 'print(1)'), sensor.finished('m1'));
    expect(await receive(deps, userId, delivery)).toEqual({
      received: 2,
      accepted: 2,
      duplicate: 0,
      quarantined: 0,
      through: 3,
    });
    expect(await receive(deps, userId, delivery)).toEqual({
      received: 2,
      accepted: 0,
      duplicate: 2,
      quarantined: 0,
      through: 3,
    });
    expect(await rows(sensor.sensor.kernel_id)).toEqual([
      expect.objectContaining({ outcome: 'success', evidence: 'wire', ms: 12, code: 'print(1)' }),
    ]);
    await expectRollupsExact();
  });

  it('takes the same delivery ten times at once and still logs it once', async () => {
    const sensor = await soleWitness();
    const delivery = sensor.delivery(sensor.started('race', 'x'), sensor.finished('race'));
    const receipts = await Promise.all(Array.from({ length: 10 }, () => receive(deps, userId, delivery)));
    expect(receipts.reduce((sum, receipt) => sum + receipt.accepted, 0)).toBe(2);
    expect(await rows(sensor.sensor.kernel_id)).toHaveLength(1);
    await expectRollupsExact();
  });

  it('counts records out of order as received and names the hole', async () => {
    const sensor = await soleWitness();
    const [one, two, three] = [sensor.started('a', '1'), sensor.finished('a'), sensor.started('b', '2')];
    expect((await receive(deps, userId, sensor.delivery(one, three))).through).toBe(2);
    expect((await receive(deps, userId, sensor.delivery(two))).through).toBe(4);
  });

  it('keeps running executions until they finish, across deliveries', async () => {
    const sensor = await soleWitness();
    await receive(deps, userId, sensor.delivery(sensor.started('slow', 'sleep')));
    expect(await rows(sensor.sensor.kernel_id)).toHaveLength(0);
    const error = { outcome: 'error' as const, error_name: 'E', error_message: 'E: x' };
    await receive(deps, userId, sensor.delivery(sensor.finished('slow', error)));
    expect(await rows(sensor.sensor.kernel_id)).toEqual([expect.objectContaining({ outcome: 'error' })]);
    expect(
      await database.owner`select 1 from open_execution where kernel_id = ${sensor.sensor.kernel_id}`,
    ).toHaveLength(0);
    await expectRollupsExact();
  });

  it('makes a msg_id that is sent again a new occurrence and a finding, never a duplicate', async () => {
    const sensor = await soleWitness();
    await receive(deps, userId, sensor.delivery(sensor.started('same', 'first'), sensor.finished('same')));
    await receive(deps, userId, sensor.delivery(sensor.started('same', 'second'), sensor.finished('same')));
    expect((await rows(sensor.sensor.kernel_id)).map((row) => [row.occurrence, row.code])).toEqual([
      [1, 'first'],
      [2, 'second'],
    ]);
    const findings =
      await database.owner`select kind, occurrence from finding where kernel_id = ${sensor.sensor.kernel_id}`;
    expect(findings).toEqual([{ kind: 'msg-id-reused', occurrence: 2 }]);
  });

  it('quarantines what it cannot understand and takes its neighbours', async () => {
    const sensor = await soleWitness();
    const bad = { sequence: 4, type: 'execution_started', observed_at: 'yesterday' };
    const unknown = { sequence: 5, type: 'teleported', observed_at: '2026-11-23T08:00:01Z' };
    const receipt = await receive(
      deps,
      userId,
      sensor.delivery(sensor.started('ok', '1'), sensor.finished('ok'), bad, unknown, 'nonsense'),
    );
    expect(receipt).toEqual({ received: 5, accepted: 2, duplicate: 0, quarantined: 3, through: 5 });
    expect(await rows(sensor.sensor.kernel_id)).toHaveLength(1);
    const kept =
      await database.owner`select sequence from quarantine where instance = ${sensor.sensor.instance} order by 1`;
    expect(kept.map((row) => row.sequence)).toEqual([4, 5, null]);
  });

  it('keeps NUL, lone surrogates and its own escape character exactly', async () => {
    const sensor = await soleWitness();
    const code = 'a\0b \ud800 \udc00 \uF7A5 \uF7A50000 😀 می‌شود';
    await receive(
      deps,
      userId,
      sensor.delivery(
        sensor.started('odd', code),
        sensor.finished('odd', { outcome: 'error', error_name: 'E\0', error_message: '\ud800' }),
      ),
    );
    const [row] = await rows(sensor.sensor.kernel_id);
    expect(fromStored(row?.code ?? '')).toBe(code);
  });

  it('keeps a running execution with odd text through the open table', async () => {
    const sensor = await soleWitness();
    await receive(deps, userId, sensor.delivery(sensor.started('odd\0id', '\ud800')));
    await receive(deps, userId, sensor.delivery(sensor.finished('odd\0id')));
    expect(await rows(sensor.sensor.kernel_id)).toHaveLength(1);
  });

  it('keeps a request that never ran out of every count', async () => {
    const sensor = new FakeSensor();
    const [before] = await database.owner`select executions from user_total where user_id = ${userId}`;
    expect((await receive(deps, userId, sensor.delivery(sensor.notRun('aborted')))).accepted).toBe(1);
    const [after] = await database.owner`select executions from user_total where user_id = ${userId}`;
    expect(after).toEqual(before);
    expect(await database.owner`select 1 from request_not_run where msg_id = 'aborted'`).toHaveLength(1);
  });

  it('gives up on what a stopped kernel left open, after the grace', async () => {
    const sensor = new FakeSensor();
    await receive(deps, userId, sensor.delivery(sensor.started('dies', 'os._exit(1)'), sensor.other('sensor_stopped')));
    expect(await rows(sensor.sensor.kernel_id)).toHaveLength(0);
    await sweepOverdue(later());
    expect(await rows(sensor.sensor.kernel_id)).toEqual([expect.objectContaining({ outcome: 'lost', ms: null })]);
    await expectRollupsExact();
  });

  it('gives up on what the kernel ran before it was restarted', async () => {
    const sensor = new FakeSensor();
    await receive(deps, userId, sensor.delivery(sensor.started('before', 'while True: pass')));
    const restarted = new FakeSensor(sensor.sensor.kernel_id, '2026-11-23T08:10:00.000000Z');
    await receive(
      deps,
      userId,
      restarted.delivery({
        sequence: 1,
        observed_at: '2026-11-23T08:10:00Z',
        type: 'sensor_started',
        notebook_path: null,
      }),
    );
    await sweepOverdue(later());
    expect(await rows(sensor.sensor.kernel_id)).toEqual([expect.objectContaining({ outcome: 'lost' })]);
  });

  it('never lets the application change or delete what is logged', async () => {
    await expect(database.sql`update execution set outcome = 'success'`).rejects.toThrow(/permission denied/);
    await expect(database.sql`delete from execution`).rejects.toThrow(/permission denied/);
    await expect(database.sql`delete from audit_event`).rejects.toThrow(/permission denied/);
    await expect(database.sql`update snippet set code = ''`).rejects.toThrow(/permission denied/);
  });
});
