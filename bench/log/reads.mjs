/** Times of the reads: our server's part against the specified statement, the whole request, and 32 clients at once. */
import { seedQueries } from '../seed_plain/queries.mjs';
import { median, quantile } from '../statistics.mjs';
import { readCases } from './cases.mjs';
import { efforts, sample, sampleInTurns } from './sample.mjs';

/** Milliseconds that a person does not notice beside the network. */
const goalRequestMs = 5;
const crowd = 32;
/** Statements that take longer than this by themselves would take minutes from 32 connections on a few cores. */
const slowestInCrowdMs = 100;

export async function measureReads(context, { log, clients, queries, reads }) {
  const { step, quick } = context;
  const effort = quick ? efforts.quick : efforts.full;
  const alone = new Map();
  await step('Reads, one client', async (say) => {
    for (const one of readCases)
      for (const who of one.users) {
        say(`(${one.name}, ${who})`);
        const person = log.people[who];
        const path = one.path(person);
        const times = await sampleInTurns(
          {
            read: () => one.read(reads, person),
            seed: () => one.seed(queries, person),
            request: () => clients[who].get(path),
          },
          effort,
        );
        alone.set(`${one.name} ${who}`, median(times.seed));
        reportAlone(context, { name: one.name, who, rows: log.rows, times });
      }
  });
  await step(`Reads, ${crowd} clients`, async (say) => {
    const pool = log.connect(crowd);
    const crowdQueries = seedQueries(pool);
    for (const one of readCases)
      for (const who of one.users) {
        say(`(${one.name}, ${who})`);
        const person = log.people[who];
        const client = person.client(crowd);
        const path = one.path(person);
        const isCheap = alone.get(`${one.name} ${who}`) < slowestInCrowdMs;
        const together = { ...effort, budgetMs: effort.budgetMs / 2, clients: crowd };
        const ours = await timed(() => client.get(path), together);
        const peer = isCheap ? await timed(() => one.seed(crowdQueries, person), together) : null;
        client.close();
        reportCrowd(context, { name: one.name, who, rows: log.rows, ours, peer });
      }
    await pool.end({ timeout: 1 });
  });
}

async function timed(ask, effort) {
  const begun = performance.now();
  const times = await sample(ask, effort);
  return { times, perSecond: times.length / ((performance.now() - begun) / 1_000) };
}

function reportAlone({ report }, { name, who, rows, times }) {
  const row = { user: who, logRows: rows, unit: 'ms', peerName: 'seed-plain' };
  const p99 = (values) => quantile(values, 0.99);
  report.add(name, { ...row, ours: median(times.read), peer: median(times.seed) });
  report.add(`${name}-p99`, { ...row, ours: p99(times.read), peer: p99(times.seed) });
  report.add(`${name}-request`, { ...row, ours: median(times.request), peer: median(times.seed) });
  report.add(`${name}-request`, { ...row, ours: median(times.request), peer: goalRequestMs, peerName: 'goal' });
  report.add(`${name}-request-p99`, { ...row, ours: p99(times.request), peer: p99(times.seed) });
}

function reportCrowd({ report }, { name, who, rows, ours, peer }) {
  const row = { user: who, logRows: rows, unit: 'ms', peerName: 'seed-plain' };
  const of = (share) => ({
    ours: quantile(ours.times, share),
    peer: peer === null ? null : quantile(peer.times, share),
  });
  report.add(`${name}-${crowd}-clients`, { ...row, ...of(0.5) });
  report.add(`${name}-${crowd}-clients-p99`, { ...row, ...of(0.99) });
  report.add(`${name}-${crowd}-clients-rate`, {
    ...row,
    ours: ours.perSecond,
    peer: peer?.perSecond ?? null,
    unit: 'requests/s',
    better: 'higher',
  });
}
