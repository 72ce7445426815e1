/** What the intake takes, with both witnesses of every execution, on top of a long history; durable as it always is. */
import { prepareLog } from '../log/prepared-log.mjs';
import { median, quantile } from '../statistics.mjs';
import { makeCells } from './cells.mjs';
import { measureFreshness } from './freshness.mjs';
import { runPaced } from './paced.mjs';
import { measurePeers } from './peers.mjs';
import { openIntake } from './sensors.mjs';
import { reportThroughput, runAtFullRate, withProfile } from './throughput.mjs';

const batches = [1, 10, 100, 1_000];
const goalPerSecond = 25_000;
const goals = { pacedMs: 50, freshMs: 100 };

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const log = await prepareLog(context);
  const { step, quick, report, rows } = context;
  const budgetMs = quick ? 500 : 10_000;
  const intake = await openIntake(context, log);
  const cells = makeCells(quick ? 20_000 : 200_000);
  const sql = log.connect(1);
  const before = await countRows(sql, log);
  let delivered = 0;
  let peers;
  await step('Ingest of the peers', async () => {
    peers = await measurePeers(log, { budgetMs, cells });
  });
  // The first deliveries meet cold compilers and caches.
  delivered += (await runAtFullRate(intake, log.sensors.slice(0, 2), { batch: 20, budgetMs: budgetMs / 2, cells }))
    .executions;
  for (const [suffix, people] of [
    ['', log.sensors.slice(0, 1)],
    ['-many', log.sensors],
  ])
    for (const batch of batches)
      await step(`Ingest by ${batch}, ${people.length} people at once`, async () => {
        const work = () => runAtFullRate(intake, people, { batch, budgetMs, cells });
        const { result: measured, used } = await withProfile(log, sql, work);
        delivered += measured.executions;
        const name = `ingest-${batch}${suffix}`;
        const goal = suffix === '-many' && batch >= 100 ? { goal: goalPerSecond } : {};
        reportThroughput(report, { name, rows, measured, peers: { ...peers, ...goal } });
        reportCost(report, { name, rows, used, executions: measured.executions });
      });
  await step('Ingest of 1,000 executions a second', async () => {
    const measured = await runPaced(intake, log.sensors, { seconds: quick ? 2 : 20, cells });
    delivered += measured.executions;
    const row = { user: 'all', logRows: rows, unit: 'ms', peerName: 'goal' };
    report.add('ingest-paced-acknowledged-median', { ...row, ours: median(measured.times), peer: goals.pacedMs });
    report.add('ingest-paced-acknowledged-p99', { ...row, ours: quantile(measured.times, 0.99), peer: goals.pacedMs });
    report.add('ingest-paced-acknowledged-max', { ...row, ours: Math.max(...measured.times), peer: 250 });
  });
  await step('Comparing what was acknowledged with what is in the log', async () => {
    const now = await countRows(sql, log);
    const found = {
      rows: now.rows - before.rows,
      counted: now.counted - before.counted,
      both: now.both,
      findings: now.findings,
    };
    if (found.rows !== delivered || found.counted !== delivered || found.both !== now.rows || found.findings > 0)
      throw new Error(
        `${delivered} executions were acknowledged to both witnesses; in the log are ${JSON.stringify(found)}`,
      );
  });
  await step('A lone execution, from its end to the API', async (say) => {
    const times = await measureFreshness(context, log, { rounds: quick ? 3 : 40, say });
    const row = { user: 'light', logRows: rows, unit: 'ms', peerName: 'goal', peer: goals.freshMs };
    report.add('ingest-fresh-median', { ...row, ours: median(times) });
    report.add('ingest-fresh-p99', { ...row, ours: quantile(times, 0.99) });
  });
}

/** Of those who deliver: rows of the log, the same as the rollups count them, rows with both witnesses, findings. */
async function countRows(sql, { sensors }) {
  const ids = sensors.map(({ userId }) => Number(userId));
  const [row] = await sql`
    select count(*)::int as rows, count(*) filter (where evidence = 'both')::int as both,
      (select coalesce(sum(executions), 0)::int from user_day where user_id = any(${ids}::bigint[])) as counted,
      (select count(*)::int from finding where user_id = any(${ids}::bigint[])) as findings
    from execution where user_id = any(${ids}::bigint[])`;
  return row;
}

function reportCost(report, { name, rows, used, executions }) {
  const row = { user: 'all', logRows: rows };
  for (const process of ['portal', 'gateway', 'postgres'])
    report.add(`${name}-cost-${process}`, { ...row, ours: (used[process] / executions) * 1_000, unit: 'µs' });
  report.add(`${name}-cost-wal`, { ...row, ours: used.wal / executions, unit: 'B' });
}
