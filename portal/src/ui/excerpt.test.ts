import { describe, expect, it } from 'vitest';
import { excerptOf } from './excerpt';

const code = Array.from({ length: 20 }, (_, line) => `line ${line}`).join('\n');

describe('an excerpt', () => {
  it('is the beginning, and says what is left out', () => {
    expect(excerptOf(code, 6)).toEqual({ from: 0, count: 6, before: 0, after: 14 });
    expect(excerptOf('one line', 6)).toEqual({ from: 0, count: 6, before: 0, after: 0 });
  });

  it('goes to what was searched for when that stands further down', () => {
    expect(excerptOf(code, 6, 'LINE 12')).toEqual({ from: 11, count: 6, before: 11, after: 3 });
    expect(excerptOf(code, 6, 'line 19')).toEqual({ from: 14, count: 6, before: 14, after: 0 });
    expect(excerptOf(code, 6, 'line 3')).toEqual({ from: 0, count: 6, before: 0, after: 14 });
  });
});
