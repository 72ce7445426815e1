/**
 * What is known of each cell besides its text, in typed arrays: 20 bytes a cell, and 5 to 11 for finding one by its id.
 * A Map took 40 for that alone, a tenth of the text.
 */
import type { TextMemory } from './text-memory.js';

/** A cell that was stored and has not run: no search finds it. */
export const neverRan = Number.NEGATIVE_INFINITY;
const bytesPerCell = 20;

export class CellTable {
  count = 0;
  /** addresses of the texts, ascending within a block */
  starts = new Uint32Array(0);
  /** microseconds since 1970 of the newest execution */
  lasts = new Float64Array(0);
  private ids = new Float64Array(0);
  /** open addressing: a cell's number plus 1, 0 = empty */
  private slots = new Uint32Array(0);
  private readonly memory: TextMemory;

  constructor(memory: TextMemory) {
    this.memory = memory;
  }

  get bytes(): number {
    return this.starts.length * bytesPerCell + this.slots.length * 4;
  }

  idOf(cell: number): number {
    return this.ids[cell] as number;
  }

  /** @returns the number of the cell, or -1 */
  find(id: number): number {
    if (this.count === 0) return -1;
    const most = this.slots.length - 1;
    for (let slot = hashOf(id) & most; ; slot = (slot + 1) & most) {
      const cell = (this.slots[slot] as number) - 1;
      if (cell < 0 || this.ids[cell] === id) return cell;
    }
  }

  /** @throws MemoryFull, and adds nothing */
  add(id: number, start: number): number {
    if (this.count === this.starts.length) this.lengthen();
    if ((this.count + 1) * 4 > this.slots.length * 3) this.rehash();
    const cell = this.count++;
    this.ids[cell] = id;
    this.starts[cell] = start;
    this.lasts[cell] = neverRan;
    this.enter(cell);
    return cell;
  }

  /** By a half, and by 8,192 at most: doubling would leave a third of the table empty. */
  private lengthen(): void {
    const length = this.count + Math.min(Math.max(32, this.count >> 1), 8_192);
    this.memory.charge((length - this.count) * bytesPerCell);
    const longer = <T extends Uint32Array | Float64Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.starts = longer(new Uint32Array(length), this.starts);
    this.lasts = longer(new Float64Array(length), this.lasts);
    this.ids = longer(new Float64Array(length), this.ids);
  }

  private rehash(): void {
    const length = Math.max(64, this.slots.length * 2);
    this.memory.charge((length - this.slots.length) * 4);
    this.slots = new Uint32Array(length);
    for (let cell = 0; cell < this.count; cell += 1) this.enter(cell);
  }

  private enter(cell: number): void {
    const most = this.slots.length - 1;
    let slot = hashOf(this.idOf(cell)) & most;
    while (this.slots[slot] !== 0) slot = (slot + 1) & most;
    this.slots[slot] = cell + 1;
  }
}

/** Ids of one person are ascending with gaps; multiplied, neighbours come to lie apart. */
function hashOf(id: number): number {
  const mixed = Math.imul((id % 0x1_0000_0000) ^ Math.floor(id / 0x1_0000_0000), 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
