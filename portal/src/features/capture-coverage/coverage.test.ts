import { describe, expect, it } from 'vitest';
import { periodOf, readCoverageSearch } from './coverage-search';
import { evidenceRows, FINDING_KINDS, floorOf, toneOf } from './findings';

describe('the address of the coverage page', () => {
  it('keeps what is usable', () => {
    const search = { days: 7, filter: 'ali', kind: 'wire-only', user: 'ali.rezaei' };
    expect(readCoverageSearch(search)).toEqual(search);
    expect(readCoverageSearch({ days: '90', user: 123 })).toEqual({ days: 90, user: '123' });
  });

  it('forgives the rest', () => {
    expect(readCoverageSearch({ days: 8, filter: { a: 1 }, kind: 'constructor', user: ['a'] })).toEqual({});
  });

  it('stands for a month without a period', () => {
    expect(readCoverageSearch({ days: 30 })).toEqual({});
    expect(periodOf({})).toBe(30);
    expect(periodOf({ days: 7 })).toBe(7);
  });
});

describe('findings', () => {
  it('are of thirteen kinds, and urgent until they are explained', () => {
    expect(FINDING_KINDS.length).toBe(13);
    expect(toneOf({ kind: 'wire-only', explained: false })).toBe('bad');
    expect(toneOf({ kind: 'sensor-gap', explained: false })).toBe('warn');
    expect(toneOf({ kind: 'wire-only', explained: true })).toBe('good');
  });

  it('show what they rest on as short texts, whatever it is', () => {
    expect(evidenceRows({ wire: 'success', count: 3, late: true, log: null, more: { a: [1] } })).toEqual([
      ['wire', 'success'],
      ['count', '3'],
      ['late', 'true'],
      ['log', 'null'],
      ['more', '{"a":[1]}'],
    ]);
    expect(evidenceRows({ missing: 'x'.repeat(1_000) })[0]?.[1].length).toBe(301);
  });
});

it.each([
  [[], 0],
  [[null, 100], 0],
  [[100, 99.5, null], 99],
  [[99, 100], 95],
  [[60], 50],
  [[0, 100], 0],
])('the axis of %j begins at %d', (shares, floor) => {
  expect(floorOf(shares)).toBe(floor);
});
