/**
 * What the search takes for equal is said by one function, shaparak_fold in SQL. The memory must agree with it to the
 * letter, or an answer would change with who gives it. So the relation is read from the database: which code points
 * change, and into what. JavaScript's toLowerCase knows another Unicode version and folds by context (a final sigma),
 * and then a part of a text need not fold to a part of the folded text. Code point by code point, it does.
 *
 * The table, as scanners read it: 2048 numbers (u16) of blocks of 64 code points, 0 = nothing changes in the block; then
 * the blocks, 8 bytes a code point: up to 7 bytes of UTF-8 and their number in the last byte.
 */
import type { Database } from '../../platform/postgres.js';

/** No code point beyond has a case: ideographs, tags and private use. */
const planesEnd = 0x20000;
const blockPoints = 64;
export const indexBytes = (planesEnd / blockPoints) * 2;
export const blockBytes = blockPoints * 8;

export type Folding = Uint8Array;

/** 60 ms; once a process. @returns null for a database whose folding has no table: its searches are answered by SQL */
export async function readFolding(database: Database): Promise<Folding | null> {
  const rows = await database<{ point: number; folded: string }[]>`
    select point, folded from generate_series(1, ${planesEnd - 1}::int) as point,
      lateral (select shaparak_fold(chr(point)) as folded) as f
    where point not between 55296 and 57343 and folded <> chr(point)`;
  return tableOf(rows);
}

export function tableOf(changes: { point: number; folded: string }[]): Folding | null {
  const ascii = changes.filter(({ point }) => point < 0x80);
  // Scanners fold ASCII without the table, 16 bytes a step. A Turkish database says I → ı.
  if (ascii.length !== 26 || ascii.some(({ point, folded }) => folded !== String.fromCharCode(point | 0x20)))
    return null;
  const blocks = [...new Set(changes.map(({ point }) => Math.floor(point / blockPoints)))];
  const table = new Uint8Array(indexBytes + blocks.length * blockBytes);
  const numbers = new Uint16Array(table.buffer, 0, planesEnd / blockPoints);
  for (const [index, block] of blocks.entries()) {
    numbers[block] = index + 1;
    for (let k = 0; k < blockPoints; k += 1) write(table, index, k, characterOf(block * blockPoints + k));
  }
  for (const { point, folded } of changes) {
    const index = (numbers[Math.floor(point / blockPoints)] ?? 1) - 1;
    if (!write(table, index, point % blockPoints, folded)) return null;
  }
  return table;
}

/** Surrogates stand in no stored text, and alone they have no UTF-8. */
const characterOf = (point: number) => (point >= 0xd800 && point < 0xe000 ? '' : String.fromCodePoint(point));

function write(table: Uint8Array, block: number, place: number, text: string): boolean {
  const bytes = Buffer.from(text);
  if (bytes.length > 7) return false;
  const at = indexBytes + block * blockBytes + place * 8;
  table.fill(0, at, at + 8);
  table.set(bytes, at);
  table[at + 7] = bytes.length;
  return true;
}
