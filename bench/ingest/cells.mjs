/** Cells that people run, one after the other: the same share of new code as in the history. */
import { randomUUID } from 'node:crypto';
import { createHistory } from '../history/executions.mjs';
import { createRandom } from '../history/random.mjs';

/**
 * Made before any clock runs. Everybody draws from the same ones, each from another place on: what is new to one person
 * may be old to another.
 * @returns {(place: number) => (count: number) => import('./sensors.mjs').Cell[]} the next ones, run now
 */
export function makeCells(rows) {
  const day = { start: 0, end: 86_400_000_000, date: '2026-01-05', offset: 0 };
  const executions = createHistory(createRandom(1), { people: 1, rows, days: [day] }).executionsOf(0);
  return (place) => {
    let next = place * 997;
    return (count) => {
      const at = new Date().toISOString();
      return Array.from({ length: count }, () => {
        next += 1;
        return { msgId: randomUUID(), at, execution: executions[next % rows] };
      });
    };
  };
}
