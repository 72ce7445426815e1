import { describe, expect, test } from 'vitest';
import type { HubClient } from '../../lab/index.js';
import { createHubTokens } from './hub-tokens.js';

function setUp() {
  let now = 0;
  const asked: unknown[] = [];
  const answers: (() => { status: number; body: unknown })[] = [];
  const hub: HubClient = {
    async call(_method, path, body) {
      asked.push([path, body]);
      return answers.shift()?.() ?? { status: 201, body: { token: `t${asked.length}` } };
    },
    async *follow() {},
  };
  const tokens = createHubTokens(hub, () => now);
  return { tokens, asked, answers, pass: (milliseconds: number) => (now += milliseconds) };
}

describe('Hub tokens', () => {
  test('one call for many requests at once; the scope is this user’s server only', async () => {
    const { tokens, asked } = setUp();
    expect(await Promise.all([tokens.of('a.b'), tokens.of('a.b'), tokens.of('a.b')])).toEqual(['t1', 't1', 't1']);
    expect(asked).toEqual([
      ['/users/a.b/tokens', { note: 'Shaparak gateway', expires_in: 3600, scopes: ['access:servers!user=a.b'] }],
    ]);
  });

  test('renewed before it expires', async () => {
    const { tokens, pass } = setUp();
    await tokens.of('ann');
    pass(49 * 60_000);
    expect(await tokens.of('ann')).toBe('t1');
    pass(2 * 60_000);
    expect(await tokens.of('ann')).toBe('t2');
  });

  test('a failure is not kept', async () => {
    const { tokens, answers } = setUp();
    answers.push(() => ({ status: 500, body: null }));
    await expect(tokens.of('ann')).rejects.toThrow('status 500');
    expect(await tokens.of('ann')).toBe('t2');
  });

  test('a refused token is fetched again, but no more often than every 5 s', async () => {
    const { tokens, pass } = setUp();
    expect(tokens.discard('ann', await tokens.of('ann'))).toBe(false);
    pass(5000);
    expect(tokens.discard('ann', 'another')).toBe(false);
    expect(tokens.discard('ann', 't1')).toBe(true);
    expect(await tokens.of('ann')).toBe('t2');
    expect(tokens.discard('ann', 't2')).toBe(false);
  });
});
