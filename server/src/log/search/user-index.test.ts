/** The engine against a list of texts that is filtered and sorted: random cells, runs, late events and ties, small blocks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDice } from '../../../test/history.js';
import { tableOf } from './folding.js';
import { createScanner } from './scanner.js';
import { createPlainScanner } from './scanner-plain.js';
import { longestNeedle, MemoryFull, TextMemory } from './text-memory.js';
import { UserIndex } from './user-index.js';

const latin = Array.from({ length: 26 }, (_, k) => ({ point: 65 + k, folded: String.fromCharCode(97 + k) }));
const persian = [
  { point: 0x64a, folded: '\u06cc' },
  { point: 0x643, folded: '\u06a9' },
  { point: 0x200c, folded: '' },
  { point: 0x6f4, folded: '4' },
  { point: 0x10400, folded: '\u{10428}' },
];
const folding = tableOf([...latin, ...persian]) ?? new Uint8Array();

/** What the table above says, in one line of JavaScript. */
const naiveFold = (text: string) =>
  text
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replace(/[\u064a\u0643\u200c\u06f4\u{10400}]/gu, (one) => {
      return persian.find(({ point }) => String.fromCodePoint(point) === one)?.folded ?? one;
    });

const scanners = { 'with SIMD': createScanner, plain: createPlainScanner };
const letters = fc.constantFrom(
  ...'aAbB ()_.#\n01eé۴4یيکك\u200c🙂\u{10400}\u{10428}'.split(/(?=[\s\S])/u),
  'df',
  'import ',
  'pd.',
);
/** Over 64 of them close a group of blocks where a block holds one of them. */
const count = 200;
const text = fc.array(letters, { maxLength: 40, size: 'max' }).map((parts) => parts.join(''));
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ run: fc.nat(count - 1), at: fc.oneof(fc.constant(0), fc.nat(40)) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      query: fc.array(letters, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('')),
      cut: fc.option(fc.tuple(fc.nat(count - 1), fc.nat(40), fc.integer({ min: 2, max: 300 })), { freq: 4 }),
      limit: fc.constantFrom(1, 2, 3, 7, 100, Number.POSITIVE_INFINITY),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom('filter' as const, 'reload' as const) },
);

/** Texts with what they folded to and when they ran last, and how they are searched by hand. */
class Naive {
  readonly last = new Map<number, number>();
  readonly folded: string[];

  constructor(texts: string[]) {
    this.folded = texts.map(naiveFold);
  }

  run(id: number, at: number): void {
    this.last.set(id, Math.max(this.last.get(id) ?? 0, at));
  }

  search(query: string, limit: number): { ids: number[]; bound: number | null } {
    const hits = [...this.last].filter(([id]) => this.folded[id]?.includes(query)).sort((a, b) => b[1] - a[1]);
    const bound = hits[limit - 1]?.[1] ?? null;
    return { ids: sorted(hits.filter(([, at]) => at >= (bound ?? 0)).map(([id]) => id)), bound };
  }
}

const sorted = (ids: number[]) => [...ids].sort((a, b) => a - b);

describe.each(Object.entries(scanners))('the engine %s', (_name, create) => {
  it('finds what a filter over all texts finds, in any order of events', () => {
    let hits = 0;
    const check = (texts: string[], first: number, steps: Step[], pageBytes: number) => {
      const memory = new TextMemory({ folding, budgetBytes: 16 * 2 ** 20, createScanner: create, pageBytes });
      const naive = new Naive(texts);
      let index = new UserIndex(memory);
      let clock = 1_000;
      for (let id = 0; id < first; id += 1) {
        index.add(id, Buffer.from(texts[id] ?? ''));
        index.run(id, 100 + (id >> 1));
        naive.run(id, 100 + (id >> 1));
      }
      for (const one of steps) {
        if (one === 'filter') while (index.buildFilter());
        else if (one === 'reload') {
          index.dispose();
          expect(memory.takenBytes).toBe(0);
          index = new UserIndex(memory);
          for (const [id, at] of naive.last) {
            index.add(id, Buffer.from(texts[id] ?? ''));
            index.run(id, at);
          }
        } else if ('run' in one) {
          clock += 3;
          // 0 is now, the others are late, and often equal to an earlier one
          const at = one.at === 0 ? clock : Math.floor((clock - one.at) / 9) * 9;
          index.add(one.run, Buffer.from(texts[one.run] ?? ''));
          index.run(one.run, at);
          naive.run(one.run, at);
        } else hits += compare(index, naive, texts, one);
      }
      index.dispose();
      expect(memory.takenBytes).toBe(0);
    };
    fc.assert(
      fc.property(
        fc.array(text, { minLength: count, maxLength: count, size: 'max' }),
        fc.nat(count),
        fc.array(step, { minLength: 40, maxLength: 160, size: 'max' }),
        fc.constantFrom(32, 128, 16_384),
        check,
      ),
      { endOnFailure: true, numRuns: create === createScanner ? 120 : 30 },
    );
    expect(hits).toBeGreaterThan(100);
  });
});

it('finds every pair of printable characters where it is, and no other', () => {
  const memory = new TextMemory({ folding, budgetBytes: 2 ** 22, pageBytes: 64 });
  const dice = createDice(23);
  const printable = Array.from({ length: 95 }, (_, k) => String.fromCharCode(32 + k));
  const letter = () => printable[dice(dice(3) === 0 ? 95 : 20)] ?? '';
  const texts = Array.from({ length: 400 }, () => Array.from({ length: 1 + dice(60) }, letter).join(''));
  const naive = new Naive(texts);
  const index = new UserIndex(memory);
  for (const [id, code] of texts.entries()) {
    index.add(id, Buffer.from(code));
    index.run(id, id % 150);
    naive.run(id, id % 150);
  }
  while (index.buildFilter());
  for (const first of printable)
    for (const second of printable) {
      const query = naiveFold(first + second);
      const found = index.search(Buffer.from(query), 5);
      expect({ ...found, ids: sorted(found.ids) }, query).toEqual(naive.search(query, 5));
    }
});

describe('the memory', () => {
  it('holds nothing of a text that was given back', () => {
    const memory = new TextMemory({ folding, budgetBytes: 2 ** 21 });
    const index = new UserIndex(memory);
    for (let id = 0; id < 300; id += 1) index.add(id, Buffer.from(`Sesame ${id} ${'x'.repeat(400)}`));
    index.run(1, 1);
    expect(index.search(index.fold('SESAME 1 '), 1).ids).toEqual([1]);
    const all = Buffer.from(memory.bytes.buffer);
    expect(all.includes('sesame')).toBe(true);
    index.dispose();
    memory.clearBench();
    expect(all.includes('esame')).toBe(false);
    expect(() => index.add(1, Buffer.from('late'))).toThrow();
  });

  it('keeps the very text for which another person’s had to go', () => {
    const memory = new TextMemory({ folding, budgetBytes: 2 ** 20 });
    const cell = (id: number) => Buffer.from(`cell ${id} ${'x'.repeat(5_000)}`);
    const old = new UserIndex(memory);
    for (let id = 0; id < 60; id += 1) old.add(id, cell(id));
    memory.makeRoom = () => {
      if (old.isDisposed) return false;
      old.dispose();
      return true;
    };
    const young = new UserIndex(memory);
    for (let id = 0; !old.isDisposed || id < 60; id += 1) {
      young.add(id, cell(id));
      young.run(id, id + 1);
      expect([id, young.search(young.fold(`cell ${id} `), 1).ids]).toEqual([id, [id]]);
    }
  });

  it('takes needles as long as the API takes queries, and none that is longer', () => {
    const memory = new TextMemory({ folding, budgetBytes: 2 ** 21 });
    const index = new UserIndex(memory);
    const long = 'needle '.repeat(12_000);
    index.add(1, Buffer.from(`${long.slice(1)}end`));
    index.run(1, 1);
    const folded = (length: number) => Buffer.from(long.slice(1, length + 1));
    expect(index.search(folded(longestNeedle), 1).ids).toEqual([1]);
    expect(() => index.search(folded(longestNeedle + 1), 1)).toThrow(RangeError);
    expect(() => index.search(folded(1), 1)).toThrow(RangeError);
  });

  it('throws where the budget ends, and what was added before is found', () => {
    const memory = new TextMemory({ folding, budgetBytes: 2 ** 20 });
    const index = new UserIndex(memory);
    let id = 0;
    expect(() => {
      for (; ; id += 1) {
        index.add(id, Buffer.from(`cell ${id};${'x'.repeat(1_000)}`));
        index.run(id, id);
      }
    }).toThrow(MemoryFull);
    expect(memory.heldBytes).toBeLessThanOrEqual(2 ** 20);
    expect(index.search(index.fold(`cell ${id - 1};`), 5).ids).toEqual([id - 1]);
    expect(index.search(index.fold('cell'), Number.POSITIVE_INFINITY).ids).toHaveLength(id);
  });
});

type Step = 'filter' | 'reload' | { run: number; at: number } | Query;

interface Query {
  query: string;
  cut: [number, number, number] | null;
  limit: number;
}

function compare(index: UserIndex, naive: Naive, texts: string[], { query, cut, limit }: Query): number {
  const wanted = cut ? (texts[cut[0]] ?? '').slice(cut[1], cut[1] + cut[2]) : query;
  const folded = naiveFold(wanted.toWellFormed());
  const bytes = index.fold(wanted.toWellFormed());
  expect(Buffer.from(bytes).toString()).toBe(folded);
  if (bytes.length < 2) return 0;
  const found = index.search(bytes, limit);
  expect({ ...found, ids: sorted(found.ids) }, JSON.stringify([wanted, limit])).toEqual(naive.search(folded, limit));
  return found.ids.length;
}
