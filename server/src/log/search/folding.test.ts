/** The folding in memory is the one of the database: every code point, alone and in company, by both scanners. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/database.js';
import { readFolding, tableOf } from './folding.js';
import { createScanner } from './scanner.js';
import { createPlainScanner } from './scanner-plain.js';
import { TextMemory } from './text-memory.js';

let database: TestDatabase;
let folding: Uint8Array;
beforeAll(async () => {
  database = await openTestDatabase();
  folding = (await readFolding(database.sql)) ?? new Uint8Array();
});
afterAll(() => database.drop());

const letter = (point: number) => ({ point, folded: String.fromCharCode(point + 32) });
const alphabet = Array.from({ length: 26 }, (_, k) => letter(65 + k));

describe.each([
  ['with SIMD', createScanner],
  ['plain', createPlainScanner],
] as const)('the folding %s', (_name, create) => {
  const inMemory = (texts: string[]) => {
    const memory = new TextMemory({ folding, budgetBytes: 2 ** 22, createScanner: create });
    return texts.map((text) => Buffer.from(memory.fold(Buffer.from(text))).toString());
  };
  const inSql = async (texts: string[]) => {
    const rows = await database.sql<{ folded: string }[]>`
      select shaparak_fold(text) as folded from unnest(${texts}::text[]) with ordinality as t(text, place) order by place`;
    return rows.map(({ folded }) => folded);
  };

  it('equals shaparak_fold for every code point', async () => {
    const size = 0x4000;
    for (let from = 0; from < 0x110000; from += size) {
      const points = Array.from({ length: size }, (_, k) => from + k).filter(
        (point) => point !== 0 && (point < 0xd800 || point > 0xdfff),
      );
      if (points.length === 0) continue;
      // A letter between them, so that what is dropped is seen.
      const text = points.map((point) => `${String.fromCodePoint(point)}x`).join('');
      expect(inMemory([text]), from.toString(16)).toEqual(await inSql([text]));
    }
  });

  it('equals it for whole texts, wherever the pieces of a long one are cut', async () => {
    const unit = fc.oneof(
      fc.constantFrom('Σ', 'σ', 'ς', 'İ', 'ß', 'ǅ', 'ﬁ', 'ي', '\u200c', '٣', '𐐀', 'Ⱥ'),
      fc.string(),
    );
    const texts = fc.sample(fc.array(unit, { maxLength: 30 }), { numRuns: 500, seed: 3 });
    const storable = texts.map((parts) => parts.join('').toWellFormed().replaceAll('\0', ''));
    const long = ['ab', 'Ⱥ', 'يک', '𐐀Z'].flatMap((part) => [part.repeat(20_000), `x${part.repeat(20_000)}`]);
    expect(inMemory([...storable, ...long])).toEqual(await inSql([...storable, ...long]));
  });
});

it('leaves a database to SQL whose letters have no such table', () => {
  expect(tableOf(alphabet)).not.toBeNull();
  expect(tableOf([...alphabet.filter(({ point }) => point !== 73), { point: 73, folded: 'ı' }])).toBeNull();
  expect(tableOf([...alphabet, { point: 0xe9, folded: 'e'.repeat(8) }])).toBeNull();
});
