/**
 * What capture costs the person who runs a cell, with and without a database, and what one gateway process carries.
 * All systems run at the same time on one machine and are asked in turns by one client.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openKernel } from '../kernel-client.mjs';
import { until } from '../processes.mjs';
import { enterLab, makeFolder, product, startSystem } from '../system.mjs';
import { measureFlood, measureHop, measureSockets, startGatewayOfItsOwn } from './gateway.mjs';
import { measureOutages } from './outage.mjs';
import { reportRoundTrips, takeTurns } from './round-trips.mjs';
import { installDriver, startSeedDatabase, startStockServer } from './stock.mjs';

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const { step, quick, report } = context;
  const folder = makeFolder(context);
  const format = await product(context.installation, 'wire/message.js');
  let system;
  let person;
  let database;
  let contestants;

  await step('Starting the system and its peers', async (say) => {
    say('(system)');
    system = await startSystem(context, folder);
    person = await enterLab(system);
    say('(database of the peers)');
    database = await startSeedDatabase(context, folder);
    const driver = await installDriver(context);
    say('(stock server)');
    mkdirSync(join(folder, 'stock'));
    const stock = await startStockServer(context, { folder: join(folder, 'stock'), driver, databaseUrl: database.url });
    say('(kernels)');
    contestants = {
      stock: await openKernel(format, await stock.startKernel('bench-stock')),
      seedNew: await openKernel(format, await stock.startKernel('bench-seed-new')),
      seedPersistent: await openKernel(format, await stock.startKernel('bench-seed-persistent')),
      ours: await openKernel(format, person.throughGateway(await person.startKernel())),
      straight: await openKernel(format, await person.straight(await person.startKernel())),
    };
    for (const kernel of Object.values(contestants)) {
      context.onClose(kernel.close);
      await kernel.greet();
    }
  });

  const rounds = quick ? { warmUp: 20, measured: 100 } : { warmUp: 200, measured: 1_000 };
  await step(`1 + 1, one cell after the other: ${rounds.measured} round trips each`, async (say) => {
    const times = await takeTurns(contestants, { ...rounds, blockOf: 20, pauseMs: 0, say });
    reportRoundTrips(report, 'capture-1+1', times);
  });
  const calm = quick ? { warmUp: 10, measured: 40 } : { warmUp: 20, measured: 300 };
  await step(`1 + 1, with a pause of 50 ms between cells: ${calm.measured} round trips each`, async (say) => {
    const times = await takeTurns(contestants, { ...calm, blockOf: 10, pauseMs: 50, say });
    reportRoundTrips(report, 'capture-1+1-paced', times);
  });
  await step('1 + 1 while the database is locked, then while it stands still', (say) =>
    measureOutages(context, { contestants, system, database, say }),
  );
  await step('Comparing what ran with what was written down', () =>
    countRecords(context, { contestants, system, database }),
  );
  for (const kernel of Object.values(contestants)) kernel.close();

  let gateway;
  await step('Starting a gateway before a double of a server', async () => {
    gateway = await startGatewayOfItsOwn(context, { system, person, folder });
  });
  await step('Messages and cells that take a kernel no time', (say) => measureHop(context, { gateway, format, say }));
  await step('A flood of 1 kB messages', (say) => measureFlood(context, { gateway, format, say }));
  await step('1,000 open kernel sockets', (say) => measureSockets(context, { gateway, format, say }));
}

/** Who has written nothing down was compared with nothing. Ours may take a moment: nobody waited for it. */
async function countRecords({ report, installation, onClose }, { contestants, system, database }) {
  const { connectDirect } = await product(installation, 'platform/postgres.js');
  const log = connectDirect(system.state.database.query, { max: 1, applicationName: 'bench' });
  onClose(() => log.end({ timeout: 1 }));
  const { ours, straight, seedNew, seedPersistent } = contestants;
  const ran = { ours: ours.runs + straight.runs, peers: seedNew.runs + seedPersistent.runs };
  const rows = { ours: 0, peers: await database.countRows() };
  await until(async () => {
    const [found] = await log`select count(*)::int as n from code_execution_logs`;
    rows.ours = found.n;
    if (found.n < ran.ours) throw new Error(`${found.n} of ${ran.ours} cells are in the log`);
  }, 'the log of what ran').catch(() => {});
  const share = (which) => (rows[which] / ran[which]) * 100;
  report.add('capture-recorded', {
    ours: share('ours'),
    peer: share('peers'),
    peerName: 'seed-plain',
    unit: '%',
    better: 'higher',
  });
}
