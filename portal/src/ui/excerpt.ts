import { findMatches } from './matches';

/** The lines of a code that are shown when there is no room for all: `count` lines beginning with line `from`. */
export interface Excerpt {
  from: number;
  count: number;
  before: number;
  after: number;
}

/** The beginning; or, when what was searched stands further down, the lines around its first occurrence. */
export function excerptOf(code: string, count: number, match?: string): Excerpt {
  const total = code.split('\n').length;
  const hit = match ? findMatches(code, match)[0] : undefined;
  const hitLine = hit ? code.slice(0, hit[0]).split('\n').length - 1 : 0;
  // one line above the hit, and never empty room below the last line
  const from = hitLine < count ? 0 : Math.max(0, Math.min(hitLine - 1, total - count));
  return { from, count, before: from, after: Math.max(0, total - from - count) };
}
