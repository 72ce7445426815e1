/**
 * AssemblyScript: the four loops of the search that JavaScript runs 5 to 30 times slower. They know addresses and nothing
 * else; what stands where is the business of server/src/log/search. Built by build.mjs, never at start.
 *
 * Loads may reach up to 63 bytes and a needle's length past `end`: text-memory.ts keeps that much behind the last page.
 */

/**
 * @returns the address of the first occurrence in [at, end), or 0
 * `first`, `second` and `third` are places of the needle, its rarest bytes. Three and not two: "import pandas as np" in
 * 64 MB took 9.0 ms with two and 3.9 with three.
 */
export function find(
  at: usize,
  end: usize,
  needle: usize,
  length: usize,
  first: usize,
  second: usize,
  third: usize,
): usize {
  if (end - at < length) return 0;
  const last: usize = end - length;
  const a = i8x16.splat(load<i8>(needle + first));
  const b = i8x16.splat(load<i8>(needle + second));
  const c = i8x16.splat(load<i8>(needle + third));
  while (at <= last) {
    const e0 = both(at, a, first, b, second);
    const e1 = both(at + 16, a, first, b, second);
    const e2 = both(at + 32, a, first, b, second);
    const e3 = both(at + 48, a, first, b, second);
    if (v128.any_true(v128.or(v128.or(e0, e1), v128.or(e2, e3)))) {
      let places: u64 =
        third16(at, e0, c, third) |
        (third16(at + 16, e1, c, third) << 16) |
        (third16(at + 32, e2, c, third) << 32) |
        (third16(at + 48, e3, c, third) << 48);
      while (places !== 0) {
        const candidate = at + (ctz<u64>(places) as usize);
        if (candidate > last) return 0;
        if (equal(candidate, needle, length)) return candidate;
        places &= places - 1;
      }
    }
    at += 64;
  }
  return 0;
}

function both(at: usize, a: v128, first: usize, b: v128, second: usize): v128 {
  return v128.and(i8x16.eq(v128.load(at + first), a), i8x16.eq(v128.load(at + second), b));
}

function third16(at: usize, found: v128, c: v128, third: usize): u64 {
  return i8x16.bitmask(v128.and(found, i8x16.eq(v128.load(at + third), c))) as u64;
}

function equal(a: usize, b: usize, length: usize): bool {
  let k: usize = 0;
  while (k + 8 <= length) {
    if (load<u64>(a + k) !== load<u64>(b + k)) return false;
    k += 8;
  }
  while (k < length) {
    if (load<u8>(a + k) !== load<u8>(b + k)) return false;
    k += 1;
  }
  return true;
}

/**
 * Marks block number `block` of a group in the rows of every gram of [at, end). The hashes stand again in needle.ts.
 */
export function addGrams(at: usize, end: usize, rows: usize, shift: u32, bigrams: usize, block: u32): void {
  const bit: u64 = (1 as u64) << (block as u64);
  const eighth = ((1 as u32) << (block >> 3)) as u8;
  for (; at + 1 < end; at += 1) {
    const word = load<u32>(at);
    const pair = bigrams + ((word & 0xffff) as usize);
    store<u8>(pair, load<u8>(pair) | eighth);
    if (at + 2 < end) {
      const three = word & 0xffffff;
      mark(rows, (three * 0x9e3779b1) >> shift, bit);
      mark(rows, (three * 0xc2b2ae35 + 0x165667b1) >> shift, bit);
    }
    if (at + 3 < end) mark(rows, (word * 0x85ebca6b + 0x27d4eb2f) >> shift, bit);
  }
}

function mark(rows: usize, row: u32, bit: u64): void {
  const at = rows + ((row as usize) << 3);
  store<u64>(at, load<u64>(at) | bit);
}

/** Blocks that are marked in each of `count` rows, 64 bits at `out`. @returns false where there is none */
export function mask(rows: usize, hashes: usize, count: u32, out: usize): bool {
  let blocks: u64 = ~(0 as u64);
  for (let k: u32 = 0; k < count; k += 1) {
    blocks &= load<u64>(rows + ((load<u32>(hashes + ((k as usize) << 2)) as usize) << 3));
    if (blocks === 0) return false;
  }
  store<u64>(out, blocks);
  return true;
}

/**
 * Folds UTF-8 from [at, end) to `target`. @returns the end of what was written
 * The table is described in folding.ts: 2048 numbers of blocks, then blocks of 64 entries of 8 bytes, of which the last
 * one is the length.
 */
export function fold(at: usize, end: usize, target: usize, table: usize): usize {
  const low = i8x16.splat(0x41);
  const high = i8x16.splat(0x5a);
  const bit = i8x16.splat(0x20);
  while (at < end) {
    if (at + 16 <= end) {
      const text = v128.load(at);
      if (i8x16.bitmask(text) === 0) {
        const upper = v128.and(i8x16.ge_s(text, low), i8x16.le_s(text, high));
        v128.store(target, v128.or(text, v128.and(upper, bit)));
        at += 16;
        target += 16;
        continue;
      }
    }
    const lead = load<u8>(at) as u32;
    if (lead < 0x80) {
      store<u8>(target, lead - 0x41 < 26 ? lead | 0x20 : lead);
      at += 1;
      target += 1;
      continue;
    }
    const bytes: usize = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const point = pointAt(at, lead, bytes);
    const block = point < 0x20000 ? (load<u16>(table + ((point >> 6) << 1)) as usize) : 0;
    if (block === 0) {
      for (let k: usize = 0; k < bytes; k += 1) store<u8>(target + k, load<u8>(at + k));
      target += bytes;
    } else {
      const entry = load<u64>(table + 4096 + ((block - 1) << 9) + (((point & 63) as usize) << 3));
      store<u64>(target, entry);
      target += (entry >> 56) as usize;
    }
    at += bytes;
  }
  return target;
}

function pointAt(at: usize, lead: u32, bytes: usize): u32 {
  let point: u32 = lead & (0x7f >> (bytes as u32));
  for (let k: usize = 1; k < bytes; k += 1) point = (point << 6) | ((load<u8>(at + k) as u32) & 0x3f);
  return point;
}
