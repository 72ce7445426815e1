/**
 * Which blocks can't hold a needle. 64 blocks (1 MB of text) make a group; a group's filter has a row for each hash of
 * three or four bytes, with one bit a block, so that the rows of a needle's grams, AND-ed, are the blocks worth scanning.
 * Beside it, for needles of two bytes, one bit for 8 blocks and every pair of bytes. 12.5% and 6.25% of the text's size.
 * (One row a block instead, as Bloom filters are kept, chose as well and took 0.07 to 0.5 ms of cache misses, not 0.001
 * to 0.08.) A filter may let a block through for nothing, and never hides one.
 *
 * A group has none while it is filled, and for a while after: filters are built between requests. Small people never get
 * one; their text is scanned in 0.05 ms.
 */
import { type Needle, rowBits } from './needle.js';
import { MemoryFull, type TextMemory } from './text-memory.js';

const groupBlocks = 64;
const rowsBytes = 8 << rowBits;
const pairsBytes = 65_536;
const filterBytes = rowsBytes + pairsBytes;

export class BlockFilters {
  private readonly memory: TextMemory;
  /** by group; 0 = none yet */
  private readonly addresses: number[] = [];
  private built = 0;

  constructor(memory: TextMemory) {
    this.memory = memory;
  }

  get bytes(): number {
    return this.built * filterBytes;
  }

  /** Builds the filter of the newest full group that has none. @returns true where another one may be wanting */
  buildNext(blocks: readonly { address: number; end: number }[]): boolean {
    // The last block is still written to.
    const full = Math.floor((blocks.length - 1) / groupBlocks);
    let group = full - 1;
    while (group >= 0 && (this.addresses[group] ?? 0) !== 0) group -= 1;
    if (group < 0) return false;
    const address = this.allocate();
    if (address === null) return false;
    const { scanner } = this.memory;
    for (const [index, block] of blocks.slice(group * groupBlocks, (group + 1) * groupBlocks).entries())
      scanner.addGrams(block.address, block.end, address, 32 - rowBits, address + rowsBytes, index);
    while (this.addresses.length <= group) this.addresses.push(0);
    this.addresses[group] = address;
    this.built += 1;
    return this.built < full;
  }

  /** @returns whether a block is worth scanning; looks at a group's filter when it is asked for one of its blocks */
  candidates(needle: Needle): (block: number) => boolean {
    const masks: [number, number][] = [];
    return (block) => {
      const group = Math.floor(block / groupBlocks);
      masks[group] ??= this.maskOf(group, needle);
      const [low, high] = masks[group] as [number, number];
      const place = block % groupBlocks;
      return ((place < 32 ? low >>> place : high >>> (place - 32)) & 1) === 1;
    };
  }

  release(): void {
    for (const address of this.addresses)
      if (address !== 0) this.memory.release(address, filterBytes / this.memory.pageBytes);
    this.addresses.length = 0;
    this.built = 0;
  }

  private allocate(): number | null {
    try {
      return this.memory.allocate(filterBytes / this.memory.pageBytes);
    } catch (error) {
      if (error instanceof MemoryFull) return null;
      throw error;
    }
  }

  /** low and high half of the blocks' bits */
  private maskOf(group: number, { pairs, hashCount }: Needle): [number, number] {
    const address = this.addresses[group] ?? 0;
    if (address === 0) return [-1, -1];
    const { bytes, words, scanner, hashesAt, outAt } = this.memory;
    let low = -1;
    let high = -1;
    if (pairs !== null) {
      const eighths =
        (bytes[address + rowsBytes + pairs[0]] as number) & (bytes[address + rowsBytes + pairs[1]] as number);
      low = spread(eighths & 15);
      high = spread(eighths >> 4);
    }
    if (hashCount > 0) {
      if (scanner.mask(address, hashesAt, hashCount, outAt) === 0) return [0, 0];
      low &= words[outAt / 4] as number;
      high &= words[outAt / 4 + 1] as number;
    }
    return [low, high];
  }
}

/** Four bits, each as eight. */
function spread(bits: number): number {
  return (bits & 1 ? 0xff : 0) | (bits & 2 ? 0xff00 : 0) | (bits & 4 ? 0xff0000 : 0) | (bits & 8 ? 0xff000000 : 0);
}
