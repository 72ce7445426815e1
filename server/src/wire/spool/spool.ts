/**
 * Where the wire sensor's records wait for the database: append-only files of JSON lines, the segments.
 *
 *   appended --written--> in a segment --delivered and acknowledged--> gone with its segment
 *     `--the disk refuses--> kept in memory (bounded) and delivered from there; what does not fit leaves a hole in its
 *                            sensor's numbers, which the intake tells as a finding
 *
 * A record is durable when it is synced or acknowledged by the intake. Invariants: records are offered for delivery in the
 * order in which they were appended, and a segment is deleted only when all of it was acknowledged. A line that a killed
 * gateway left unfinished was never promised to anybody and is skipped.
 */
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { capture } from '@shaparak/contract';
import type { Logger } from '../../platform/logging.js';
import { type Pending, SegmentFile } from './segment-file.js';

export interface SpoolEntry {
  userId: number;
  sensor: capture.Sensor;
  observation: capture.Observation;
}

export interface Durability {
  /** true: on disk, or acknowledged by the intake; false: neither, and it may be lost */
  reached: Promise<boolean>;
}

export interface Batch {
  entries: SpoolEntry[];
  /** the intake has acknowledged all of it */
  done(): Promise<void>;
}

export interface SpoolOptions {
  directory: string;
  log: Logger;
  segmentBytes?: number;
  mostInMemory?: number;
  /** how long a disk that refused is left alone */
  retryMs?: number;
  /** from a record to its sync, if it is not delivered before */
  syncAfterMs?: number;
}

interface Waiting extends Pending {
  entry: SpoolEntry;
}

interface Segment {
  name: string;
  /** how far it may be read */
  size: number;
  read: number;
}

const mostBytesInMemory = 64 * 1024 * 1024;
const readBytes = 512 * 1024;
const segmentName = /^\d{16}\.jsonl$/;

export class WireSpool {
  /** called when there is something to deliver */
  onEntries: () => void = () => {};
  private readonly options: Required<SpoolOptions>;
  private segments: Segment[] = [];
  private file: SegmentFile<Waiting> | null = null;
  private readonly ending = new Set<Promise<void>>();
  private readonly unspooled: Waiting[] = [];
  private unspooledBytes = 0;
  private retryAt = 0;

  constructor(options: SpoolOptions) {
    const defaults = { segmentBytes: 8 * 1024 * 1024, mostInMemory: 20_000, retryMs: 1_000, syncAfterMs: 0 };
    this.options = { ...defaults, ...options };
  }

  /** Finds what earlier gateways left. */
  async open(): Promise<void> {
    await mkdir(this.options.directory, { recursive: true, mode: 0o700 });
    const names = (await readdir(this.options.directory)).filter((name) => segmentName.test(name)).sort();
    for (const name of names) {
      const { size } = await stat(join(this.options.directory, name));
      this.segments.push({ name, size, read: 0 });
    }
  }

  get isEmpty(): boolean {
    return this.unspooled.length === 0 && this.segments.every(({ read, size }) => read >= size);
  }

  append(entry: SpoolEntry): Durability {
    const line = `${JSON.stringify(entry)}\n`;
    const reached = new Promise<boolean>((resolve) => {
      this.keep({ line, entry, resolve });
    });
    this.onEntries();
    return { reached };
  }

  /** What the disk refused before is tried again with what is new, and so keeps its place. */
  private keep(waiting: Waiting): void {
    if (performance.now() < this.retryAt) {
      this.keepInMemory(waiting);
      return;
    }
    const group = [...this.takeUnspooled(), waiting];
    try {
      const { segment, file } = this.writable();
      file.append(group);
      segment.size = file.size;
    } catch (error) {
      this.leaveDiskAlone(error, group);
    }
  }

  private leaveDiskAlone(error: unknown, refused: Waiting[]): void {
    this.options.log.error({ err: error, records: refused.length }, 'The wire spool cannot be written');
    this.endFile();
    this.retryAt = performance.now() + this.options.retryMs;
    for (const waiting of refused) this.keepInMemory(waiting);
    this.onEntries();
  }

  private writable(): { segment: Segment; file: SegmentFile<Waiting> } {
    const current = this.segments.at(-1);
    if (current && this.file && current.size < this.options.segmentBytes) return { segment: current, file: this.file };
    this.endFile();
    const segment = { name: this.nextName(), size: 0, read: 0 };
    const file = new SegmentFile<Waiting>(join(this.options.directory, segment.name), {
      syncAfterMs: this.options.syncAfterMs,
      onSyncFailed: (error, unsynced, durable) => {
        // What the intake is given of it now is delivered from memory again, which it knows by its number.
        segment.size = Math.max(segment.read, durable);
        this.leaveDiskAlone(error, unsynced);
      },
    });
    this.segments.push(segment);
    this.file = file;
    return { segment, file };
  }

  private endFile(): void {
    const ended = this.file?.end().catch((error: unknown) => {
      this.options.log.error({ err: error }, 'A segment of the wire spool could not be closed');
    });
    this.file = null;
    if (ended) this.ending.add(ended.finally(() => this.ending.delete(ended)));
  }

  /** Names sort in the order of writing, also where the machine's clock was set back between two segments. */
  private nextName(): string {
    const last = Number(this.segments.at(-1)?.name.slice(0, 16) ?? 0);
    return `${String(Math.max(Date.now(), last + 1)).padStart(16, '0')}.jsonl`;
  }

  private keepInMemory(waiting: Waiting): void {
    const bytes = this.unspooledBytes + waiting.line.length;
    if (this.unspooled.length >= this.options.mostInMemory || bytes > mostBytesInMemory) {
      waiting.resolve(false);
      return;
    }
    this.unspooled.push(waiting);
    this.unspooledBytes = bytes;
  }

  private takeUnspooled(): Waiting[] {
    this.unspooledBytes = 0;
    return this.unspooled.splice(0);
  }

  /** The next records in their order; null while there are none. One batch at a time. */
  async next(): Promise<Batch | null> {
    await this.forgetDelivered();
    for (const segment of this.segments) {
      if (segment.read >= segment.size) continue;
      const { entries, through } = await this.readFrom(segment).catch((error) => this.giveUpMissing(segment, error));
      if (entries.length === 0 && through >= segment.size) {
        segment.read = segment.size; // an unfinished last line
        continue;
      }
      return {
        entries,
        done: async () => {
          segment.read = through;
          if (segment === this.segments.at(-1)) this.file?.acknowledged(through);
        },
      };
    }
    const group = this.unspooled.slice(0, 500);
    if (group.length === 0) return null;
    return {
      entries: group.map(({ entry }) => entry),
      done: async () => {
        const delivered = new Set(group);
        for (const waiting of this.takeUnspooled()) if (!delivered.has(waiting)) this.keepInMemory(waiting);
        for (const { resolve } of group) resolve(true);
      },
    };
  }

  /** Somebody removed a segment: what it held is a hole in its sensors' numbers, and the rest goes on. */
  private giveUpMissing(segment: Segment, error: unknown): { entries: SpoolEntry[]; through: number } {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    this.options.log.error(
      { err: error, bytes: segment.size - segment.read },
      'A segment of the wire spool is missing',
    );
    if (segment === this.segments.at(-1)) this.endFile();
    return { entries: [], through: segment.size };
  }

  private async readFrom(segment: Segment): Promise<{ entries: SpoolEntry[]; through: number }> {
    const file = await open(join(this.options.directory, segment.name), 'r');
    try {
      // A record may be larger than a chunk: then a chunk of its size is read.
      for (let length = readBytes; ; length *= 2) {
        const wanted = Math.min(length, segment.size - segment.read);
        const { buffer, bytesRead } = await file.read(Buffer.alloc(wanted), 0, wanted, segment.read);
        const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
        if (end === 0 && bytesRead === wanted && segment.read + wanted < segment.size) continue;
        const lines = buffer.toString('utf8', 0, end).split('\n').slice(0, -1);
        const through = end === 0 ? segment.size : segment.read + end;
        return { entries: lines.flatMap((line) => this.parse(line)), through };
      }
    } finally {
      await file.close();
    }
  }

  private parse(line: string): SpoolEntry[] {
    try {
      return [JSON.parse(line) as SpoolEntry];
    } catch {
      this.options.log.error({ bytes: line.length }, 'A line of the wire spool is damaged and was left out');
      return [];
    }
  }

  /** Segments that were delivered whole; the one that is written to is emptied by starting a new one. */
  private async forgetDelivered(): Promise<void> {
    const current = this.file === null ? undefined : this.segments.at(-1);
    for (const segment of [...this.segments]) {
      if (segment.read < segment.size || segment === current) continue;
      this.segments = this.segments.filter((one) => one !== segment);
      await rm(join(this.options.directory, segment.name), { force: true });
    }
  }

  /** What was not delivered is synced and stays for the next gateway. */
  async close(): Promise<void> {
    this.endFile();
    await Promise.all(this.ending);
    await this.forgetDelivered();
  }
}
