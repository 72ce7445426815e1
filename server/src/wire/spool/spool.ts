/**
 * Where the wire sensor's records wait for the database: one append-only file a segment, JSON lines, synced in groups.
 *
 *   appended --written and synced--> durable --delivered and acknowledged--> gone with its segment
 *     `--the disk refuses--> kept in memory (bounded) and delivered from there; what does not fit leaves a hole in its
 *                            sensor's numbers, which the intake tells as a finding
 *
 * Invariant: the reader never gets past what is durable, and a segment is deleted only when all of it was acknowledged.
 * A line that a killed gateway left unfinished was never promised to anybody and is skipped.
 */
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { capture } from '@shaparak/contract';
import type { Logger } from '../../platform/logging.js';

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
}

interface Waiting {
  line: string;
  entry: SpoolEntry;
  resolve(reached: boolean): void;
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
  private file: FileHandle | null = null;
  private pending: Waiting[] = [];
  private unspooled: Waiting[] = [];
  private writing: Promise<void> | null = null;
  private retryAt = 0;

  constructor(options: SpoolOptions) {
    this.options = { segmentBytes: 8 * 1024 * 1024, mostInMemory: 20_000, retryMs: 1_000, ...options };
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
    return (
      this.writing === null && this.unspooled.length === 0 && this.segments.every(({ read, size }) => read >= size)
    );
  }

  append(entry: SpoolEntry): Durability {
    const line = `${JSON.stringify(entry)}\n`;
    const reached = new Promise<boolean>((resolve) => {
      this.pending.push({ line, entry, resolve });
    });
    this.writing ??= this.write();
    return { reached };
  }

  /** Everything that waits is written and synced together: one sync serves all who wait for it. */
  private async write(): Promise<void> {
    await Promise.resolve(); // what is appended in the same turn goes with it
    while (this.pending.length > 0) {
      if (performance.now() < this.retryAt) {
        for (const waiting of this.pending.splice(0)) this.keepInMemory(waiting);
        this.onEntries();
        continue;
      }
      // What the disk refused before is tried again with it, and so keeps its place.
      const group = [...this.unspooled, ...this.pending];
      this.unspooled = [];
      this.pending = [];
      try {
        await this.writeGroup(group.map(({ line }) => line).join(''));
        for (const { resolve } of group) resolve(true);
      } catch (error) {
        this.options.log.error({ err: error, records: group.length }, 'The wire spool cannot be written');
        await this.file?.close().catch(() => {});
        this.file = null;
        this.retryAt = performance.now() + this.options.retryMs;
        for (const waiting of group) this.keepInMemory(waiting);
      }
      this.onEntries();
    }
    // In the same turn as the last look at what is pending: nothing may come between and wait for a writer that is gone.
    this.writing = null;
  }

  private async writeGroup(lines: string): Promise<void> {
    let segment = this.segments.at(-1);
    if (this.file === null || !segment || segment.size >= this.options.segmentBytes) {
      await this.file?.close();
      segment = { name: this.nextName(), size: 0, read: 0 };
      await mkdir(this.options.directory, { recursive: true, mode: 0o700 });
      this.file = await open(join(this.options.directory, segment.name), 'wx', 0o600);
      this.segments.push(segment);
    }
    const bytes = Buffer.from(lines);
    await this.file.appendFile(bytes);
    await this.file.datasync();
    segment.size += bytes.length;
  }

  /** Names sort in the order of writing, also where the machine's clock was set back between two segments. */
  private nextName(): string {
    const last = Number(this.segments.at(-1)?.name.slice(0, 16) ?? 0);
    return `${String(Math.max(Date.now(), last + 1)).padStart(16, '0')}.jsonl`;
  }

  private keepInMemory(waiting: Waiting): void {
    const kept = this.unspooled.reduce((sum, { line }) => sum + line.length, 0);
    if (this.unspooled.length < this.options.mostInMemory && kept + waiting.line.length <= mostBytesInMemory) {
      this.unspooled.push(waiting);
      return;
    }
    waiting.resolve(false);
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
        },
      };
    }
    const group = this.unspooled.slice(0, 500);
    if (group.length === 0) return null;
    return {
      entries: group.map(({ entry }) => entry),
      done: async () => {
        const delivered = new Set(group);
        this.unspooled = this.unspooled.filter((waiting) => !delivered.has(waiting));
        for (const { resolve } of group) resolve(true);
      },
    };
  }

  /** Somebody removed a segment: what it held is a hole in its sensors' numbers, and the rest goes on. */
  private async giveUpMissing(segment: Segment, error: unknown): Promise<{ entries: SpoolEntry[]; through: number }> {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    this.options.log.error(
      { err: error, bytes: segment.size - segment.read },
      'A segment of the wire spool is missing',
    );
    const { file } = this;
    if (segment === this.segments.at(-1)) this.file = null;
    if (file !== this.file) await file?.close();
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

  /** Writes what is pending; what was not delivered stays for the next gateway. */
  async close(): Promise<void> {
    await this.writing;
    await this.file?.close();
    this.file = null;
    await this.forgetDelivered();
  }
}
