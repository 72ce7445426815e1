import { describe, expect, it } from 'vitest';
import { chart } from '../chart.mjs';
import { createReport, growth, merged } from '../report.mjs';
import { literalPattern } from '../seed_plain/queries.mjs';
import { createComparison, firstDifference, ourInstant, theirInstant } from './equality.mjs';
import { fold } from './naive-search.mjs';
import { sample, sampleInTurns } from './sample.mjs';

describe('a comparison', () => {
  it('says where two answers differ', () => {
    expect(firstDifference({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })).toBe(null);
    expect(firstDifference({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] })).toBe('at .a.1.b ours is 2, theirs is 3');
    expect(firstDifference([1], [])).toBe('at .0 ours is 1, theirs is nothing');
    expect(firstDifference({ a: null }, { a: 0 })).toBe('at .a ours is null, theirs is 0');
  });

  it('ends the run where anything differed, and only then', () => {
    const comparison = createComparison();
    comparison.compare('same', [1], [1]);
    expect(comparison.conclude()).toBe(1);
    comparison.compare('other', [1], [2]);
    expect(() => comparison.conclude()).toThrow('1 of 2 answers differ:\nother: at .0 ours is 1, theirs is 2');
  });

  it('reads both forms of an instant', () => {
    expect(ourInstant('2025-10-30T15:30:45.120+03:30')).toBe('2025-10-30 15:30:45.120');
    expect(theirInstant('2025-10-30 15:30:45.12')).toBe('2025-10-30 15:30:45.120');
    expect(theirInstant('2025-10-30 15:30:45.123456')).toBe('2025-10-30 15:30:45.123');
    expect(theirInstant('2025-10-30 15:30:45')).toBe('2025-10-30 15:30:45.000');
    expect([ourInstant(null), theirInstant(null)]).toEqual([null, null]);
  });
});

it('the naive search takes for equal what people see as equal', () => {
  for (const [one, other] of [
    ['كارمزد', 'کارمزد'],
    ['مي‌شود', 'میشود'],
    ['۱۴۰۴', '1404'],
    ['١٤٠٤', '1404'],
    ['GroupBy', 'groupby'],
  ])
    expect(fold(one)).toBe(fold(other));
});

it('patterns of ILIKE stand for themselves', () => {
  expect(literalPattern('read_csv 100% \\n')).toBe('%read\\_csv 100\\% \\\\n%');
});

describe('samples', () => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

  it('are as many as asked for, or as the budget allows, and never fewer than the least', async () => {
    expect(await sample(async () => {}, { most: 50, least: 1, budgetMs: 1_000 })).toHaveLength(50);
    expect(await sample(pause, { most: 50, least: 3, budgetMs: 0 })).toHaveLength(3);
    expect(await sample(pause, { most: 50, least: 2, budgetMs: 0, clients: 4 })).toHaveLength(8);
  });

  it('are taken in turns', async () => {
    const asked = [];
    const contestant = (name) => async () => void asked.push(name);
    await sampleInTurns({ a: contestant('a'), b: contestant('b') }, { most: 4, least: 2, budgetMs: 1 }, 2);
    const turns = asked.filter((name, index) => name !== asked[index - 1]);
    expect(turns).toEqual(['a', 'b', 'a', 'b']);
  });
});

it('rows of other runs are kept, and of this one replaced', () => {
  const rowsOf = (ours, cases) => {
    const report = createReport();
    for (const name of cases) report.add(name, { ours, unit: 'ms', logRows: 10 });
    return report.rows;
  };
  const rows = merged(rowsOf(1, ['a', 'b']), rowsOf(2, ['b', 'c']));
  expect(rows.map((row) => [row.case, row.ours])).toEqual([
    ['a', 1],
    ['b', 2],
    ['c', 2],
  ]);
});

it('ten times the history is compared with the tenth of it', () => {
  const report = createReport();
  const read = { peer: 5, peerName: 'seed-plain', unit: 'ms', user: 'heavy' };
  report.add('recent', { ...read, ours: 0.2, logRows: 1_000_000 });
  report.add('recent', { ...read, ours: 0.3, logRows: 10_000_000 });
  report.add('search-rare', { ...read, ours: 0.3, logRows: 10_000_000 });
  expect(growth(report.rows)).toMatchObject([{ case: 'recent-growth', rows: 10_000_000, ours: 1.5, ratio: 0.867 }]);
});

it('the chart has a bar for each read of the longest history', () => {
  const report = createReport();
  const read = { peer: 5, peerName: 'seed-plain', unit: 'ms', user: 'heavy' };
  report.add('recent', { ...read, ours: 10, logRows: 1_000_000 });
  for (const name of ['recent', 'recent-p99', 'dashboard']) report.add(name, { ...read, ours: 1, logRows: 10_000_000 });
  const svg = chart(report.rows);
  expect(svg.match(/<rect /g)).toHaveLength(2);
  expect(svg).toContain('10,000,000 executions');
});
