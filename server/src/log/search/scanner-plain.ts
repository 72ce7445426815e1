/** The scanner without SIMD, 5 to 15 times slower; also what tests compare the other one with. */
import { blockBytes, indexBytes } from './folding.js';
import type { Scanner } from './scanner.js';

export function createPlainScanner(memory: WebAssembly.Memory): Scanner {
  // Read anew each time: growing the memory detaches its buffer.
  const bytes = () => Buffer.from(memory.buffer);
  return {
    find(at, end, needle, length) {
      const all = bytes();
      const found = all.subarray(at, end).indexOf(all.subarray(needle, needle + length));
      return found < 0 ? 0 : at + found;
    },
    addGrams: (at, end, rows, shift, bigrams, block) => addGrams(bytes(), at, end, { rows, shift, bigrams, block }),
    mask(rows, hashes, count, out) {
      const all = bytes();
      let blocks = 2n ** 64n - 1n;
      for (let k = 0; k < count; k += 1) blocks &= all.readBigUInt64LE(rows + all.readUInt32LE(hashes + k * 4) * 8);
      all.writeBigUInt64LE(blocks, out);
      return blocks === 0n ? 0 : 1;
    },
    fold: (at, end, target, table) => fold(bytes(), at, end, { target, table }),
  };
}

interface Filter {
  rows: number;
  shift: number;
  bigrams: number;
  block: number;
}

function addGrams(all: Buffer, start: number, end: number, { rows, shift, bigrams, block }: Filter): void {
  const mark = (hash: number) => {
    const at = rows + (hash >>> shift) * 8 + (block >> 3);
    all[at] = (all[at] ?? 0) | (1 << (block & 7));
  };
  for (let at = start; at + 1 < end; at += 1) {
    const pair = bigrams + all.readUInt16LE(at);
    all[pair] = (all[pair] ?? 0) | (1 << (block >> 3));
    if (at + 2 < end) {
      const three = all.readUIntLE(at, 3);
      mark(Math.imul(three, 0x9e3779b1));
      mark((Math.imul(three, 0xc2b2ae35) + 0x165667b1) | 0);
    }
    if (at + 3 < end) mark((Math.imul(all.readInt32LE(at), 0x85ebca6b) + 0x27d4eb2f) | 0);
  }
}

function fold(all: Buffer, start: number, end: number, { target, table }: { target: number; table: number }): number {
  let out = target;
  for (const character of all.toString('utf8', start, end)) {
    const point = character.codePointAt(0) ?? 0;
    const block = point >= 0x80 && point < 0x20000 ? all.readUInt16LE(table + (point >> 6) * 2) : 0;
    if (block > 0) {
      const entry = table + indexBytes + (block - 1) * blockBytes + (point & 63) * 8;
      all.copyWithin(out, entry, entry + 7);
      out += all[entry + 7] ?? 0;
    } else if (point < 0x80) all[out++] = point >= 0x41 && point <= 0x5a ? point | 0x20 : point;
    else out += all.write(character, out);
  }
  return out;
}
