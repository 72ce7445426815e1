import { describe, expect, it } from 'vitest';
import { watchCapture } from './capture-watch.js';

const confirmed = (instance) => ({ reporting: true, instance, username: 'test_user', reason: null });
const refused = (reason) => ({ reporting: false, instance: null, username: 'test_user', reason });

/** A clock that runs the next timer when told, and a gateway whose answer the test sets. */
function world(first) {
  const timers = new Map();
  const changes = [];
  let now = 0;
  let ids = 0;
  const gateway = { answer: first, asked: 0 };
  const clock = {
    now: () => now,
    setTimeout: (work, delay) => timers.set(++ids, { work, at: now + delay }) && ids,
    clearTimeout: (id) => timers.delete(id),
  };
  const ask = async () => {
    gateway.asked += 1;
    return gateway.answer;
  };
  const watch = watchCapture({ kernelId: 'k1', ask, onChange: (change) => changes.push(change), clock });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  async function pass(milliseconds) {
    const end = now + milliseconds;
    await settle();
    for (;;) {
      const [id, next] = [...timers].sort((a, b) => a[1].at - b[1].at)[0] ?? [];
      if (!next || next.at > end) break;
      timers.delete(id);
      now = next.at;
      next.work();
      await settle();
    }
    now = end;
  }
  return { watch, gateway, changes, pass, states: () => changes.map(({ state }) => state), timers };
}

describe('watchCapture', () => {
  it('waits until the gateway confirms the sensor', async () => {
    const { watch, gateway, pass, states, changes } = world(refused('no-sensor'));
    watch.begin();
    await pass(3_000);
    expect(states()).toEqual(['waiting']);
    gateway.answer = confirmed('i1');
    await pass(3_000);
    expect(states()).toEqual(['waiting', 'reporting']);
    expect(changes[1]).toMatchObject({ username: 'test_user', instance: 'i1' });
  });

  it('does not take the instance from before a restart for the new one', async () => {
    const { watch, gateway, pass, states } = world(confirmed('i1'));
    watch.begin();
    await pass(1_000);
    watch.begin();
    await pass(5_000);
    expect(states()).toEqual(['waiting', 'reporting', 'waiting']);
    gateway.answer = confirmed('i2');
    await pass(3_000);
    expect(states().at(-1)).toBe('reporting');
  });

  it('says what is wrong after 20 seconds, and still turns to recording later', async () => {
    const { watch, gateway, pass, states, changes } = world(refused('intake-unavailable'));
    watch.begin();
    await pass(19_000);
    expect(states()).toEqual(['waiting']);
    await pass(4_000);
    expect(changes.at(-1)).toMatchObject({ state: 'failed', reason: 'intake-unavailable' });
    gateway.answer = confirmed('i1');
    await pass(11_000);
    expect(states().at(-1)).toBe('reporting');
  });

  it('turns a confirmed sensor that falls silent into a failure', async () => {
    const { watch, gateway, pass, changes } = world(confirmed('i1'));
    watch.begin();
    await pass(1_000);
    gateway.answer = refused('silent');
    await pass(11_000);
    expect(changes.at(-1)).toMatchObject({ state: 'failed', reason: 'silent' });
  });

  it('tells of an instance that appears without a restart of ours', async () => {
    const { watch, gateway, pass, changes } = world(confirmed('i1'));
    watch.begin();
    await pass(1_000);
    gateway.answer = confirmed('i2');
    await pass(11_000);
    expect(changes.map(({ instance }) => instance)).toEqual([null, 'i1', 'i2']);
  });

  it('asks nothing more once it is closed', async () => {
    const { watch, gateway, pass, timers } = world(refused('no-sensor'));
    watch.begin();
    await pass(1_000);
    watch.close();
    const { asked } = gateway;
    await pass(60_000);
    expect(gateway.asked).toBe(asked);
    expect(timers.size).toBe(0);
  });

  it('backs off: at most 20 questions before the person is told, then one in 10 seconds', async () => {
    const { watch, gateway, pass } = world(refused('no-sensor'));
    watch.begin();
    await pass(20_000);
    expect(gateway.asked).toBeLessThanOrEqual(20);
    const { asked } = gateway;
    await pass(60_000);
    expect(gateway.asked - asked).toBeLessThanOrEqual(8);
  });
});
