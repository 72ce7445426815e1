/**
 * The text of one person's distinct cells, searched in memory. What must always be true:
 *  - it holds exactly the snippets of the executions with user_seq <= `watermark`, each with the timestamp of its newest
 *    one among those (cells that were stored and have not run may be there too, and no search finds them);
 *  - a cell's text stands in one block, followed by FF, which UTF-8 never has: no hit reaches from one cell into another;
 *  - a block's maximum is at least the newest timestamp of its cells, and `order` sorts the blocks by it, ascending.
 *
 * So a search goes through the blocks from the newest maximum down and may stop when it has enough cells that are newer
 * than the next maximum, in whatever order things happened: a cell that runs again stays where it is, and its block moves
 * up. (A copy at the end kept the order by place, and 5% of dead text after some days, with a compaction to get rid of it.)
 */
import { BlockFilters } from './block-filters.js';
import { CellTable, neverRan } from './cell-table.js';
import { type Needle, placeNeedle } from './needle.js';
import { Newest } from './newest.js';
import { MemoryFull, type TextMemory } from './text-memory.js';

interface Block {
  address: number;
  pages: number;
  /** end of what is written */
  end: number;
  firstCell: number;
  /** the newest timestamp of its cells */
  newest: number;
}

const separator = 0xff;
/** of a Block and its place in the order, as V8 lays them out */
const bytesPerBlock = 100;

export interface Found {
  /** snippets, in no order */
  ids: number[];
  /** every matching snippet that is not among them ran last before this, in microseconds; null where there is none */
  bound: number | null;
}

export class UserIndex {
  watermark = 0;
  private readonly memory: TextMemory;
  private readonly cells: CellTable;
  private readonly filters: BlockFilters;
  private readonly blocks: Block[] = [];
  /** numbers of blocks, by `newest` ascending */
  private order: number[] = [];
  private disposed = false;
  private filling = false;

  constructor(memory: TextMemory) {
    this.memory = memory;
    this.cells = new CellTable(memory);
    this.filters = new BlockFilters(memory);
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** True while it takes memory, for which others may have to go. */
  get isFilling(): boolean {
    return this.filling;
  }

  get bytes(): number {
    const pages = this.blocks.reduce((sum, block) => sum + block.pages, 0);
    return pages * this.memory.pageBytes + this.filters.bytes + this.cells.bytes + this.blocks.length * bytesPerBlock;
  }

  has(id: number): boolean {
    return this.cells.find(id) >= 0;
  }

  /** Adds the text of a snippet that has not run yet. @throws MemoryFull, and no search is wrong for it */
  add(id: number, code: Uint8Array): void {
    if (this.disposed) throw new Error('The index was thrown away');
    if (this.has(id)) return;
    this.filling = true;
    try {
      this.append(id, code);
    } finally {
      this.filling = false;
    }
  }

  /** A snippet that is there ran; in any order (the newest first is fastest), and as often as wanted. */
  run(id: number, timestamp: number): void {
    const cell = this.cells.find(id);
    if (cell < 0) throw new RangeError(`Snippet ${id} is not in the index`);
    if (timestamp <= (this.cells.lasts[cell] as number)) return;
    this.cells.lasts[cell] = timestamp;
    const number = this.blockOf(cell);
    const block = this.blocks[number] as Block;
    if (timestamp <= block.newest) return;
    block.newest = timestamp;
    this.moveUp(number, timestamp);
  }

  /** The matching snippets that ran last: `limit` of them, and those that are as new as the last one. */
  search(folded: Uint8Array, limit: number): Found {
    const needle = placeNeedle(this.memory, folded);
    const newest = new Newest(limit);
    const candidates = this.filters.candidates(needle);
    for (let at = this.order.length - 1; at >= 0; at -= 1) {
      const number = this.order[at] as number;
      const block = this.blocks[number] as Block;
      if (block.newest < newest.threshold || block.newest === neverRan) break;
      if (candidates(number)) this.searchBlock(number, needle, newest);
    }
    const { threshold } = newest;
    return {
      ids: newest.cells().map((cell) => this.cells.idOf(cell)),
      bound: threshold === Number.NEGATIVE_INFINITY ? null : threshold,
    };
  }

  /** Folds a query into what `search` takes. */
  fold(text: string): Uint8Array {
    return this.memory.fold(Buffer.from(text)).slice();
  }

  /** Builds one filter (3.5 ms) where one is wanting. @returns true where there may be more to do */
  buildFilter(): boolean {
    this.filling = true;
    try {
      return this.filters.buildNext(this.blocks);
    } finally {
      this.filling = false;
    }
  }

  /** Gives all memory back, with zeros in it. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const { address, pages } of this.blocks) this.memory.release(address, pages);
    this.filters.release();
    this.memory.charge(-(this.cells.bytes + this.blocks.length * bytesPerBlock));
    this.blocks.length = 0;
    this.order = [];
  }

  private append(id: number, code: Uint8Array): void {
    const text = this.memory.fold(code);
    const block = this.blockFor(text.length + 1);
    this.cells.add(id, block.end);
    this.memory.bytes.set(text, block.end);
    block.end += text.length;
    this.memory.bytes[block.end++] = separator;
  }

  private searchBlock(number: number, { length, anchors }: Needle, newest: Newest): void {
    const { scanner, needleAt } = this.memory;
    const { starts, lasts } = this.cells;
    const { address, end, firstCell } = this.blocks[number] as Block;
    const cellsEnd = this.blocks[number + 1]?.firstCell ?? this.cells.count;
    let cell = firstCell;
    let at = address;
    for (;;) {
      const hit = scanner.find(at, end, needleAt, length, anchors[0], anchors[1], anchors[2]);
      if (hit === 0) return;
      while (cell + 1 < cellsEnd && (starts[cell + 1] as number) <= hit) cell += 1;
      const last = lasts[cell] as number;
      if (last !== neverRan) newest.offer(cell, last);
      cell += 1;
      if (cell >= cellsEnd) return;
      at = starts[cell] as number;
    }
  }

  private blockFor(length: number): Block {
    const open = this.blocks.at(-1);
    if (open && open.end + length <= open.address + open.pages * this.memory.pageBytes) return open;
    const pages = Math.ceil(length / this.memory.pageBytes);
    this.memory.charge(bytesPerBlock);
    const address = this.allocate(pages);
    const block = { address, pages, end: address, firstCell: this.cells.count, newest: neverRan };
    this.order.unshift(this.blocks.push(block) - 1);
    return block;
  }

  private allocate(pages: number): number {
    try {
      return this.memory.allocate(pages);
    } catch (error) {
      if (error instanceof MemoryFull) this.memory.charge(-bytesPerBlock);
      throw error;
    }
  }

  private blockOf(cell: number): number {
    let low = 0;
    let high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.blocks[middle] as Block).firstCell <= cell) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Most often the block is the newest already, or becomes it. */
  private moveUp(number: number, timestamp: number): void {
    const { order } = this;
    if (order.at(-1) === number) return;
    let at = order.lastIndexOf(number);
    for (; at + 1 < order.length; at += 1) {
      const next = order[at + 1] as number;
      if ((this.blocks[next] as Block).newest >= timestamp) break;
      order[at] = next;
    }
    order[at] = number;
  }
}
