import { describe, expect, it } from 'vitest';
import { findMatches } from './matches';

describe('matches', () => {
  it('are found whatever the case, literally and without overlap', () => {
    expect(findMatches('Pandas pandas', 'pandas')).toEqual([
      [0, 6],
      [7, 13],
    ]);
    expect(findMatches('a%b_c\\d', '%B_C\\')).toEqual([[1, 6]]);
    expect(findMatches('aaaa', 'aa')).toEqual([
      [0, 2],
      [2, 4],
    ]);
  });

  it('treat Arabic and Persian letters and digits as the same', () => {
    expect(findMatches('علي ۱۲ كتاب', 'علی')).toEqual([[0, 3]]);
    expect(findMatches('علي ۱۲ كتاب', '12 کتاب')).toEqual([[4, 11]]);
  });

  it('keep their places behind letters that grow in lower case', () => {
    expect(findMatches('İx', 'x')).toEqual([[1, 2]]);
  });
});
