import { describe, expect, test } from 'vitest';
import { until } from '../../../test/hub-double.js';
import { type AuditEvent, createRefusals } from './refusals.js';

const caller = { userId: 7, username: 'ann', sessionId: 's' };
const refusal = (subject: string) => ({
  caller,
  action: 'route-refused',
  subject,
  address: '127.0.0.1',
  reason: 'route',
});

function setUp(capacity: number) {
  const written: AuditEvent[] = [];
  const warned: object[] = [];
  const state = { away: false };
  const refusals = createRefusals({
    record: async (event) => {
      if (state.away) throw new Error('away');
      written.push(event);
    },
    log: { warn: (fields) => warned.push(fields) },
    capacity,
    retryMs: 5,
  });
  return { refusals, written, warned, state };
}

describe('recorded refusals', () => {
  test('wait for the database, in order, and what did not fit is counted', async () => {
    const { refusals, written, state } = setUp(3);
    state.away = true;
    for (const subject of ['a', 'b', 'c', 'd', 'e']) refusals.note(refusal(subject));
    expect(written).toEqual([]);
    state.away = false;
    await until(() => written.length === 4, 'written');
    expect(written.filter(({ action }) => action === 'route-refused').map(({ subject }) => subject)).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect(written.find(({ action }) => action === 'lab.refusals-lost')).toMatchObject({ detail: { count: 2 } });
  });

  test('a long address is cut', async () => {
    const { refusals, written } = setUp(3);
    refusals.note(refusal('x'.repeat(9000)));
    await until(() => written.length === 1, 'written');
    expect(written[0]?.subject).toHaveLength(500);
  });

  test('closing writes what is queued, or says how much it could not write', async () => {
    const good = setUp(10);
    good.refusals.note(refusal('a'));
    good.refusals.note(refusal('b'));
    await good.refusals.close(1000);
    expect(good.written).toHaveLength(2);
    expect(good.warned).toEqual([]);
    const bad = setUp(10);
    bad.state.away = true;
    bad.refusals.note(refusal('a'));
    bad.refusals.note(refusal('b'));
    await bad.refusals.close(50);
    expect(bad.warned.at(-1)).toEqual({ count: 2 });
  });
});
