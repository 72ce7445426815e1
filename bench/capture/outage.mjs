/** The slowest round trip while a database is locked by somebody, and while its processes stand still. */
import { setTimeout as pause } from 'node:timers/promises';
import { signalAll, treeOf } from '../processes.mjs';
import { product } from '../system.mjs';

const outageMs = 3_000;
const marginMs = 300;
const lockNotAvailable = '55P03';

export async function measureOutages(context, { contestants, system, database, say }) {
  const { connectDirect } = await product(context.installation, 'platform/postgres.js');
  const open = (settings) => {
    const connection = connectDirect(settings, { max: 1, applicationName: 'bench' });
    context.onClose(() => connection.end({ timeout: 1 }));
    return connection;
  };
  const ours = open(system.state.database.owner);
  const theirs = open({ url: database.url, directUrl: null, role: null });

  const outages = [
    ['capture-db-locked-max', () => holdTables(theirs), () => holdTables(ours)],
    ['capture-db-away-max', () => holdProcesses(database.pid), () => holdProcesses(system.databasePid())],
  ];
  for (const [name, holdTheirs, holdOurs] of outages) {
    say(`(${name}: peers)`);
    const stock = await slowest(contestants.stock, () => pause(outageMs));
    const persistent = await slowest(contestants.seedPersistent, holdTheirs);
    say(`(${name}: ours)`);
    const own = await slowest(contestants.ours, holdOurs);
    const add = (peer, peerName) => context.report.add(name, { ours: own, peer, peerName, unit: 'ms' });
    add(persistent, 'seed-plain-persistent');
    add(stock, 'stock-jupyter');
    await pause(1_000);
  }
}

/** Runs cells one after the other from shortly before until shortly after something. @returns {Promise<number>} ms */
async function slowest(kernel, outage) {
  let isOver = false;
  const over = pause(marginMs)
    .then(outage)
    .then(() => pause(marginMs))
    .finally(() => {
      isOver = true;
    });
  const work = async () => {
    let most = 0;
    while (!isOver) most = Math.max(most, (await kernel.run('1 + 1')).reply);
    return most;
  };
  const [most] = await Promise.all([work(), over]);
  return most;
}

/**
 * Takes every table of the database for itself, at a moment when nobody holds one: who waits for one lock with another in
 * its hands would make a deadlock with those who write.
 */
async function holdTables(connection) {
  const tables = await connection`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema') order by 1`;
  const names = tables.map(({ name }) => name).join(', ');
  const take = () =>
    connection.begin(async (transaction) => {
      await transaction.unsafe(`lock table ${names} in access exclusive mode nowait`);
      await pause(outageMs);
    });
  for (const deadline = performance.now() + 10_000; ; await pause(3)) {
    try {
      await take();
      return;
    } catch (error) {
      if (error.code !== lockNotAvailable || performance.now() > deadline) throw error;
    }
  }
}

/** As a disk or a network that does not answer: nothing is refused, and nothing comes back. */
async function holdProcesses(pid) {
  const all = treeOf(pid);
  try {
    signalAll(all, 'SIGSTOP');
    await pause(outageMs);
  } finally {
    signalAll(all, 'SIGCONT');
  }
}
