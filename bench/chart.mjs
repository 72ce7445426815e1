/** A picture of the comparison with the specified table, made of the rows of bench/results.json: one bar for each read. */

const peers = ['seed-plain', 'seed-plain-persistent'];
/** Suffixes of what the table tells and the picture leaves out. */
const details = /-(p99|request|request-p99|\d+-clients.*|growth|acknowledged-.*|cost-.*)$/;
const size = { width: 760, label: 210, bar: 18, gap: 6, top: 46, right: 70 };
const decades = { from: -2, to: 5 };

/** @param {import('./report.mjs').Row[]} rows @returns {string} SVG, readable on light and dark pages */
export function chart(rows) {
  const most = Math.max(...rows.filter(isShown).map((row) => row.rows));
  const shown = rows.filter((row) => isShown(row) && row.rows === most);
  const height = size.top + shown.length * (size.bar + size.gap) + 30;
  const bottom = height - 24;
  const grid = range(decades.from, decades.to).map((decade) => {
    const x = place(10 ** decade);
    const weight = decade === 0 ? 1.5 : 0.4;
    return `<line x1="${x}" x2="${x}" y1="${size.top - 6}" y2="${bottom}" stroke="#888" stroke-width="${weight}"/>
<text x="${x}" y="${height - 8}" text-anchor="middle">${(10 ** decade).toLocaleString('en')}×</text>`;
  });
  const bars = shown.map((row, index) => bar(row, size.top + index * (size.bar + size.gap)));
  const title = `Times faster than the specified table, ${most.toLocaleString('en')} executions`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" font-family="sans-serif" font-size="12" fill="#888" role="img" aria-label="${title}">
<text x="0" y="16" font-size="14" font-weight="bold">${title}</text>
<text x="0" y="34">logarithmic; left of 1×, the specified table is ahead</text>
${[...grid, ...bars].join('\n')}
</svg>
`;
}

const isShown = (row) =>
  peers.includes(row.peer_name) &&
  row.ratio !== null &&
  row.rows > 0 &&
  row.user !== 'light' &&
  !details.test(row.case);

function bar({ case: name, ratio, peer_name: peer }, y) {
  const [from, to] = [place(1), place(Math.max(ratio, 10 ** decades.from))].sort((a, b) => a - b);
  const label = peer === 'seed-plain' ? name : `${name} (one connection)`;
  const colour = ratio >= 1 ? '#2a9d8f' : '#c8553d';
  return `<text x="${size.label - 8}" y="${y + 13}" text-anchor="end">${label}</text>
<rect x="${from.toFixed(1)}" y="${y}" width="${Math.max(to - from, 1).toFixed(1)}" height="${size.bar}" fill="${colour}"/>
<text x="${(to + 5).toFixed(1)}" y="${y + 13}">${ratio.toLocaleString('en')}×</text>`;
}

function place(ratio) {
  const share = (Math.log10(ratio) - decades.from) / (decades.to - decades.from);
  return Number((size.label + share * (size.width - size.label - size.right)).toFixed(1));
}

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
