/** The spool on a real disk: what was promised is there after a kill, in its order, and what the disk refuses is kept. */
import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { changeDisk, drain, firstBatch, numbers, SpoolPlace } from '../../../test/wire-spool.js';
import type { WireSpool } from './spool.js';

let place: SpoolPlace;
let spool: WireSpool;
beforeEach(async () => {
  place = new SpoolPlace();
  spool = await place.open();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await spool.close();
  place.remove();
});

const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
const appendAll = async (count: number, code?: string) =>
  Promise.all(Array.from({ length: count }, () => spool.append(place.entry(code)).reached));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('a record', () => {
  it('is in the file when it was appended, and durable when the disk says so', async () => {
    await spool.append(place.entry()).reached;
    await drain(spool);
    let sync = () => {};
    changeDisk(spool, (disk) => ({
      datasync: () =>
        new Promise<void>((resolve) => {
          sync = () => resolve(disk.datasync());
        }),
    }));
    const { reached } = spool.append(place.entry('slow'));
    expect(readFileSync(join(place.directory, place.files[0] ?? ''), 'utf8')).toContain('slow');
    let durable = false;
    void reached.then(() => {
      durable = true;
    });
    expect(numbers((await firstBatch(spool)).entries)).toEqual([2]);
    expect(durable).toBe(false);
    sync();
    expect(await reached).toBe(true);
  });

  it('is durable without a sync where the intake was faster', async () => {
    spool = await place.open({ syncAfterMs: 100_000 });
    const { reached } = spool.append(place.entry());
    changeDisk(spool, () => ({ datasync: () => Promise.reject(full) }));
    expect(spool.isEmpty).toBe(false);
    expect(numbers(await drain(spool))).toEqual([1]);
    expect(await reached).toBe(true);
    expect(spool.isEmpty).toBe(true);
  });

  it('shares its sync with all that wait: a thousand take two', async () => {
    await spool.append(place.entry()).reached;
    let syncs = 0;
    changeDisk(spool, (disk) => ({
      datasync: () => {
        syncs += 1;
        return disk.datasync();
      },
    }));
    const first = spool.append(place.entry()).reached;
    await new Promise((resolve) => setImmediate(resolve));
    expect(await Promise.all([first, appendAll(999)])).toEqual([true, Array(999).fill(true)]);
    expect(syncs).toBeLessThanOrEqual(2);
    expect(numbers(await drain(spool))).toEqual(range(1, 1_001));
  });

  it('is not forgotten where it comes in the moment in which a sync ends', async () => {
    for (let count = 0; count < 20; count += 1) await spool.append(place.entry()).reached;
    expect(numbers(await drain(spool))).toEqual(range(1, 20));
  });

  it('comes back as it was: line ends, NUL, lone surrogates, a megabyte', async () => {
    const codes = ['a\nb\r\n\u2028', 'a\0b', 'x\ud800y', 'پ'.repeat(500_000)];
    for (const code of codes) await spool.append(place.entry(code)).reached;
    const back = (await drain(spool)).map(({ observation }) => 'code' in observation && observation.code);
    expect(back.every((code, index) => code === codes[index])).toBe(true);
    expect(back).toHaveLength(codes.length);
  });

  it('calls for its delivery', async () => {
    let calls = 0;
    spool.onEntries = () => {
      calls += 1;
    };
    await spool.append(place.entry()).reached;
    expect(calls).toBe(1);
  });
});

describe('a new gateway', () => {
  it('delivers what the old one left, in its order, before what is new', async () => {
    spool = await place.open({ segmentBytes: 400 });
    for (let count = 0; count < 5; count += 1) await spool.append(place.entry()).reached;
    expect(place.files).toHaveLength(5);
    const batch = await spool.next();
    await batch?.done();
    await spool.close();
    spool = await place.open();
    expect(spool.isEmpty).toBe(false);
    await spool.append(place.entry()).reached;
    expect(numbers(await drain(spool))).toEqual(range(2, 6));
  });

  it('delivers in the order of writing also what was written after the clock was set back', async () => {
    spool = await place.open({ segmentBytes: 1 });
    await appendAll(1);
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
    await appendAll(1);
    await appendAll(1);
    await spool.close();
    spool = await place.open();
    expect(numbers(await drain(spool))).toEqual([1, 2, 3]);
  });

  it('repeats what was delivered and not acknowledged', async () => {
    await appendAll(3);
    expect(numbers((await spool.next())?.entries ?? [])).toEqual([1, 2, 3]);
    await spool.close();
    spool = await place.open();
    expect(numbers(await drain(spool))).toEqual([1, 2, 3]);
  });

  it('skips the last line that a killed one left unfinished, and a damaged one between others', async () => {
    await appendAll(2);
    const [name = ''] = place.files;
    const path = join(place.directory, name);
    appendFileSync(path, `damaged\n${JSON.stringify(place.entry())}\n{"userId":7,"sen`);
    await spool.close();
    spool = await place.open();
    expect(numbers(await drain(spool))).toEqual([1, 2, 3]);
    expect(spool.isEmpty).toBe(true);
    await spool.close();
    expect(place.files).toEqual([]);
  });

  it('leaves files alone that are none of its own', async () => {
    writeFileSync(join(place.directory, 'notes.txt'), 'x\n');
    spool = await place.open();
    expect(spool.isEmpty).toBe(true);
    await spool.close();
    expect(place.files).toEqual(['notes.txt']);
  });
});

describe('segments', () => {
  it('begin anew at their size, and are deleted when all of them was acknowledged', async () => {
    spool = await place.open({ segmentBytes: 10_000 });
    for (let count = 0; count < 40; count += 1) await spool.append(place.entry('x'.repeat(600))).reached;
    const before = place.files;
    expect(before.length).toBeGreaterThan(2);
    for (const name of before) expect(statSync(join(place.directory, name)).size).toBeLessThan(12_000);
    const first = await spool.next();
    await spool.next();
    expect(place.files).toEqual(before);
    await first?.done();
    await spool.next();
    expect(place.files).toEqual(before.slice(1));
    expect(numbers(await drain(spool))).toHaveLength(40 - (first?.entries.length ?? 0));
    expect(place.files).toHaveLength(1);
    await spool.close();
    expect(place.files).toEqual([]);
  });

  it('that somebody removes or cuts are a hole, and what comes after is delivered', async () => {
    spool = await place.open({ segmentBytes: 100 });
    for (let count = 0; count < 3; count += 1) await spool.append(place.entry()).reached;
    const [first = '', second = ''] = place.files;
    rmSync(join(place.directory, first));
    truncateSync(join(place.directory, second), 5);
    expect(numbers(await drain(spool))).toEqual([3]);
  });

  it('are written again where their directory was removed', async () => {
    await spool.append(place.entry()).reached;
    rmSync(place.directory, { recursive: true });
    expect(await drain(spool)).toEqual([]);
    expect(await spool.append(place.entry()).reached).toBe(true);
    expect(numbers(await drain(spool))).toEqual([2]);
  });
});

describe('a disk that refuses', () => {
  /** from here on every write fails: where the directory was there is a file */
  async function breakDisk(): Promise<void> {
    await spool.close();
    rmSync(place.directory, { recursive: true });
    writeFileSync(place.directory, '');
  }
  const mendDisk = () => rmSync(place.directory);

  it('has records kept in memory, which are durable when the intake has them', async () => {
    await breakDisk();
    let durable = false;
    const { reached } = spool.append(place.entry());
    void reached.then(() => {
      durable = true;
    });
    const batch = await firstBatch(spool);
    expect([numbers(batch.entries), spool.isEmpty, durable]).toEqual([[1], false, false]);
    await batch.done();
    expect(await reached).toBe(true);
    expect(spool.isEmpty).toBe(true);
    mendDisk();
  });

  it('has so many kept and no more; of the others it is told that they are lost', async () => {
    spool = await place.open({ mostInMemory: 3 });
    await breakDisk();
    const all = Array.from({ length: 5 }, () => spool.append(place.entry()).reached);
    expect(await Promise.all(all.slice(3))).toEqual([false, false]);
    expect(numbers(await drain(spool))).toEqual([1, 2, 3]);
    expect(await Promise.all(all.slice(0, 3))).toEqual([true, true, true]);
    mendDisk();
  });

  it('and takes writes again gets what it refused first: the order is kept', async () => {
    spool = await place.open({ retryMs: 0 });
    await breakDisk();
    const early = spool.append(place.entry()).reached;
    await firstBatch(spool);
    mendDisk();
    expect(await spool.append(place.entry()).reached).toBe(true);
    expect(await early).toBe(true);
    expect(numbers(await drain(spool))).toEqual([1, 2]);
    await spool.close();
  });

  it('is left alone for a while, and its records stay in memory', async () => {
    spool = await place.open({ retryMs: 1_000_000 });
    await breakDisk();
    void spool.append(place.entry());
    await firstBatch(spool);
    mendDisk();
    void spool.append(place.entry());
    await new Promise((resolve) => setImmediate(resolve));
    expect(numbers(await drain(spool))).toEqual([1, 2]);
  });

  it('is tried again after its while also where the clock was set back meanwhile', async () => {
    spool = await place.open({ retryMs: 1 });
    await breakDisk();
    void spool.append(place.entry());
    await firstBatch(spool);
    mendDisk();
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
    await vi.waitFor(async () => {
      void spool.append(place.entry());
      await new Promise((resolve) => setImmediate(resolve));
      expect(place.files).toHaveLength(1);
    });
  });

  it('in the middle of a write has all of the group again, and nothing twice or torn', async () => {
    await appendAll(2);
    changeDisk(spool, (disk) => ({
      write: (bytes) => {
        disk.write(bytes.subarray(0, 50));
        throw full;
      },
    }));
    const { reached } = spool.append(place.entry());
    const got = await drain(spool);
    while (got.length < 3) {
      await firstBatch(spool);
      got.push(...(await drain(spool)));
    }
    expect(numbers(got)).toEqual([1, 2, 3]);
    expect(await reached).toBe(true);
  });

  it('that takes only a part at a time has written all of it before a record is durable', async () => {
    await appendAll(1);
    changeDisk(spool, (disk) => ({
      write: (bytes) => disk.write(bytes.subarray(0, 10)),
    }));
    await appendAll(1);
    expect(numbers(await drain(spool))).toEqual([1, 2]);
  });

  it('at the sync has the group kept in memory too, and what was durable before read from the file', async () => {
    await appendAll(2);
    changeDisk(spool, () => ({ datasync: () => Promise.reject(full) }));
    const { reached } = spool.append(place.entry());
    const isKept = vi.waitFor(() => expect(spool).toMatchObject({ unspooled: [{}] }));
    await isKept;
    expect(numbers((await firstBatch(spool)).entries)).toEqual([1, 2]);
    expect(numbers(await drain(spool))).toEqual([1, 2, 3]);
    expect(await reached).toBe(true);
  });

  it('at the sync of a segment that is full already has its records delivered in their place, and none told as durable', async () => {
    spool = await place.open({ segmentBytes: 1, syncAfterMs: 100_000 });
    const early = spool.append(place.entry()).reached;
    changeDisk(spool, () => ({ datasync: () => Promise.reject(full) }));
    void spool.append(place.entry());
    expect(await early).toBe(false);
    expect(numbers(await drain(spool))).toEqual([1, 2]);
  });
});
