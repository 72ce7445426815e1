/** Both sides must give the same answers, or the comparison is worth nothing. */
import { isDeepStrictEqual } from 'node:util';

export const pick = (row, fields) => Object.fromEntries(fields.map((name) => [name, row[name]]));

/** 2025-10-30T15:30:45.123+03:30 → the wall clock of the zone, in milliseconds. */
export const ourInstant = (text) => text?.slice(0, 23).replace('T', ' ') ?? null;

/** 2025-10-30 15:30:45.123456, without the zeros at its end → the same. */
export function theirInstant(text) {
  if (text === null) return null;
  const [seconds, fraction = ''] = text.split('.');
  return `${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}`;
}

export function createComparison() {
  const differences = [];
  let compared = 0;
  return {
    compare(name, ours, theirs) {
      compared += 1;
      const difference = firstDifference(ours, theirs);
      if (difference !== null) differences.push(`${name}: ${difference}`);
    },
    /** @throws where anything differed */
    conclude() {
      if (differences.length > 0)
        throw new Error(`${differences.length} of ${compared} answers differ:\n${differences.join('\n')}`);
      return compared;
    },
  };
}

/** @returns {string | null} where two values differ, in words for a person */
export function firstDifference(ours, theirs, path = '') {
  if (isDeepStrictEqual(ours, theirs)) return null;
  const isBranch = (value) => typeof value === 'object' && value !== null;
  if (isBranch(ours) && isBranch(theirs))
    for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      const difference = firstDifference(ours[key], theirs[key], `${path}.${key}`);
      if (difference !== null) return difference;
    }
  const shown = (value) => (JSON.stringify(value) ?? 'nothing').slice(0, 200);
  return `at ${path || 'the top'} ours is ${shown(ours)}, theirs is ${shown(theirs)}`;
}
