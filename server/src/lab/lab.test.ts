import type { api } from '@shaparak/contract';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HubDouble, until } from '../../test/hub-double.js';
import { createHubClient, HubUnavailable } from './hub-client.js';
import { createLab, type Lab } from './lab.js';

const ann = { userId: 7, username: 'ann' };

let hub: HubDouble;
let lab: Lab;
let now: number;
let told: api.LabState[];
const openLab = () =>
  createLab({
    hub: createHubClient({ socket: hub.socket, token: 'service-token' }),
    openCaptureSocket: async (userId) => `/run/capture/${userId}`,
    clock: { now: () => new Date(now) },
    log: { warn: () => {} },
    protections: ['uid', 'bubblewrap'],
    watchMs: 20,
  });
const states = () => told.map(({ state, step }) => (step === null ? state : `${state} ${step}`));
const isState = (state: string) => async () => (await lab.state(ann)).state === state;

beforeEach(async () => {
  hub = new HubDouble();
  await hub.listen();
  now = Date.parse('2026-11-23T10:00:00Z');
  told = [];
  lab = openLab();
  lab.onChange((userId, state) => {
    expect(userId).toBe(7);
    told.push(state);
  });
});
afterEach(async () => {
  lab.close();
  await hub.close();
});

/** Asks for a start and waits until the Hub has been asked. */
async function beginStart() {
  const state = await lab.start(ann);
  await until(() => hub.starts.length > 0, 'the Hub was asked');
  const start = hub.starts[0];
  if (start === undefined) throw new Error('no start');
  return { state, start };
}

describe('a start', () => {
  test('creates the user, hands over its intake folder, and tells each step', async () => {
    expect(await lab.state(ann)).toEqual({
      state: 'off',
      step: null,
      elapsed_ms: null,
      typical_ms: null,
      reason: null,
      protections: ['uid', 'bubblewrap'],
    });
    const { state, start } = await beginStart();
    expect(state).toMatchObject({ state: 'starting', step: 'queued', elapsed_ms: 0 });
    expect(hub.users.get('ann')?.options).toEqual({ user_id: 7, capture_directory: '/run/capture/7' });
    for (const step of ['prepare', 'launch', 'boot', 'answer']) start.event({ progress: 10, message: step, step });
    await until(() => states().includes('starting connecting'), 'last step');
    now += 2400;
    expect(await lab.state(ann)).toMatchObject({ state: 'starting', step: 'connecting', elapsed_ms: 2400 });
    start.finish(201);
    await until(() => states().at(-1) === 'running', 'running');
    expect(states()).toEqual([
      'off',
      'starting queued',
      'starting preparing',
      'starting launching',
      'starting connecting',
      'running',
    ]);
    expect(await lab.state(ann)).toMatchObject({ state: 'running', typical_ms: 2400 });
  });

  test('asked for twice is one', async () => {
    const [first, second] = await Promise.all([lab.start(ann), lab.start(ann)]);
    expect([first?.state, second?.state]).toEqual(['starting', 'starting']);
    await until(() => hub.starts.length > 0, 'the Hub was asked');
    hub.starts[0]?.finish(201);
    await until(isState('running'), 'running');
    expect((await lab.start(ann)).state).toBe('running');
    expect(hub.calls.filter((call) => call === 'POST /users/ann/server')).toHaveLength(1);
  });

  test('that the Hub takes slowly ends by its progress', async () => {
    const { start } = await beginStart();
    start.finish(202);
    start.event({ progress: 50, message: 'x', step: 'boot' });
    await until(() => states().at(-1) === 'starting launching', 'step');
    const user = hub.users.get('ann');
    if (user) user.phase = 'ready';
    start.event({ progress: 100, ready: true, message: 'Server ready' });
    await until(() => states().at(-1) === 'running', 'running');
  });

  test('that fails keeps the spawner’s reason until the next start', async () => {
    const { start } = await beginStart();
    start.finish(500, { message: 'Spawn failed: The program bwrap is missing: apt install bubblewrap' });
    await until(() => states().at(-1) === 'failed', 'failed');
    const reason = 'The program bwrap is missing: apt install bubblewrap';
    expect(await lab.state(ann)).toMatchObject({ state: 'failed', reason, typical_ms: null });
    hub.starts = [];
    const again = await beginStart();
    expect(again.state).toMatchObject({ state: 'starting', reason: null });
    again.start.finish(201);
    await until(isState('running'), 'running');
  });

  test('that fails late is told by the progress', async () => {
    const { start } = await beginStart();
    start.finish(202);
    start.event({ progress: 100, failed: true, message: 'Spawn failed: no answer within 43 seconds' });
    await until(() => states().at(-1) === 'failed', 'failed');
    expect(told.at(-1)?.reason).toBe('no answer within 43 seconds');
  });

  test('in which the Hub goes away is a failure that says so', async () => {
    await beginStart();
    await hub.leave();
    await until(() => states().at(-1) === 'failed', 'failed');
    expect(told.at(-1)?.reason).toContain('JupyterHub went away');
  });

  test('survives a restart of the portal: the Hub knows it', async () => {
    const { start } = await beginStart();
    lab.close();
    now += 900;
    lab = openLab();
    const begun = new Date(now - 5000).toISOString();
    const user = hub.users.get('ann');
    if (user) user.started = begun;
    expect(await lab.state(ann)).toMatchObject({ state: 'starting', elapsed_ms: 5000 });
    start.event({ progress: 30, message: 'x', step: 'launch' });
    await until(async () => (await lab.state(ann)).step === 'launching', 'step');
    start.finish(201);
    await until(isState('running'), 'running');
  });
});

describe('a stop', () => {
  test('ends a running server', async () => {
    hub.user('ann', 'ready');
    expect((await lab.state(ann)).state).toBe('running');
    expect((await lab.stop(ann)).state).toBe('stopping');
    await until(() => states().at(-1) === 'off', 'off');
    expect(states()).toEqual(['running', 'stopping', 'off']);
  });

  test('gives up a start without calling it failed', async () => {
    await beginStart();
    expect((await lab.stop(ann)).state).toBe('stopping');
    await until(() => states().at(-1) === 'off', 'off');
    expect(await lab.state(ann)).toMatchObject({ state: 'off', reason: null });
    expect(states()).not.toContain('failed');
  });

  test('of nothing is nothing', async () => {
    expect((await lab.stop(ann)).state).toBe('off');
    expect(hub.calls).not.toContain('DELETE /users/ann/server');
  });
});

describe('the Hub', () => {
  test('away is its own error, for everything that needs it', async () => {
    await hub.leave();
    await expect(lab.state(ann)).rejects.toBeInstanceOf(HubUnavailable);
    await expect(lab.start(ann)).rejects.toBeInstanceOf(HubUnavailable);
    await expect(lab.stop(ann)).rejects.toBeInstanceOf(HubUnavailable);
    await hub.listen();
    expect((await lab.state(ann)).state).toBe('off');
  });

  test('is watched: a server that ends by itself is told', async () => {
    const user = hub.user('ann', 'ready');
    await lab.state(ann);
    user.phase = 'none';
    await until(() => states().at(-1) === 'off', 'off');
  });
});
