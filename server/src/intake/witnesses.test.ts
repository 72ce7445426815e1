/** Two witnesses of one execution, on a real database: one row, the wire's word, and a finding for every difference. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.js';
import { FakeSensor, makeUser } from '../../test/people.js';
import type { IntakeDependencies } from './dependencies.js';
import { receive } from './receive.js';
import { sweepOverdue } from './sweep.js';

describe('two witnesses', () => {
  let database: TestDatabase;
  let deps: IntakeDependencies;
  let userId: number;
  let clock: Date;
  let kernel: FakeSensor;
  let wire: FakeSensor;
  beforeAll(async () => {
    database = await openTestDatabase();
    deps = { database: database.sql, clock: { now: () => clock }, timeZone: 'Asia/Tehran' };
    userId = await makeUser(database.owner, 'sara');
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    clock = new Date('2026-11-23T09:00:00Z');
    kernel = new FakeSensor();
    wire = new FakeSensor(kernel.sensor.kernel_id, undefined, 'wire');
    await tell(wire, wire.describes());
  });

  const tell = (sensor: FakeSensor, ...observations: unknown[]) =>
    receive(deps, userId, sensor.delivery(...observations));
  const sweep = async (afterMs: number, readyForMs = 1_000_000) => {
    clock = new Date(clock.getTime() + afterMs);
    return sweepOverdue({ ...deps, readyForMs });
  };
  const rows = () => database.owner`
    select e.outcome, e.evidence, e.occurrence, s.code, a.outcome as amended from execution e
    join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
    left join amendment a on a.user_id = e.user_id and a.execution_id = e.id
    where e.kernel_id = ${kernel.sensor.kernel_id} order by e.user_seq`;
  const findings = async () =>
    (await database.owner`
      select kind, evidence from finding where kernel_id = ${kernel.sensor.kernel_id} order by id`) as unknown as {
      kind: string;
      evidence: object;
    }[];
  const coverage = async () => (await database.owner`select live, covered from user_day where user_id = ${userId}`)[0];

  it('becomes one row with both, whoever comes first, also when they come at once', async () => {
    await Promise.all([
      tell(wire, wire.started('m', 'x = 1'), wire.finished('m')),
      tell(kernel, kernel.started('m', 'x = 1'), kernel.finished('m')),
    ]);
    expect(await rows()).toMatchObject([{ outcome: 'success', evidence: 'both', code: 'x = 1' }]);
    expect(await findings()).toEqual([]);
    expect(await coverage()).toEqual({ live: 1, covered: 1 });
  });

  it('twenty pairs at once make twenty rows and no finding', async () => {
    const pairs = Array.from({ length: 20 }, (_, index) => `m${index}`);
    const deliveries = pairs.flatMap((id) => [
      () => tell(wire, wire.started(id, id), wire.finished(id)),
      () => tell(kernel, kernel.started(id, id), kernel.finished(id)),
    ]);
    await Promise.all(deliveries.map((deliver) => deliver()));
    expect((await rows()).map((row) => row.evidence)).toEqual(Array(20).fill('both'));
    expect(await findings()).toEqual([]);
  });

  it('waits two seconds for the kernel, then says that it is missing', async () => {
    await tell(wire, wire.started('m', 'hidden()'), wire.finished('m'));
    await sweep(1_900);
    expect(await rows()).toEqual([]);
    await sweep(200);
    expect(await rows()).toMatchObject([{ evidence: 'wire' }]);
    expect(await findings()).toMatchObject([{ kind: 'wire-only' }]);
  });

  it('says that nobody asked for what only the kernel tells', async () => {
    await database.owner`
      insert into wire_progress (gateway, caught_up_to) values (gen_random_uuid(), '2026-11-23T09:01:00Z')`;
    await tell(kernel, kernel.started('own', 'smuggled()'), kernel.finished('own'));
    await sweep(2_100);
    expect(await rows()).toMatchObject([{ evidence: 'kernel', code: 'smuggled()' }]);
    expect(await findings()).toMatchObject([{ kind: 'kernel-only' }]);
    await database.owner`delete from wire_progress`;
  });

  it('takes a gateway that is behind for late and not for blind', async () => {
    await database.owner`
      insert into wire_progress (gateway, caught_up_to) values (gen_random_uuid(), '2026-11-23T07:00:00Z')`;
    await tell(kernel, kernel.started('m', '1'), kernel.finished('m'));
    await sweep(30_000);
    expect(await rows()).toEqual([]);
    await tell(wire, wire.started('m', '1'), wire.finished('m'));
    expect(await rows()).toMatchObject([{ evidence: 'both' }]);
    expect(await findings()).toEqual([]);
    await database.owner`delete from wire_progress`;
  });

  it('takes a gateway that spoke before the clock was set back for late as well', async () => {
    await database.owner`delete from wire_progress`;
    await database.owner`
      insert into wire_progress (gateway, caught_up_to) values (gen_random_uuid(), '2026-11-23T10:00:00Z')`;
    const now = clock.toISOString();
    await tell(kernel, kernel.started('m', 'x = 1', now), kernel.finished('m', {}, now));
    await sweep(2_100, 0);
    expect(await rows()).toEqual([]);
    await sweep(1_100, 61_000);
    expect(await rows()).toMatchObject([{ evidence: 'kernel' }]);
    await database.owner`delete from wire_progress`;
  });

  it('gives kernels time to come back after the intake was away', async () => {
    await tell(wire, wire.started('m', '1'), wire.finished('m'));
    await sweep(5_000, 6_000);
    expect(await rows()).toEqual([]);
    await tell(kernel, kernel.started('m', '1'), kernel.finished('m'));
    expect(await rows()).toMatchObject([{ evidence: 'both' }]);
  });

  it('keeps both texts when they differ, and tells no code in the finding', async () => {
    await tell(wire, wire.started('m', 'steal()'));
    await tell(kernel, kernel.started('m', 'harmless()'), kernel.finished('m'));
    await tell(wire, wire.finished('m'));
    expect(await rows()).toMatchObject([{ code: 'steal()', evidence: 'both' }]);
    expect(await findings()).toEqual([{ kind: 'code-differs', evidence: { second_witness: 'kernel' } }]);
    const [witness] = await database.owner`
      select body ->> 'code' as code from witness where kernel_id = ${kernel.sensor.kernel_id}`;
    expect(witness?.code).toBe('harmless()');
  });

  it('believes the wire about the outcome and tells what the kernel said', async () => {
    await tell(kernel, kernel.started('m', '1'), kernel.finished('m'));
    await tell(
      wire,
      wire.started('m', '1'),
      wire.finished('m', { outcome: 'error', error_name: 'ValueError', error_message: 'ValueError: x' }),
    );
    expect(await rows()).toMatchObject([{ outcome: 'error' }]);
    expect(await findings()).toMatchObject([
      { kind: 'outcome-differs', evidence: { wire: 'error (ValueError)', kernel: 'success' } },
    ]);
  });

  it('counts a witness that comes after the grace, and keeps the finding', async () => {
    const before = await coverage();
    await tell(wire, wire.started('m', '1'), wire.finished('m'));
    await sweep(2_100);
    await tell(kernel, kernel.started('m', '1'), kernel.finished('m'));
    expect(await rows()).toHaveLength(1);
    expect((await findings()).map((one) => one.kind)).toEqual(['wire-only']);
    const after = await coverage();
    expect([after?.live - before?.live, after?.covered - before?.covered]).toEqual([1, 1]);
  });

  it('lets a lost execution become a success three days later, with both visible and counts right', async () => {
    await tell(wire, wire.started('m', 'os._exit(0)'), wire.finished('m', { outcome: 'lost' }));
    await sweep(8_100);
    const errors = async () =>
      (await database.owner`select errors from user_total where user_id = ${userId}`)[0]?.errors;
    const before = await errors();
    expect(await rows()).toMatchObject([{ outcome: 'lost', amended: null }]);
    clock = new Date(clock.getTime() + 3 * 86_400_000);
    await tell(kernel, kernel.started('m', 'os._exit(0)'), kernel.finished('m'));
    expect(await rows()).toMatchObject([{ outcome: 'lost', amended: 'success' }]);
    expect((await findings()).map((one) => one.kind)).toEqual(['wire-only', 'outcome-differs']);
    expect(await errors()).toBe(before - 1);
    // Told again, it changes nothing more.
    await tell(kernel, kernel.finished('m'));
    expect(await errors()).toBe(before - 1);
  });

  it('does not let the kernel’s word alone close what the wire saw', async () => {
    await tell(wire, wire.started('m', 'hidden()'));
    await tell(kernel, kernel.notRun('m', 'hidden()'));
    await tell(wire, wire.finished('m'));
    await sweep(2_100);
    expect(await rows()).toMatchObject([{ code: 'hidden()', outcome: 'success' }]);
    expect((await findings()).map((one) => one.kind)).toEqual(['wire-only']);
  });

  it('does not let a forged abort close what the kernel began', async () => {
    await tell(wire, wire.started('m', 'hidden()'));
    await tell(kernel, kernel.started('m', 'hidden()'));
    await tell(wire, wire.notRun('m', 'hidden()'));
    await tell(kernel, kernel.finished('m'));
    expect(await rows()).toMatchObject([{ code: 'hidden()', outcome: 'error' }]);
    expect((await findings()).map((one) => one.kind)).toContain('outcome-differs');
  });

  it('keeps an end that a new gateway heard of what the killed one had not written down', async () => {
    const next = new FakeSensor(kernel.sensor.kernel_id, undefined, 'wire');
    const late = await tell(next, next.describes(), next.finished('m'));
    expect(late).toMatchObject({ accepted: 2, quarantined: 0 });
    await tell(kernel, kernel.started('m', 'x = 1'), kernel.finished('m'));
    await sweep(2_100);
    expect(await rows()).toMatchObject([{ evidence: 'kernel', outcome: 'success' }]);
    const words = await database.owner`
      select kind, body ->> 'type' as type from witness where kernel_id = ${kernel.sensor.kernel_id}`;
    expect(words).toMatchObject([{ kind: 'wire', type: 'execution_finished' }]);
  });

  it('is settled in its time also where the clock was set back meanwhile', async () => {
    await tell(wire, wire.started('m', 'x = 1'), wire.finished('m'));
    await sweep(-3_600_000, 20_000);
    expect(await rows()).toMatchObject([{ evidence: 'wire', outcome: 'success' }]);
    clock = new Date('2026-11-23T09:00:00Z');
    const now = clock.toISOString();
    await tell(kernel, kernel.started('n', 'y = 1', now), kernel.finished('n', {}, now));
    await sweep(-3_600_000, 20_000);
    expect(await rows()).toHaveLength(1);
    await sweep(1_100, 61_000);
    expect(await rows()).toHaveLength(2);
  });

  it('expects no sensor of a kernel that brings none', async () => {
    const other = new FakeSensor(undefined, undefined, 'wire');
    await tell(other, other.describes(false), other.started('m', 'echo hi'), other.finished('m'));
    const [row] = await database.owner`select evidence from execution where kernel_id = ${other.sensor.kernel_id}`;
    expect(row?.evidence).toBe('wire');
    expect(await database.owner`select 1 from finding where kernel_id = ${other.sensor.kernel_id}`).toHaveLength(0);
  });

  it('takes a message id that comes again for a new execution of both', async () => {
    for (const code of ['first', 'second']) {
      await tell(wire, wire.started('m', code), wire.finished('m'));
      await tell(kernel, kernel.started('m', code), kernel.finished('m'));
    }
    expect(await rows()).toMatchObject([
      { occurrence: 1, code: 'first', evidence: 'both' },
      { occurrence: 2, code: 'second', evidence: 'both' },
    ]);
    expect((await findings()).map((one) => one.kind)).toEqual(['msg-id-reused']);
  });

  it('tells an output that nobody asked for once, and none for one that was', async () => {
    const unasked = (sequence: number, msgId: string) => ({
      sequence,
      observed_at: '2026-11-23T08:00:02Z',
      type: 'output_without_request',
      msg_id: msgId,
      client_session: 's',
      code: 'forged()',
    });
    await tell(wire, wire.started('real', '1'), unasked(3, 'real'), unasked(4, 'forged'), unasked(5, 'forged'));
    expect(await findings()).toMatchObject([{ kind: 'forged-output' }]);
  });

  it('notices a clock that was turned, once', async () => {
    for (const id of ['a', 'b']) {
      await tell(wire, wire.started(id, '1'), wire.finished(id));
      const turned = '2026-11-23T07:00:00.000000Z';
      await tell(kernel, kernel.started(id, '1', turned), kernel.finished(id, {}, turned));
    }
    expect(await findings()).toMatchObject([{ kind: 'clock-difference', evidence: { kernel_ahead_ms: -3_602_000 } }]);
  });

  it('gives up what a killed process was running, also when its last records come after its successor’s first', async () => {
    await tell(wire, wire.started('m', 'os.kill(0, 9)'));
    const successor = new FakeSensor(kernel.sensor.kernel_id, '2026-11-23T08:30:00.000000Z');
    await tell(successor, successor.describes());
    await tell(kernel, kernel.started('m', 'os.kill(0, 9)'));
    await sweep(2_100);
    expect(await rows()).toMatchObject([{ outcome: 'lost', evidence: 'both' }]);
  });

  it('gives up what nobody is heard of any more', async () => {
    await tell(wire, wire.started('m', 'sleep'));
    await database.owner`update sensor set last_heard_at = '2026-11-23T09:00:00Z' where user_id = ${userId}`;
    await sweep(119_000);
    expect(await rows()).toEqual([]);
    await sweep(2_000);
    await sweep(1_000);
    expect(await rows()).toMatchObject([{ outcome: 'lost' }]);
  });
});
