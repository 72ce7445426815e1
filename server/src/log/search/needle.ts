/** A folded query, laid where scanners find it: its bytes, three rare places in them, and the rows that filters are asked for. */
import type { TextMemory } from './text-memory.js';
import { longestNeedle } from './text-memory.js';

/** Rows beyond would not make a filter choose better, and each costs a cache line for 1 MB of text. */
const mostGrams = 64;

/** Rows of a group's filter: 2^14. Half of it let twice as many blocks through and saved 6% of the text's size. */
export const rowBits = 14;

export interface Needle {
  length: number;
  /** places in the needle */
  anchors: [number, number, number];
  hashCount: number;
  /** the needle's pairs of bytes, where it is too short for its longer grams to choose well */
  pairs: [number, number] | null;
}

export function placeNeedle(memory: TextMemory, folded: Uint8Array): Needle {
  if (folded.length < 2 || folded.length > longestNeedle)
    throw new RangeError(`A needle of ${folded.length} bytes; 2 to ${longestNeedle} can be searched`);
  const bytes = folded.slice();
  memory.bytes.set(bytes, memory.needleAt);
  const hashes = hashesOf(bytes);
  memory.words.set(hashes, memory.hashesAt / 4);
  const pairAt = (at: number) => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  const short = bytes.length <= 3;
  return {
    length: bytes.length,
    anchors: anchorsOf(bytes),
    hashCount: hashes.length,
    pairs: short ? [pairAt(0), pairAt(bytes.length - 2)] : null,
  };
}

/** Two hashes for three bytes, one for four: with one and none the worst three letters took twice as long. */
function hashesOf(bytes: Uint8Array): number[] {
  const rows: number[] = [];
  const shift = 32 - rowBits;
  const grams = bytes.length - 2;
  const step = Math.max(1, grams / mostGrams);
  for (let place = 0; place < grams; place += step) {
    const at = Math.floor(place);
    const three = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    rows.push(Math.imul(three, 0x9e3779b1) >>> shift, (Math.imul(three, 0xc2b2ae35) + 0x165667b1) >>> shift);
    if (at + 3 >= bytes.length) continue;
    const four = three | ((bytes[at + 3] ?? 0) << 24);
    rows.push((Math.imul(four, 0x85ebca6b) + 0x27d4eb2f) >>> shift);
  }
  return rows;
}

/**
 * How common a byte is in code, 0 to 9; a wrong number costs time and nothing else. Rare bytes make the first test of a
 * scanner fail early. Lead bytes of Persian (D8 to DB) stand in every second place of Persian text.
 */
function commonness(byte: number): number {
  if (byte >= 0xd8 && byte <= 0xdb) return 8;
  if (byte >= 0x80) return 4;
  const character = String.fromCharCode(byte);
  if (' etaoinrs'.includes(character)) return 9;
  if ('ldcmpufh\n_.'.includes(character)) return 7;
  if (`gbywvkx=()',"`.includes(character)) return 5;
  return character >= '0' && character <= '9' ? 4 : 2;
}

/** The rarest place, then the rarest ones away from it: neighbours come together in words, so a second test tells less. */
function anchorsOf(bytes: Uint8Array): [number, number, number] {
  const gap = bytes.length > 8 ? 3 : bytes.length > 4 ? 2 : 1;
  const chosen: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    let best = -1;
    for (let at = 0; at < bytes.length; at += 1) {
      if (chosen.some((other) => Math.abs(other - at) < gap)) continue;
      if (best < 0 || commonness(bytes[at] ?? 0) < commonness(bytes[best] ?? 0)) best = at;
    }
    chosen.push(best < 0 ? (chosen[0] === 0 ? bytes.length - 1 : 0) : best);
  }
  const [first = 0, second = 0, third = 0] = chosen;
  return [first, second, third];
}
