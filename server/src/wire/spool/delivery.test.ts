/** From the spool to the intake: in order, once it is there again, and no record holds its neighbours up. */
import type { capture } from '@shaparak/contract';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { numbers, SpoolPlace, silent } from '../../../test/wire-spool.js';
import { type DeliveryDeps, WireDelivery } from './delivery.js';
import type { WireSpool } from './spool.js';

const away = Object.assign(new Error('away'), { code: 'ECONNREFUSED' });

let place: SpoolPlace;
let spool: WireSpool;
let delivery: WireDelivery | null;
let received: { userId: number; delivery: capture.Delivery }[];
let quarantined: [userId: number, sequence: number, reason: string][];
let progress: Date[];
let now: Date;
/** what the intake does with a delivery; throws to refuse it */
let intake: (userId: number, delivery: capture.Delivery) => Promise<void> | void;

beforeEach(async () => {
  place = new SpoolPlace();
  spool = await place.open();
  [received, quarantined, progress] = [[], [], []];
  now = new Date('2026-11-23T09:00:00Z');
  intake = () => {};
  delivery = null;
});
afterEach(async () => {
  vi.useRealTimers();
  await delivery?.close(0);
  await spool.close();
  place.remove();
});

const receiptOf = (count: number): capture.Receipt => ({
  received: count,
  accepted: count,
  duplicate: 0,
  quarantined: 0,
  through: 0,
});
const start = (change: Partial<DeliveryDeps> = {}) => {
  delivery = new WireDelivery({
    spool,
    log: silent,
    receive: async (userId, one) => {
      await intake(userId, one);
      received.push({ userId, delivery: one });
      return receiptOf(one.observations.length);
    },
    quarantine: async (userId, _instance, { sequence }, reason) => void quarantined.push([userId, sequence, reason]),
    tellProgress: async (until) => void progress.push(until),
    now: () => now,
    ...change,
  });
  return delivery;
};
const append = (...entries: ReturnType<SpoolPlace['entry']>[]) =>
  Promise.all(entries.map((entry) => spool.append(entry).reached));
const sequencesOf = (of: string) =>
  received
    .filter(({ delivery: one }) => one.sensor.kernel_id === of)
    .flatMap(({ delivery: one }) =>
      numbers((one.observations as capture.Observation[]).map((observation) => ({ observation }) as never)),
    );
const empty = () => vi.waitFor(() => expect(spool.isEmpty).toBe(true), { interval: 5 });

describe('records', () => {
  it('come to the intake in the order of their sensor, each with its person', async () => {
    start();
    for (let round = 0; round < 5; round += 1)
      await append(place.entry('x', 'a', 1), place.entry('x', 'b', 2), place.entry('x', 'a', 1));
    await empty();
    expect(sequencesOf('a')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(sequencesOf('b')).toEqual([1, 2, 3, 4, 5]);
    for (const { userId, delivery: one } of received) expect(one.sensor.kernel_id).toBe(userId === 1 ? 'a' : 'b');
  });

  it('that an earlier gateway left come too', async () => {
    await append(place.entry(), place.entry());
    await spool.close();
    spool = await place.open();
    start();
    await empty();
    expect(sequencesOf('sensor')).toEqual([1, 2]);
  });

  it('wait while the database is away, and lose nothing', async () => {
    let tries = 0;
    intake = () => {
      tries += 1;
      if (tries <= 2) throw away;
    };
    start();
    await append(place.entry(), place.entry());
    await empty();
    expect([tries, sequencesOf('sensor')]).toEqual([3, [1, 2]]);
    expect(quarantined).toEqual([]);
  });

  it('wait longer each time, up to five seconds', async () => {
    await append(place.entry());
    const pauses: number[] = [];
    const real = globalThis.setTimeout;
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((task: () => void, ms = 0) => {
      pauses.push(ms);
      return real(task, 0);
    }) as typeof setTimeout);
    intake = () => {
      if (pauses.length < 7) throw away;
    };
    start();
    while (received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    vi.restoreAllMocks();
    expect(pauses.slice(0, 7)).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  it('that poison their delivery go to quarantine, and their neighbours to the intake', async () => {
    const isPoison = (one: unknown) => (one as capture.ExecutionStarted).code === 'poison';
    let tries = 0;
    intake = (_userId, { observations }) => {
      tries += 1;
      if (observations.some(isPoison)) throw new Error('the database refuses this');
    };
    await append(place.entry(), place.entry('poison'), place.entry(), place.entry('fine', 'other', 8));
    start();
    await empty();
    expect(sequencesOf('sensor')).toEqual([1, 3]);
    expect(sequencesOf('other')).toEqual([1]);
    expect(quarantined).toEqual([[7, 2, 'the database refuses this']]);
    expect(tries).toBe(3 + 3 + 1);
  });

  it('are acknowledged by a receipt that adds up and by no other', async () => {
    const receipts = [
      { ...receiptOf(2), accepted: 1 },
      { ...receiptOf(1), received: 1 },
      { ...receiptOf(2), accepted: 0, duplicate: 1, quarantined: 1 },
    ];
    let asked = 0;
    await append(place.entry(), place.entry());
    start({ receive: async () => receipts[asked++] as capture.Receipt });
    await empty();
    expect([asked, quarantined]).toEqual([3, []]);
  });

  it('are not put into quarantine because the database goes away in between', async () => {
    let tries = 0;
    intake = () => {
      tries += 1;
      if (tries <= 3) throw new Error('the database refuses this');
      if (tries === 4) throw away;
    };
    await append(place.entry());
    start();
    await empty();
    expect([quarantined, sequencesOf('sensor')]).toEqual([[], [1]]);
  });
});

describe('progress', () => {
  it('is now where everything was delivered', async () => {
    start();
    await vi.waitFor(() => expect(progress).toEqual([now]));
  });

  it('is as far as the newest delivered record where there are more', async () => {
    await spool.close();
    spool = await place.open({ segmentBytes: 1 });
    for (let count = 0; count < 3; count += 1) await append(place.entry());
    let release = () => {};
    const second = new Promise<void>((resolve) => {
      release = resolve;
    });
    intake = () => (received.length === 1 ? second : undefined);
    start();
    await vi.waitFor(() => expect(progress).toEqual([new Date('2026-11-23T08:00:01Z')]));
    now = new Date('2026-11-23T09:00:05Z');
    release();
    await empty();
    await vi.waitFor(() => expect(progress.at(-1)).toEqual(now));
  });
});

describe('the end', () => {
  it('comes with one more attempt, and leaves the rest in the spool', async () => {
    await spool.close();
    spool = await place.open({ segmentBytes: 1 });
    intake = () => {
      throw away;
    };
    const running = start();
    for (let count = 0; count < 3; count += 1) await append(place.entry());
    intake = () => {
      if (received.length === 1) throw away;
    };
    await running.close(1_000);
    expect(sequencesOf('sensor')).toEqual([1]);
    await spool.close();
    spool = await place.open();
    expect(numbers((await spool.next())?.entries ?? [])).toEqual([2]);
  });

  it('takes what is there with it', async () => {
    const running = start();
    await append(place.entry(), place.entry());
    await running.close(1_000);
    expect(sequencesOf('sensor')).toEqual([1, 2]);
    expect(spool.isEmpty).toBe(true);
  });

  it('does not wait for a pause that begins behind it', async () => {
    let fail: (() => void) | undefined;
    intake = () =>
      new Promise((_resolve, reject) => {
        fail = () => reject(away);
      });
    await append(place.entry());
    const running = start();
    await vi.waitFor(() => expect(fail).toBeDefined());
    const pauses = vi.spyOn(globalThis, 'setTimeout');
    const closed = running.close(0);
    fail?.();
    await closed;
    expect(pauses).not.toHaveBeenCalled();
    pauses.mockRestore();
  });
});
