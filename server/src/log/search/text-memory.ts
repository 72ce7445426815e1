/**
 * One memory for the folded text and the filters of all people, in pages of 16 KB, one for each block of text. What must always be true:
 *  - a page that is free holds zeros: what is forgotten is gone at once, and filters begin empty;
 *  - pages that were ever taken and the arrays beside them (`charge`) never exceed the budget. A page that was written
 *    stays with the process, so what counts is the highest one and not the pages in use;
 *  - behind the last page lie 64 KB more, because scanners read past the end of a text.
 *
 * One memory, because V8 reserves 8 GB of addresses for each, and all of the budget at once: what was never written costs
 * nothing, and growing step by step made V8 collect garbage for half the time of a load. The first part is where a needle, its hashes, the table of
 * the folding and a text that is being folded lie; searches and additions are synchronous, so one of each will do.
 */
import type { Folding } from './folding.js';
import { createScanner, type Scanner } from './scanner.js';

/** Blocks of 32 and 64 KB with filters as large let twice and five times as much text through. */
const usualPage = 16_384;
const wasmPage = 65_536;
/** The longest query of the API has 10,000 characters, of 7 bytes at most in the stored form. */
export const longestNeedle = 81_920;
/** A text is folded in pieces; a code point becomes 7 bytes at most. */
const pieceBytes = 32_768;

const hashesAt = 1_024;
const outAt = 8_192;
const needleAt = 16_384;
const pieceAt = needleAt + longestNeedle + 1_024;
const foldedAt = pieceAt + pieceBytes + 64;
const tableAt = foldedAt + pieceBytes * 7 + 64;

/** The budget is used up and nothing is left to be thrown out. */
export class MemoryFull extends Error {
  override name = 'MemoryFull';
}

export interface TextMemoryOptions {
  folding: Folding;
  budgetBytes: number;
  /** gives something back; false where nothing is left to give */
  makeRoom?: () => boolean;
  createScanner?: (memory: WebAssembly.Memory) => Scanner;
  /** smaller in tests, where many pages are to come together */
  pageBytes?: number;
}

export class TextMemory {
  readonly scanner: Scanner;
  readonly pageBytes: number;
  readonly needleAt = needleAt;
  readonly hashesAt = hashesAt;
  readonly outAt = outAt;
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  makeRoom: () => boolean;
  private readonly budgetBytes: number;
  /** address of page 0 */
  private readonly base: number;
  /** a byte for each page that ever was: 1 = taken */
  private readonly taken: Uint8Array;
  private highest = 0;
  private takenPages = 0;
  private charged = 0;

  constructor(options: TextMemoryOptions) {
    const { folding, budgetBytes, makeRoom, pageBytes = usualPage } = options;
    this.pageBytes = pageBytes;
    this.base = Math.ceil((tableAt + folding.length) / pageBytes) * pageBytes;
    const size = Math.min(Math.ceil((this.base + budgetBytes) / wasmPage) + 1, wasmPage);
    const memory = new WebAssembly.Memory({ initial: size, maximum: size });
    this.taken = new Uint8Array(Math.floor(((size - 1) * wasmPage - this.base) / pageBytes));
    this.budgetBytes = budgetBytes;
    this.makeRoom = makeRoom ?? (() => false);
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new Uint32Array(memory.buffer);
    this.bytes.set(folding, tableAt);
    this.scanner = (options.createScanner ?? createScanner)(memory);
  }

  /** Memory that the process holds for all of this. */
  get heldBytes(): number {
    return this.base + this.highest * this.pageBytes + this.charged;
  }

  get takenBytes(): number {
    return this.takenPages * this.pageBytes;
  }

  /** @returns the address of `count` pages in a row, full of zeros. @throws MemoryFull */
  allocate(count: number): number {
    for (;;) {
      const page = this.freeRun(count);
      if (page !== null) {
        this.taken.fill(1, page, page + count);
        this.highest = Math.max(this.highest, page + count);
        this.takenPages += count;
        return this.base + page * this.pageBytes;
      }
      if (!this.makeRoom()) throw new MemoryFull();
    }
  }

  release(address: number, count: number): void {
    this.bytes.fill(0, address, address + count * this.pageBytes);
    const page = (address - this.base) / this.pageBytes;
    this.taken.fill(0, page, page + count);
    this.takenPages -= count;
  }

  /** The last query and the last text that was folded go too. */
  clearBench(): void {
    this.bytes.fill(0, needleAt, tableAt);
  }

  /** Counts memory outside, such as typed arrays; less with a negative number. @throws MemoryFull, and counts nothing */
  charge(bytes: number): void {
    while (bytes > 0 && this.heldBytes + bytes > this.budgetBytes) if (!this.makeRoom()) throw new MemoryFull();
    this.charged += bytes;
  }

  /** @returns the folded text; it stays there until the next call */
  fold(text: Uint8Array): Uint8Array {
    if (text.length <= pieceBytes) return this.foldPiece(text);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < text.length; ) {
      let end = Math.min(at + pieceBytes, text.length);
      // between two characters: bytes 10xxxxxx go on with one
      while (end < text.length && ((text[end] ?? 0) & 0xc0) === 0x80) end -= 1;
      pieces.push(this.foldPiece(text.subarray(at, end)).slice());
      at = end;
    }
    return Buffer.concat(pieces);
  }

  private foldPiece(piece: Uint8Array): Uint8Array {
    this.bytes.set(piece, pieceAt);
    const end = this.scanner.fold(pieceAt, pieceAt + piece.length, foldedAt, tableAt);
    return this.bytes.subarray(foldedAt, end);
  }

  private freeRun(count: number): number | null {
    const affordable = Math.floor((this.budgetBytes - this.base - this.charged) / this.pageBytes);
    const end = Math.min(Math.max(affordable, this.highest), this.taken.length);
    for (let from = 0; ; ) {
      const page = this.taken.indexOf(0, from);
      if (page < 0 || page + count > end) return null;
      const next = count === 1 ? -1 : this.taken.subarray(page, page + count).indexOf(1);
      if (next < 0) return page;
      from = page + next;
    }
  }
}
