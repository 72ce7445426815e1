/** What is wrong with sensors, on a real database: each is told once, however often it is looked at. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.js';
import { FakeSensor, makeUser } from '../../test/people.js';
import { receive } from '../intake/receive.js';
import { systemClock } from '../platform/clock.js';
import { checkSensors } from './sensor-checks.js';

let database: TestDatabase;
let userId: number;
let kernel: FakeSensor;
let wire: FakeSensor;
beforeAll(async () => {
  database = await openTestDatabase();
  userId = await makeUser(database.owner, 'sara');
});
afterAll(() => database.drop());
beforeEach(() => {
  kernel = new FakeSensor();
  wire = new FakeSensor(kernel.sensor.kernel_id, undefined, 'wire');
});

const tell = (sensor: FakeSensor, ...observations: unknown[]) =>
  receive(
    { database: database.sql, clock: systemClock, timeZone: 'Asia/Tehran' },
    userId,
    sensor.delivery(...observations),
  );
/** Everything that a sensor has done is so many seconds longer ago. */
const age = ({ sensor: { instance } }: FakeSensor, seconds: number) => database.owner`
  update sensor set last_heard_at = last_heard_at - make_interval(secs => ${seconds}),
    first_heard_at = first_heard_at - make_interval(secs => ${seconds}),
    hole_since = hole_since - make_interval(secs => ${seconds}) where instance = ${instance}`;
const findings = () => database.owner`
  select kind, msg_id as "msgId", evidence, instance from finding
  where kernel_id = ${kernel.sensor.kernel_id} order by id`;
/** Looks three times, as the portal does every few seconds. */
async function check(readyForMs = 1_000_000) {
  for (let time = 0; time < 3; time += 1) await checkSensors(database.sql, readyForMs);
  return findings();
}

describe('records that are missing between others', () => {
  it('are a finding after three seconds, which names them, and one more when there are more', async () => {
    const lost = [kernel.started('a', '1'), kernel.finished('a')];
    await tell(kernel, kernel.started('b', '1'));
    expect(await check()).toEqual([]);
    await age(kernel, 2);
    expect(await check()).toEqual([]);
    await age(kernel, 2);
    const first = { kind: 'sequence-gap', evidence: { sensor: 'kernel', missing: '{[1,3)}' } };
    expect(await check()).toMatchObject([{ ...first, instance: kernel.sensor.instance }]);
    kernel.finished('never told');
    await tell(kernel, kernel.finished('b'));
    expect(await check()).toMatchObject([first, { evidence: { missing: '{[1,3),[4,5)}' } }]);
    // What comes late fills the hole; the finding stays.
    await tell(kernel, ...lost, kernel.started('c', '1'));
    expect(await check()).toHaveLength(3);
  });

  it('are none where they come within three seconds', async () => {
    const late = wire.describes();
    await tell(wire, wire.started('m', '1'));
    await tell(wire, late);
    await age(wire, 60);
    expect(await check()).toEqual([]);
  });
});

describe('a kernel’s sensor that is silent', () => {
  const run = async (kernelAge: number, wireAge: number, expectsSensor = true) => {
    await tell(wire, wire.describes(expectsSensor));
    await tell(kernel, kernel.started('m', '1'));
    await age(kernel, kernelAge);
    await age(wire, wireAge);
    return (await check()).map(({ kind }) => kind);
  };

  it('is a finding after three missed signs of life, while the gateway sees the kernel', async () => {
    expect(await run(50, 10)).toEqual(['sensor-silent']);
  });
  it('is none sooner', async () => expect(await run(40, 10)).toEqual([]));
  it('is none where the gateway does not see the kernel either', async () => expect(await run(90, 70)).toEqual([]));
  it('is none of a kernel that brings no sensor', async () => expect(await run(50, 10, false)).toEqual([]));

  it('is none when it has said that it stops, or when a newer one speaks', async () => {
    await tell(kernel, kernel.other('sensor_stopped'));
    expect(await run(50, 10)).toEqual([]);
    const restarted = new FakeSensor(kernel.sensor.kernel_id, '2026-11-23T09:00:00.000000Z');
    await tell(restarted, restarted.started('n', '1'));
    expect(await check()).toEqual([]);
  });

  it('is told again when it had come back in between', async () => {
    await run(50, 10);
    await database.owner`update sensor set last_heard_at = now() where instance = ${kernel.sensor.instance}`;
    expect(await check()).toHaveLength(1);
    await age(kernel, 46);
    expect(await check()).toHaveLength(2);
  });
});

describe('after an outage', () => {
  it('nothing is suspected until the sensors could come back, and silence not before three signs of life', async () => {
    await tell(wire, wire.describes());
    kernel.finished('never told');
    await tell(kernel, kernel.started('m', '1'));
    await age(kernel, 50);
    expect(await check(14_000)).toEqual([]);
    expect((await check(16_000)).map(({ kind }) => kind)).toEqual(['sequence-gap']);
    expect((await check(46_000)).map(({ kind }) => kind)).toEqual(['sequence-gap', 'sensor-silent']);
  });
});

describe('a kernel that nobody saw start', () => {
  const gateway = '00000000-0000-4000-8000-000000000001';
  const caughtUp = (secondsAgo: number, toldAgo = 0) => database.owner`
    insert into wire_progress (gateway, caught_up_to, told_at)
    values (${gateway}, now() - make_interval(secs => ${secondsAgo}), now() - make_interval(secs => ${toldAgo}))
    on conflict (gateway) do update set caught_up_to = excluded.caught_up_to, told_at = excluded.told_at`;
  const kinds = async () => (await check()).map(({ kind }) => kind);

  it('is a finding once its gateway has told all that it saw', async () => {
    await tell(kernel, kernel.started('m', '1'));
    await caughtUp(0);
    expect(await kinds()).toEqual([]);
    await age(kernel, 5);
    await caughtUp(10);
    expect(await kinds()).toEqual([]);
    await caughtUp(0, 40);
    expect(await kinds()).toEqual([]);
    await caughtUp(0);
    expect(await kinds()).toEqual(['unregistered-kernel']);
    await age(kernel, 10);
    expect(await kinds()).toHaveLength(1);
  });

  it('is none where the gateway saw it start, then or before it was restarted', async () => {
    await caughtUp(0);
    await tell(wire, wire.describes());
    const newer = new FakeSensor(kernel.sensor.kernel_id, '2026-11-23T09:00:00.000000Z', 'wire');
    await tell(newer, { ...newer.describes(), saw_start: false });
    await tell(kernel, kernel.started('m', '1'));
    await age(kernel, 5);
    expect(await kinds()).toEqual([]);
  });

  it('is one where the gateway only found it running', async () => {
    await caughtUp(0);
    await tell(wire, { ...wire.describes(), saw_start: false });
    await tell(kernel, kernel.started('m', '1'));
    await age(kernel, 5);
    expect(await kinds()).toEqual(['unregistered-kernel']);
  });
});

describe('a request that only the gateway says was given up', () => {
  const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
  const aborted = (sensor: FakeSensor, msgId: string, seconds: number) => ({
    ...(sensor.notRun(msgId) as object),
    observed_at: secondsAgo(seconds),
  });

  it('is a finding after four seconds, unless the kernel says so too', async () => {
    await tell(wire, wire.describes(), aborted(wire, 'young', 1), aborted(wire, 'alone', 6), aborted(wire, 'both', 6));
    await tell(kernel, aborted(kernel, 'both', 6));
    expect(await check()).toMatchObject([{ kind: 'wire-only', msgId: 'alone', evidence: { never_ran: true } }]);
  });

  it('is none of a kernel that brings no sensor, nor where the gateway itself held it back', async () => {
    await tell(wire, wire.describes(false), aborted(wire, 'm', 6));
    const held = new FakeSensor(undefined, undefined, 'wire');
    await tell(held, held.describes(), { ...aborted(held, 'm', 6), reason: 'not-recorded' });
    await check();
    const kernels = [kernel.sensor.kernel_id, held.sensor.kernel_id];
    expect(await database.owner`select 1 from finding where kernel_id = any(${kernels}::text[])`).toHaveLength(0);
  });

  it('is looked at for ten minutes', async () => {
    await tell(wire, wire.describes(), aborted(wire, 'm', 700));
    expect(await check()).toEqual([]);
  });
});
