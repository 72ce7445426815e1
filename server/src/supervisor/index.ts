/**
 * `npm start` after the set-up. Order: settings, lock, ports, folders, database, schema, first users, services; on Ctrl-C
 * the same backwards. Whatever was opened is on one stack, so a start that fails half-way closes exactly what it opened.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../config.js';
import { announcement, firstUsersBox } from './announce.js';
import { type Child, keepRunning } from './child.js';
import { lockData } from './data-lock.js';
import { type InstalledDatabase, openDatabase, prepareSchema } from './database.js';
import { makeFirstUsers } from './first-users.js';
import { makeFolders } from './folders.js';
import { findInstallation, readInstallation } from './installation.js';
import { detectIsolation, thisMachine } from './isolation/isolation.js';
import { loadUids } from './isolation/uids.js';
import { openLogFile } from './log-file.js';
import { checkPorts, holdPort } from './ports.js';
import { loadSecrets } from './secrets.js';
import { describeServices, hubSocket } from './services.js';
import { explain } from './start-error.js';
import { writeState } from './state.js';

export interface SuperviseOptions {
  /** written by the set-up; without it the one of SHAPARAK_HOME or of the checkout */
  installationFile?: string;
  out?: NodeJS.WritableStream;
  error?: NodeJS.WritableStream;
}

/** Ctrl-C before the system was ready. */
class Interrupted extends Error {}

interface Running {
  closers: Array<() => Promise<void>>;
  kill: Array<() => void>;
  /** what the supervisor will end with */
  code: number;
}

/** Runs the whole system until it is asked to stop. @returns the exit code */
export async function supervise(env: NodeJS.ProcessEnv, options: SuperviseOptions = {}): Promise<number> {
  const { out = process.stdout, error = process.stderr } = options;
  const running: Running = { closers: [], kill: [], code: 0 };
  const stop = listenForStop(running, out);
  try {
    await start(env, { ...options, out, error }, running, stop.signal);
    await stop.requested;
  } catch (failure) {
    if (!(failure instanceof Interrupted)) {
      error.write(`${explain(failure)}\n`);
      running.code = 1;
    }
  }
  if (stop.signal.aborted) out.write('Stopping …\n');
  for (const close of running.closers.reverse())
    await close().catch((failure: unknown) => {
      error.write(`${explain(failure)}\n`);
      running.code = 1;
    });
  stop.close();
  if (stop.signal.aborted) out.write('Stopped.\n');
  return running.code;
}

async function start(
  env: NodeJS.ProcessEnv,
  { installationFile, out, error }: Required<Pick<SuperviseOptions, 'out' | 'error'>> & SuperviseOptions,
  running: Running,
  signal: AbortSignal,
): Promise<void> {
  const begun = performance.now();
  const config = readConfig(env);
  const installation = readInstallation(installationFile ?? findInstallation(config.home));
  const { data } = installation;
  const go = () => {
    if (signal.aborted) throw new Interrupted();
  };
  const lock = lockData(data);
  running.closers.push(async () => lock.release());
  await checkPorts(config);
  const uids = process.getuid?.() === 0 ? loadUids(data) : null;
  const secrets = loadSecrets(data);
  const isolation = detectIsolation(thisMachine(), uids === null ? 0 : uids.userBase);
  const folders = makeFolders(data, uids, isolation.kind === 'uid+bubblewrap', env);
  running.closers.push(async () => rmSync(folders.run, { recursive: true, force: true }));
  go();
  out.write('… Starting the database\n');
  const log = openLogFile(join(folders.logs, 'postgres.log'));
  running.closers.push(() => log.close());
  const databaseDeps = { config, folders, secrets, uids, log };
  const database = await openDatabase(databaseDeps);
  watchDatabase(database, running, signal, error);
  go();
  await prepareSchema(database, databaseDeps, installation.runtime);
  writeState({
    config,
    folders,
    isolation: isolation.kind,
    hubSocket: hubSocket(folders),
    database: { embedded: database.server !== null, owner: database.owner, query: database.query },
  });
  // Shown at once: a service that fails to start later must not swallow the only sight of them.
  out.write(firstUsersBox(await makeFirstUsers(database.owner, config)));
  go();
  out.write('… Starting portal, gateway and Hub\n');
  const deps = { config, installation, folders, secrets, uids, isolation, database };
  await startServices({ ...deps, proxyPort: await holdPort('127.0.0.1', 0) }, running, signal, out);
  out.write(announcement({ config, data, isolation, seconds: (performance.now() - begun) / 1000 }));
}

async function startServices(
  deps: Omit<Parameters<typeof describeServices>[0], 'onSensorLine'>,
  running: Running,
  signal: AbortSignal,
  out: NodeJS.WritableStream,
): Promise<void> {
  const children: Child[] = [];
  // The Hub first: its servers send what they still hold while the portal's intake is there. A busy
  // server is given 8 s by the Hub's spawner to end its kernels.
  const patience: Record<string, number> = { hub: 9000, gateway: 2000, portal: 2000 };
  for (const service of describeServices({ ...deps, onSensorLine: (line) => out.write(`${line}\n`) })) {
    const child = keepRunning(service, { report: (line) => signal.aborted || out.write(`${line}\n`) });
    children.push(child);
    running.kill.push(child.kill);
    running.closers.push(async () => {
      await child.stop(patience[service.name] ?? 2000);
      await service.log.close();
    });
  }
  const interrupted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(new Interrupted());
    signal.addEventListener('abort', () => reject(new Interrupted()), { once: true });
  });
  interrupted.catch(() => {});
  await Promise.race([Promise.all(children.map((child) => child.ready)), interrupted]);
}

/** The database is no service that is simply started again: its end while we run means a full disk or worse. */
function watchDatabase(
  { server }: InstalledDatabase,
  running: Running,
  signal: AbortSignal,
  error: NodeJS.WritableStream,
): void {
  if (server === null) return;
  let closing = false;
  running.closers.push(async () => {
    closing = true;
    await server.stop();
  });
  running.kill.push(() => {
    try {
      process.kill(server.pid, 'SIGQUIT');
    } catch {}
  });
  void server.exited.then(() => {
    if (closing || signal.aborted) return;
    error.write(
      'The database ended by itself (see postgres.log in the logs folder); stopping everything. Start again when its reason is mended.\n',
    );
    running.code = 1;
    process.emit('SIGTERM', 'SIGTERM');
  });
}

/** First signal: stop in order. Second one: everything at once. */
function listenForStop(running: Running, out: NodeJS.WritableStream) {
  const controller = new AbortController();
  const requested = new Promise<void>((resolve) => {
    controller.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  let first = 0;
  const onSignal = () => {
    // npm passes a Ctrl-C on to us a second time, a few milliseconds after the terminal did.
    if (controller.signal.aborted && performance.now() - first < 300) return;
    if (controller.signal.aborted) {
      for (const kill of running.kill) kill();
      process.exit(130);
    }
    first = performance.now();
    controller.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, onSignal);
  // The terminal may be gone; the stop must go on.
  const onPipe = () => {};
  out.on('error', onPipe);
  return {
    signal: controller.signal,
    requested,
    close: () => {
      for (const name of signals) process.off(name, onSignal);
      out.off('error', onPipe);
    },
  };
}
