/** Which kernels the gateway knows, what it says of them, and when it forgets them. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SpoolDouble } from '../../test/wire-lab.js';
import { asRead, executeRequest, status } from '../../test/wire-messages.js';
import { silent } from '../../test/wire-spool.js';
import { checkObservation } from '../intake/check.js';
import { Kernels } from './kernels.js';
import type { WireSpool } from './spool/spool.js';
import { createWireClock } from './wire-clock.js';

const owner = { userId: 7, username: 'ann' };
const tab = {};
let spool: SpoolDouble;
let kernels: Kernels;
beforeEach(() => {
  vi.useFakeTimers();
  spool = new SpoolDouble();
  kernels = new Kernels({
    spool: spool as unknown as WireSpool,
    log: silent,
    version: '0.1.0',
    bringsSensor: (spec) => spec === 'python3',
    now: createWireClock(),
  });
});
afterEach(() => vi.useRealTimers());

const session = (kernelId: string, path: string, id = 'session') => ({
  id,
  path,
  kernel: { id: kernelId, name: 'python3' },
});
const ask = (kernelId: string, msgId: string) =>
  kernels.get(owner, kernelId).requests.ask(asRead(executeRequest('x', msgId)), tab);
const told = (kernelId: string) =>
  spool.entries.filter(({ sensor }) => sensor.kernel_id === kernelId).map(({ observation }) => observation);

describe('a kernel', () => {
  it('that was seen to start is described: its spec, its notebook, and whether it brings a sensor', () => {
    kernels.answered(owner, session('k', 'دفتر.ipynb'), true);
    kernels.answered(owner, { id: 'b', name: 'bash' }, true);
    expect(told('k')).toMatchObject([
      {
        type: 'sensor_started',
        sequence: 1,
        saw_start: true,
        spec: 'python3',
        expects_kernel_sensor: true,
        notebook_path: 'دفتر.ipynb',
      },
    ]);
    expect(told('b')).toMatchObject([{ spec: 'bash', expects_kernel_sensor: false, notebook_path: null }]);
    expect(spool.entries[0]).toMatchObject({
      userId: 7,
      sensor: { kind: 'wire', language: 'python3', kernel_id: 'k' },
    });
  });

  it('that was only found is expected to bring a sensor, and described again when more is known', () => {
    kernels.get(owner, 'k');
    kernels.answered(owner, session('k', 'a.ipynb'), false);
    kernels.answered(owner, session('k', 'a.ipynb'), false);
    kernels.answered(owner, session('k', 'b.ipynb'), false);
    ask('k', 'm');
    expect(told('k')).toMatchObject([
      { saw_start: false, spec: null, expects_kernel_sensor: true, notebook_path: null },
      { saw_start: false, spec: 'python3', notebook_path: 'a.ipynb' },
      { notebook_path: 'b.ipynb' },
      { type: 'execution_started', notebook_path: 'b.ipynb', sequence: 4 },
    ]);
  });

  it('was seen to start for good, whatever is found later', () => {
    kernels.answered(owner, session('k', 'a.ipynb'), true);
    kernels.answered(owner, session('k', 'b.ipynb'), false);
    expect(told('k').at(-1)).toMatchObject({ saw_start: true, notebook_path: 'b.ipynb' });
  });

  it.each([null, 7, {}, { id: 1, name: 'x' }, { kernel: {} }, { kernel: { id: 'k' } }, { message: 'no' }])(
    'is none in the answer %j',
    (model) => {
      kernels.answered(owner, model, true);
      expect(spool.entries).toEqual([]);
    },
  );

  it('whose server makes up endless names is told within the contract', () => {
    const model = { id: 's', path: 'p'.repeat(9_000), kernel: { id: 'k', name: 'n'.repeat(9_000) } };
    kernels.answered(owner, model, true);
    ask('k', 'm');
    expect(told('k').map((one) => checkObservation(one).kind)).toEqual(['valid', 'valid']);
  });

  it('of one person is none of another’s', () => {
    kernels.get(owner, 'k');
    const stranger = { userId: 8, username: 'bob' };
    expect(kernels.find(stranger, 'k')).toBeUndefined();
    kernels.ended(stranger, 'k');
    expect(told('k')).toHaveLength(1);
  });
});

describe('an end', () => {
  const ends = (kernelId: string) => told(kernelId).filter(({ type }) => type !== 'sensor_started');

  it('loses what was running, stops the sensor, and what comes then is a new one', () => {
    kernels.answered(owner, { id: 'k', name: 'python3' }, true);
    ask('k', 'm');
    kernels.ended(owner, 'k');
    kernels.ended(owner, 'k');
    expect(ends('k').slice(1)).toMatchObject([
      { type: 'execution_finished', outcome: 'lost' },
      { type: 'sensor_stopped' },
    ]);
    const [first] = spool.entries;
    expect(kernels.get(owner, 'k').sensor.instance).not.toBe(first?.sensor.instance);
  });

  it('of a session is its kernel’s', () => {
    kernels.answered(owner, session('k', 'a.ipynb'), true);
    kernels.sessionEnded(owner, 'another');
    expect(ends('k')).toEqual([]);
    kernels.sessionEnded(owner, 'session');
    kernels.sessionEnded(owner, 'session');
    expect(ends('k')).toMatchObject([{ type: 'sensor_stopped' }]);
  });

  it('is that of the kernel which a session had before it got another one', () => {
    kernels.answered(owner, session('old', 'a.ipynb'), true);
    kernels.answered(owner, session('new', 'a.ipynb'), true);
    expect(ends('old')).toMatchObject([{ type: 'sensor_stopped' }]);
    expect(ends('new')).toEqual([]);
  });

  it('is none by a restart: what had begun is lost, and what waits may run', () => {
    for (const id of ['begun', 'waits']) ask('k', id);
    kernels.get(owner, 'k').requests.hear(asRead(status('busy', 'begun')), tab);
    kernels.restarted(owner, 'k');
    kernels.restarted(owner, 'unknown');
    expect(ends('k').slice(2)).toMatchObject([{ msg_id: 'begun', outcome: 'lost' }]);
  });
});

describe('a kernel that nobody is connected to', () => {
  it('is not said to live, and is forgotten after ten minutes, unless somebody comes back', () => {
    const sensor = kernels.get(owner, 'k');
    sensor.connections.add(tab);
    expect(kernels.living()).toEqual([sensor.sensor.instance]);
    sensor.connections.delete(tab);
    expect(kernels.living()).toEqual([]);
    kernels.left(sensor);
    vi.advanceTimersByTime(599_000);
    expect(kernels.find(owner, 'k')).toBe(sensor);
    sensor.connections.add(tab);
    vi.advanceTimersByTime(2_000);
    expect(kernels.find(owner, 'k')).toBe(sensor);
    sensor.connections.delete(tab);
    kernels.left(sensor);
    vi.advanceTimersByTime(600_000);
    expect(kernels.find(owner, 'k')).toBeUndefined();
  });
});
