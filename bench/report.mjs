/** Rows of the comparison: ours against a peer, with a ratio that is above 1 where ours is ahead. */

/**
 * @typedef {object} Row
 * @property {string} case
 * @property {'heavy' | 'light' | 'all'} user whose data it is about
 * @property {number} rows in the log before the measurement
 * @property {number} ours
 * @property {number | null} peer null: nothing to compare with
 * @property {string | null} peer_name
 * @property {string} unit
 * @property {number | null} ratio
 */

export function createReport() {
  /** @type {Row[]} */
  const rows = [];
  return {
    rows,
    /**
     * @param {string} name
     * @param {{ours: number, peer?: number | null, peerName?: string, unit: string, better?: 'lower' | 'higher', user?: Row['user'], logRows?: number}} values
     */
    add(name, { ours, peer = null, peerName, unit, better = 'lower', user = 'light', logRows = 0 }) {
      const [ahead, behind] = better === 'lower' ? [peer, ours] : [ours, peer];
      const ratio = peer === null || behind === 0 ? null : ahead / behind;
      rows.push({
        case: name,
        user,
        rows: logRows,
        ours: rounded(ours),
        peer: peer === null ? null : rounded(peer),
        peer_name: peer === null ? null : (peerName ?? null),
        unit,
        ratio: ratio === null || !Number.isFinite(ratio) ? null : rounded(ratio),
      });
    },
  };
}

const rounded = (value) => Number(value.toFixed(Math.abs(value) < 100 ? 3 : 0));

/** Rows of earlier runs stay where this one did not measure the same again. @param {Row[]} earlier @param {Row[]} rows */
export function merged(earlier, rows) {
  const key = (row) => JSON.stringify([row.case, row.user, row.rows, row.peer_name]);
  const measured = new Map(rows.map((row) => [key(row), row]));
  const known = new Set(earlier.map(key));
  return [...earlier.map((row) => measured.get(key(row)) ?? row), ...rows.filter((row) => !known.has(key(row)))];
}

const goalGrowth = 1.3;
/** Reads whose time should not depend on the length of the history; the depth of a page is a part of it. */
const steady = /^(dashboard|recent|stats-\d+|logs-(first|deep|cursor)|all-users|system-stats)(-p99)?$/;

/** What ten times the history costs, where the rows hold both. @param {Row[]} rows @returns {Row[]} */
export function growth(rows) {
  const measured = rows.filter((row) => steady.test(row.case) && row.peer_name === 'seed-plain');
  return measured.flatMap((long) => {
    const short = measured.find(
      (row) => row.case === long.case && row.user === long.user && row.rows * 10 === long.rows && row.ours > 0,
    );
    if (!short) return [];
    const times = rounded(long.ours / short.ours);
    const { user, rows: length } = long;
    const goal = { peer: goalGrowth, peer_name: 'goal', unit: '×', ratio: rounded(goalGrowth / times) };
    return [{ case: `${long.case}-growth`, user, rows: length, ours: times, ...goal }];
  });
}

/** @param {Row[]} rows */
export function table(rows) {
  const cells = rows.map((row) => [
    row.case,
    row.user,
    `${row.ours} ${row.unit}`,
    row.peer === null ? '' : `${row.peer} ${row.unit}`,
    row.peer_name ?? '',
    row.ratio === null ? '' : `${row.ratio}×`,
  ]);
  const all = [['case', 'user', 'ours', 'peer', 'peer is', 'ratio (above 1: ours is ahead)'], ...cells];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}
