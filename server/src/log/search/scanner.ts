/**
 * The four loops over memory that make up the time of a search, in WebAssembly with SIMD: 20 GB/s, near the memory's own
 * speed, so a native addon had little to gain and a toolchain for each platform to lose. Where a machine lacks SIMD,
 * scanner-plain.ts does the same, and the tests run both.
 */
import { scanModule } from './generated/scan.js';
import { createPlainScanner } from './scanner-plain.js';

/** All numbers are addresses in one memory, or lengths. The contracts stand in server/assembly/scan.ts. */
export interface Scanner {
  find(at: number, end: number, needle: number, length: number, first: number, second: number, third: number): number;
  addGrams(at: number, end: number, rows: number, shift: number, bigrams: number, block: number): void;
  /** 0 where no block is left */
  mask(rows: number, hashes: number, count: number, out: number): number;
  fold(at: number, end: number, target: number, table: number): number;
}

export function createScanner(memory: WebAssembly.Memory): Scanner {
  const bytes = Buffer.from(scanModule, 'base64');
  if (!WebAssembly.validate(bytes)) return createPlainScanner(memory);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const { find, addGrams, mask, fold } = instance.exports as unknown as Scanner;
  return {
    // WebAssembly's i32 is signed in JavaScript, and addresses go up to 4 GB.
    find: (at, end, needle, length, first, second, third) => find(at, end, needle, length, first, second, third) >>> 0,
    addGrams,
    mask,
    fold: (at, end, target, table) => fold(at, end, target, table) >>> 0,
  };
}
