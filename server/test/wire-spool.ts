/** A spool on a real disk, in a directory of its own, with records that carry their number. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { type Batch, type SpoolEntry, type SpoolOptions, WireSpool } from '../src/wire/spool/spool.js';
import { FakeSensor } from './people.js';

export const silent = pino({ level: 'silent' });

export class SpoolPlace {
  readonly directory = join(mkdtempSync(join(tmpdir(), 'spool-')), 'wire');
  private readonly sensors = new Map<string, FakeSensor>();

  async open(options: Partial<SpoolOptions> = {}): Promise<WireSpool> {
    const spool = new WireSpool({ directory: this.directory, log: silent, ...options });
    await spool.open();
    return spool;
  }

  /** The next record of a sensor. */
  entry(code = 'x = 1', of = 'sensor', userId = 7): SpoolEntry {
    const sensor = this.sensors.get(of) ?? new FakeSensor(of, undefined, 'wire');
    this.sensors.set(of, sensor);
    return { userId, sensor: sensor.sensor, observation: sensor.started('m', code) };
  }

  get files(): string[] {
    return readdirSync(this.directory).sort();
  }

  remove(): void {
    rmSync(join(this.directory, '..'), { recursive: true, force: true });
  }
}

/** What is there to deliver, as soon as there is anything. */
export async function firstBatch(spool: WireSpool): Promise<Batch> {
  for (;;) {
    const batch = await spool.next();
    if (batch !== null) return batch;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Takes out everything that is there, in the order of delivery. */
export async function drain(spool: WireSpool): Promise<SpoolEntry[]> {
  const entries: SpoolEntry[] = [];
  for (let batch = await spool.next(); batch !== null; batch = await spool.next()) {
    entries.push(...batch.entries);
    await batch.done();
  }
  return entries;
}

export const numbers = (entries: SpoolEntry[]): number[] => entries.map(({ observation }) => observation.sequence);

/** The disk of the segment that is being written. */
export interface Disk {
  write(bytes: Buffer): number;
  datasync(): Promise<void>;
}

/** A disk as a test wants it. */
export function changeDisk(spool: WireSpool, change: (disk: Disk) => Partial<Disk>): void {
  const { file } = spool as unknown as { file: Disk };
  const disk = { write: file.write.bind(file), datasync: file.datasync.bind(file) };
  Object.assign(file, change(disk));
}
