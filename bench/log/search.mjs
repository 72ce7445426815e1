/** Search, through the API, against ILIKE over the specified table, ILIKE with trigrams, and ripgrep over one file. */
import { rareWord } from '../history/executions.mjs';
import { median, quantile } from '../statistics.mjs';
import { searchAnswer } from './cases.mjs';
import { searchNaively } from './naive-search.mjs';
import { efforts, sample, sampleInTurns } from './sample.mjs';
import { makeRipgrepFile, makeTrigramTable } from './search-peers.mjs';

const limit = 20;
/** `folded`: the two sides differ by design, because ours takes letters and digits of Persian for equal */
const searchCases = [
  { name: 'search-common', query: 'read_csv' },
  { name: 'search-medium', query: 'xgboost' },
  { name: 'search-rare', query: rareWord },
  { name: 'search-absent', query: 'zzqqzzx' },
  { name: 'search-2char', query: 'pd' },
  { name: 'search-2char-absent', query: '~q' },
  { name: 'search-punct', query: 'df[' },
  { name: 'search-escaped', query: '%time' },
  { name: 'search-case', query: 'GroupBy' },
  { name: 'search-persian', query: 'محاسبه' },
  { name: 'search-persian-folded', query: 'كارمزد', folded: true },
  { name: 'search-digits-folded', query: '1404', folded: true },
];

const pathOf = (query) => `/api/activity/search?query=${encodeURIComponent(query)}&limit=${limit}`;

export async function compareSearch({ log, clients, queries, peer, comparison, say }) {
  for (const { name, query, folded = false } of searchCases)
    for (const who of ['heavy', 'light']) {
      say(`(${name}, ${who})`);
      const { username } = log.people[who];
      const ours = searchAnswer.ours(JSON.parse(await clients[who].get(pathOf(query))));
      const rows = folded
        ? await searchNaively(peer, username, query, limit)
        : await queries.search(username, query, limit);
      comparison.compare(`${name}, ${who}`, ours, searchAnswer.theirs(rows));
    }
}

export async function measureSearch(context, { log, clients, queries }) {
  const { step, quick } = context;
  const effort = quick ? efforts.quick : efforts.full;
  let trigrams;
  let ripgrep;
  await step('Making the trigram index and the file of ripgrep', async (say) => {
    trigrams = await makeTrigramTable(log, say);
    ripgrep = await makeRipgrepFile(context, log, say);
  });
  await step('Search', async (say) => {
    for (const { name, query } of searchCases)
      for (const who of ['heavy', 'light']) {
        say(`(${name}, ${who})`);
        const person = log.people[who];
        const contestants = {
          ours: () => clients[who].get(pathOf(query)),
          'seed-plain': () => queries.search(person.username, query, limit),
          pg_trgm: () => trigrams.search(person.username, query, limit),
        };
        const times = await sampleInTurns(contestants, effort);
        // Each start of a process makes the next ones wait: not in turns with the others.
        if (ripgrep && who === 'heavy')
          times.ripgrep = await sample(() => ripgrep.search(query, limit), {
            ...effort,
            budgetMs: effort.budgetMs / 4,
          });
        reportSearch(context, { name, who, rows: log.rows, times });
      }
  });
}

function reportSearch({ report }, { name, who, rows, times }) {
  const { ours, ...peers } = times;
  for (const [peerName, peer] of Object.entries(peers)) {
    const row = { user: who, logRows: rows, unit: 'ms', peerName };
    report.add(name, { ...row, ours: median(ours), peer: median(peer) });
    report.add(`${name}-p99`, { ...row, ours: quantile(ours, 0.99), peer: quantile(peer, 0.99) });
  }
}
