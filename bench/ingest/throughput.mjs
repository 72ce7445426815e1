/** How much the intake takes at full rate, and what it costs there. */
import { readFileSync } from 'node:fs';
import { processorTimeOf, treeOf } from '../processes.mjs';
import { quantile } from '../statistics.mjs';
import { createWitnesses } from './sensors.mjs';

/**
 * Both witnesses of each kernel tell each batch at the same time, and the next one after both acknowledgements: the intake
 * lets the two of one kernel take turns anyway.
 * @returns {Promise<{executions: number, seconds: number, times: number[]}>} `times` of acknowledgements
 */
export async function runAtFullRate(intake, people, { batch, budgetMs, cells }) {
  const times = [];
  let executions = 0;
  const kernels = people.map((person) => createWitnesses(intake, person));
  for (const kernel of kernels) await kernel.begin();
  const begun = performance.now();
  const deliver = async ({ wire, kernel }, index) => {
    const draw = cells(index);
    do {
      const run = draw(batch);
      times.push(...(await Promise.all([wire.tell(run), kernel.tell(run)])));
      executions += batch;
    } while (performance.now() - begun < budgetMs);
  };
  await Promise.all(kernels.map(deliver));
  const seconds = (performance.now() - begun) / 1_000;
  for (const kernel of kernels) await kernel.end();
  return { executions, seconds, times };
}

/**
 * Where the time goes: what each process used of a processor, and how much was written to the log of PostgreSQL.
 * @template T @param {() => Promise<T>} work @returns {Promise<{result: T, used: Record<string, number>}>} milliseconds, bytes
 */
export async function withProfile(log, sql, work) {
  const portal = portalOf(log);
  const server = log.system.databasePid();
  // Backends come and go with the pools.
  const processes = () => ({ portal: [portal], gateway: [process.pid], postgres: treeOf(server) });
  const read = async () => {
    const [{ lsn }] = await sql`select (pg_current_wal_insert_lsn() - '0/0')::float8 as lsn`;
    const used = Object.entries(processes()).map(([name, pids]) => [
      name,
      sum(pids.map((pid) => timeOf(pid, pid === server))) * 1_000,
    ]);
    return { ...Object.fromEntries(used), wal: Number(lsn) };
  };
  const before = await read();
  const result = await work();
  const after = await read();
  return { result, used: Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - before[key]])) };
}

const sum = (values) => values.reduce((all, one) => all + one, 0);

function timeOf(pid, withEnded) {
  try {
    return processorTimeOf(pid, withEnded);
  } catch {
    return 0; // a backend that has ended
  }
}

function portalOf({ system }) {
  const found = treeOf(system.pid).find((pid) => {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.includes('portal') && words.some((word) => word.endsWith('main.js'));
  });
  if (found === undefined) throw new Error('The portal does not run');
  return found;
}

export function reportThroughput(report, { name, rows, measured, peers }) {
  const { executions, seconds, times } = measured;
  const row = { user: 'all', logRows: rows };
  for (const [peerName, perSecond] of Object.entries(peers))
    report.add(name, {
      ...row,
      ours: executions / seconds,
      peer: perSecond,
      peerName,
      unit: 'executions/s',
      better: 'higher',
    });
  report.add(`${name}-acknowledged-p99`, { ...row, ours: quantile(times, 0.99), unit: 'ms' });
  report.add(`${name}-acknowledged-max`, { ...row, ours: Math.max(...times), peer: 250, peerName: 'goal', unit: 'ms' });
}
