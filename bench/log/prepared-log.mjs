/** The system with a long history in it, and the same history in the specified table beside it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadHistory } from '../history/load.mjs';
import { makeFolder, product, startSystem } from '../system.mjs';
import { createClient } from './http-client.mjs';

const people = 1_000;
const days = 400;
const seed = 1_404;
const password = 'bench_history_password';
/** Three pages of the log: with fewer there is nothing to turn over. */
const fewest = 60;
/** People whose kernels deliver while ingest is measured; the history has nothing of them. */
const deliverers = 10;

/**
 * Suites that need it share it: at ten million rows it takes minutes to make.
 * @param {import('../run.mjs').Context} context
 */
export const prepareLog = (context) => context.once('log', () => make(context));

async function make(context) {
  const { step, rows, installation } = context;
  const folder = makeFolder(context);
  let system;
  let users;
  let sensors;
  await step('Starting the system', async () => {
    system = await startSystem(context, folder);
  });
  const { connectDirect } = await product(installation, 'platform/postgres.js');
  const { hashPassword } = await product(installation, 'identity/passwords.js');
  const owner = system.state.database.owner;
  const { timeZone } = system.state.config;
  const connect = (max = 1) => connectDirect(owner, { max, applicationName: 'bench' });
  await step(
    `Making a history of ${rows.toLocaleString('en')} rows, in our schema and in the specified one`,
    async (say) => {
      await setForLoading(connect, true);
      const passwordHash = await hashPassword(password);
      const now = new Date();
      users = await loadHistory({ connect, rows, people, days, seed, timeZone, passwordHash, now, say });
      sensors = await addDeliverers(connect);
      await setForLoading(connect, false);
    },
  );
  await step('Starting the system again', async () => {
    // Sockets of known kernels are opened at the start, and nothing is warm by having been loaded a moment ago.
    await system.stop();
    system = await startSystem(context, folder);
  });
  const [heavy] = users;
  const light = users.findLast(({ executions }) => executions >= fewest);
  const log = {
    system,
    folder,
    rows,
    timeZone,
    sensors,
    people: {
      heavy: { ...heavy, ...(await logIn(context, system, heavy.username, password)) },
      light: { ...light, ...(await logIn(context, system, light.username, password)) },
      all: await logIn(context, system, 'admin', 'bench_admin_password'),
    },
    /** a pool of connections of the owner */
    connect: (max) => closing(context, connect(max)),
    /** one that its user closes */
    connectApart: () => connect(1),
    clientOf: (token) => clientFor(context, system, token)(1),
    /** a pool as the portal has it */
    async connectPortal() {
      const settings = JSON.parse(readFileSync(join(system.installation.data, 'settings', 'portal.json'), 'utf8'));
      return closing(context, connectDirect(settings.database, { max: 10, applicationName: 'bench', timeZone }));
    },
  };
  return log;
}

function closing(context, pool) {
  context.onClose(() => pool.end({ timeout: 1 }));
  return pool;
}

/**
 * The installation's settings are for a log that grows; a load that takes minutes would write checkpoints all the time.
 * The peers' statements get plans for their values, where a plan for any value makes ILIKE over a trigram index 100 times
 * slower, and PostgreSQL's own price of a page, with which their aggregates over everything are four times as fast.
 */
async function setForLoading(connect, isLoading) {
  const owner = connect();
  const settings = { autovacuum: 'off', max_wal_size: `'16GB'` };
  for (const [name, value] of Object.entries(settings))
    await owner.unsafe(isLoading ? `alter system set ${name} = ${value}` : `alter system reset ${name}`);
  await owner`select pg_reload_conf()`;
  if (!isLoading) {
    await owner.unsafe('alter role current_user set plan_cache_mode = force_custom_plan');
    await owner.unsafe('alter role current_user set random_page_cost = 4');
    await owner.unsafe('checkpoint');
  }
  await owner.end({ timeout: 5 });
}

/** The portal opens a socket for whoever has a kernel. @returns {Promise<{userId: number}[]>} */
async function addDeliverers(connect) {
  const owner = connect();
  const rows = await owner`
    with added as (
      insert into users (username, digest_key)
      select 'deliverer-' || n, sha256(('deliverer' || n)::bytea) from generate_series(1, ${deliverers}::int) as n
      returning id)
    insert into sensor (user_id, instance, kind, kernel_id, language, version, started_at, saw_start)
    select id, gen_random_uuid(), 'wire', gen_random_uuid(), 'python', '0.1.0', now(), true from added
    returning user_id as "userId"`;
  await owner.end({ timeout: 5 });
  return [...rows];
}

async function logIn(context, { portalUrl }, username, secret) {
  const answer = await fetch(`${portalUrl}/api/login`, {
    method: 'POST',
    body: new URLSearchParams({ username, password: secret }),
  });
  if (!answer.ok) throw new Error(`${username} could not log in: ${answer.status} ${await answer.text()}`);
  const { access_token: token } = await answer.json();
  return { client: clientFor(context, { portalUrl }, token) };
}

const clientFor =
  (context, { portalUrl }, token) =>
  (connections) => {
    const client = createClient({ url: portalUrl, token, connections });
    context.onClose(client.close);
    return client;
  };
