/**
 * A history of executions, day by day in the order in which they ended, as both witnesses saw them.
 *
 * ASSUMED, not observed: a quarter of the executions is new to its author, of these 60 % are edited from an earlier cell;
 * the rest runs something again, mostly something recent. Sizes of indexes and the gain of storing code once hang on it.
 */
import { editedCell, newCell, shortLength } from './cells.mjs';
import { drawMilliseconds, drawOutcome } from './errors.mjs';
import { apportion, zipfShares } from './people.mjs';

const shares = { novel: 0.25, edited: 0.6 };
/** What a person may run again: enough for any recent work, and the same memory for any length of history. */
const remembered = 128;
/** Thursday and Friday are the weekend. */
const weekdayWeights = [1, 1, 1, 1, 0.4, 0.1, 1];
/** Stands in one cell of each person, early in the history: the rare word of a search. */
export const rareWord = 'settlement_gap_audit';

/**
 * @typedef {{start: number, end: number, date: string, offset: number}} Day start and end in microseconds since the epoch;
 *   `offset`: what the wall clock is ahead of UTC then
 * @typedef {{id: number, text: string, isNew: boolean}} Snippet
 * @typedef {ReturnType<ReturnType<typeof createHistory>['executionsOf']>[number]} Execution
 *
 * @param {import('./random.mjs').Random} r
 * @param {{people: number, rows: number, days: Day[]}} size
 */
export function createHistory(r, { people, rows, days }) {
  const counts = zipfShares(people, rows).map((total) => apportion(dayWeights(r, days), total));
  const authors = counts.map((perDay, index) => createAuthor(index, rareAfter(perDay)));
  const numbers = { execution: 0, snippet: 0 };
  return {
    /** @param {number} dayIndex days are asked for in their order */
    executionsOf(dayIndex) {
      const day = days[dayIndex];
      let last = 0;
      for (const author of authors) author.beginDay(r);
      return Array.from(momentsOf(r, day, counts, dayIndex), (packed) => {
        const author = authors[packed % people];
        // No two end in the same microsecond: the order of the log is one order in any schema.
        last = Math.max(day.start + Math.floor(packed / people), last + 1);
        return author.run(r, last, numbers);
      });
    },
  };
}

const dayWeights = (r, days) => days.map(({ date }) => weekdayWeights[new Date(date).getUTCDay()] * (0.5 + r.unit()));

const rareAfter = (perDay) => Math.floor(perDay.reduce((sum, one) => sum + one, 0) / 5);

/** When executions of a day end, each with its author, in one number and in order: 10 million small objects are slow. */
function momentsOf(r, day, counts, dayIndex) {
  const people = counts.length;
  const moments = new Float64Array(counts.reduce((sum, perDay) => sum + perDay[dayIndex], 0));
  let filled = 0;
  for (const [index, perDay] of counts.entries())
    for (let count = 0; count < perDay[dayIndex]; count += 1) {
      // Work is done around noon, and a little of it at any hour.
      const part = r.chance(0.05) ? r.unit() : 0.3 + 0.45 * ((r.unit() + r.unit()) / 2);
      moments[filled] = Math.floor(part * (day.end - day.start)) * people + index;
      filled += 1;
    }
  return moments.sort();
}

/** One person: what is on the screen, and how often the person has run something. */
function createAuthor(index, rareAt) {
  /** @type {Snippet[]} */
  const recent = [];
  const short = new Map();
  let [runs, serial, cellNumber] = [0, 0, 0];
  let place = { kernelId: '', clientSession: '', notebook: '' };

  const remember = (snippet) => {
    if (recent.length < remembered) recent.push(snippet);
    else recent[serial % remembered] = snippet;
    return snippet;
  };
  const keep = (text, numbers) => {
    const known = short.get(text);
    if (known) return known;
    numbers.snippet += 1;
    const snippet = { id: numbers.snippet, text, isNew: true };
    if (text.length < shortLength) short.set(text, snippet);
    return remember(snippet);
  };
  const write = (r, numbers) => {
    serial += 1;
    const edits = recent.length > 0 && r.chance(shares.edited);
    return keep(edits ? editedCell(r, r.pick(recent).text, serial) : newCell(r, serial), numbers);
  };
  const runAgain = (r) => {
    const back = Math.floor(-Math.log(1 - r.unit()) * 12) % recent.length;
    return recent[(serial + recent.length - back) % recent.length];
  };

  return {
    beginDay(r) {
      cellNumber = 0;
      place = { kernelId: r.uuid(), clientSession: r.uuid(), notebook: `analysis-${r.below(40)}.ipynb` };
    },
    /** @param {import('./random.mjs').Random} r @param {number} at when it ended */
    run(r, at, numbers) {
      const isRare = runs === rareAt;
      runs += 1;
      numbers.execution += 1;
      cellNumber += 1;
      const isNovel = recent.length === 0 || r.chance(shares.novel);
      const snippet = isRare
        ? keep(`${rareWord} = report['amount'].sum() - ${index}  # the gap of that day`, numbers)
        : isNovel
          ? write(r, numbers)
          : runAgain(r);
      const { isNew } = snippet;
      snippet.isNew = false;
      return {
        id: numbers.execution,
        author: index,
        userSeq: runs,
        at,
        milliseconds: drawMilliseconds(r),
        ...drawOutcome(r),
        snippet,
        isNew,
        cellNumber,
        ...place,
        msgId: r.uuid(),
        cellId: r.hex(),
      };
    },
  };
}
