/**
 * The built-in PostgreSQL: started in the foreground as our child, reachable by its unix socket only.
 * States: (no folder) → created → starting → ready → stopping → stopped; a child that ends in any other way is `exited`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Binaries,
  binaryEnvironment,
  EmbeddedPostgresError,
  findPackage,
  prepareBinaries,
} from './embedded-postgres-binaries.js';
import {
  type ClusterOwner,
  checkCluster,
  clearStaleServer,
  ensureCluster,
  ownerRole,
  refuseFullDisk,
} from './embedded-postgres-cluster.js';
import { connect } from './postgres.js';

export { ownerRole } from './embedded-postgres-cluster.js';

const databaseName = 'shaparak';

export interface EmbeddedPostgresOptions {
  /** data folder; made by the first start. As root its parents must be passable by other uids */
  directory: string;
  /** short private folder of the unix socket */
  socketDirectory: string;
  /** as root: uid and gid of the server; null = our own uid, and as root the one of `nobody` (tests) */
  uid: number | null;
  /** gid that may pass the socket folder besides the server itself; null = nobody else */
  socketGid?: number | null;
  /** of the role shaparak_owner, set when the folder is made; null = a random one (tests with a new folder) */
  password?: string | null;
  timeZone?: string;
  /** `off` is for tests alone: nothing survives a power cut */
  durability?: 'on' | 'off';
  /** lines of the server's log */
  onLog?: (chunk: Buffer) => void;
}

export interface EmbeddedPostgres {
  /** of the owner, database shaparak */
  url: string;
  pid: number;
  created: boolean;
  /** resolves when the server has ended, for whatever reason */
  exited: Promise<void>;
  /** fast shutdown, then immediate where that takes more than 6 s; idempotent */
  stop(): Promise<void>;
}

const readyWithinMs = 60_000;
/** sun_path has 108 bytes with its end mark */
const longestSocketPath = 107;

/** Starts the server, its database with it. @throws EmbeddedPostgresError with one sentence that says what to do */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const owner = chooseOwner(options.uid);
  const password = options.password ?? randomBytes(24).toString('hex');
  const durable = options.durability !== 'off';
  await mkdir(dirname(options.directory), { recursive: true, mode: 0o711 });
  await prepareSocketDirectory(options.socketDirectory, owner, options.socketGid ?? null);
  const binaries = await prepareBinaries(findPackage(), `${options.directory}.libraries`);
  const { created } = await ensureCluster({ binaries, directory: options.directory, owner, password, sync: durable });
  const directory = await realpath(options.directory);
  await checkCluster(directory);
  await clearStaleServer(directory);
  await refuseFullDisk(directory, 32 * 1024 * 1024);
  const server = launch(binaries, { ...options, directory }, owner);
  await server.ready;
  const url = socketUrl(ownerRole, password, options.socketDirectory);
  try {
    await ensureDatabase(options.socketDirectory, password, options.timeZone ?? 'UTC');
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { url, pid: server.pid, created, exited: server.exited, stop: server.stop };
}

/** Address of a login role of the embedded server, in libpq's form for unix sockets. */
export function socketUrl(role: string, password: string, socketDirectory: string, database = databaseName): string {
  return `postgresql://${role}:${encodeURIComponent(password)}@localhost/${database}?host=${encodeURIComponent(socketDirectory)}`;
}

function chooseOwner(uid: number | null): ClusterOwner | null {
  if (process.getuid?.() !== 0) return null;
  const chosen = uid ?? 65_534;
  return { uid: chosen, gid: chosen };
}

async function prepareSocketDirectory(
  directory: string,
  owner: ClusterOwner | null,
  gid: number | null,
): Promise<void> {
  const socket = join(directory, '.s.PGSQL.5432.lock');
  if (Buffer.byteLength(socket) > longestSocketPath)
    throw new EmbeddedPostgresError(
      `The folder ${directory} is too long for a unix socket (at most ${longestSocketPath} bytes); choose a shorter one.`,
    );
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (owner !== null) await chown(directory, owner.uid, gid ?? owner.gid);
  await chmod(directory, gid === null ? 0o700 : 0o710);
}

interface Server {
  pid: number;
  ready: Promise<void>;
  exited: Promise<void>;
  stop(): Promise<void>;
}

function launch(binaries: Binaries, options: EmbeddedPostgresOptions, owner: ClusterOwner | null): Server {
  const [command, ...prefix] = [...lifeline(), binaries.postgres];
  const child = spawn(command ?? binaries.postgres, [...prefix, ...serverOptions(options)], {
    ...(owner ?? {}),
    env: binaryEnvironment(binaries),
    cwd: '/',
    // A session of its own: Ctrl-C reaches the supervisor only, which stops the database last.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let tail = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('utf8')).slice(-2000);
    options.onLog?.(chunk);
  });
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', (error) => {
      tail += error.message;
      resolve();
    });
  });
  const ready = waitUntilReady(child, exited, options.directory, () => tail);
  return { pid: child.pid ?? -1, ready, exited, stop: () => stop(child, exited) };
}

/** Where the kernel can send it, the server gets a fast shutdown when we die, however we die. */
function lifeline(): string[] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  return setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'INT', '--'];
}

function serverOptions({ directory, socketDirectory, durability }: EmbeddedPostgresOptions): string[] {
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${socketDirectory}`,
    // The folder decides who may connect; scram decides as whom.
    'unix_socket_permissions=0777',
    // A failed statement may hold a user's code: the server's log never repeats statements, values or details.
    'log_min_error_statement=panic',
    'log_parameter_max_length_on_error=0',
    'log_error_verbosity=terse',
    // The default of 4 is a turning disk's. With it PostgreSQL takes plans that it could keep for dearer than they are.
    'random_page_cost=1.1',
    ...(durability === 'off' ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'] : []),
  ];
  return ['-D', directory, ...settings.flatMap((setting) => ['-c', setting])];
}

/** The eighth line of postmaster.pid says `ready`; pg_ctl waits for the same. Looked at when the server logs, and each 50 ms. */
async function waitUntilReady(
  child: ChildProcess,
  exited: Promise<void>,
  directory: string,
  tail: () => string,
): Promise<void> {
  const file = join(directory, 'postmaster.pid');
  let over = false;
  const outcome = await new Promise<'ready' | 'exited' | 'late'>((resolve) => {
    const look = async () => {
      const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
      if (lines[0]?.trim() === String(child.pid) && lines[7]?.trim() === 'ready') resolve('ready');
      else if (!over) timer = setTimeout(look, 50);
    };
    let timer = setTimeout(look, 50);
    const deadline = setTimeout(() => resolve('late'), readyWithinMs);
    void exited.then(() => resolve('exited'));
    child.once('close', () => clearTimeout(timer));
    child.once('spawn', () => deadline.unref());
  });
  over = true;
  if (outcome === 'ready') return;
  if (outcome === 'late') await stop(child, exited);
  await refuseFullDisk(directory, 16 * 1024 * 1024);
  throw new EmbeddedPostgresError(
    `PostgreSQL did not start on ${directory}${outcome === 'late' ? ' within a minute' : ''}: ${lastProblem(tail())}`,
  );
}

function lastProblem(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.findLast((line) => /FATAL|PANIC|error/.test(line)) ?? lines.at(-1) ?? 'it wrote no reason';
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGINT', 6000],
    ['SIGQUIT', 2000],
    ['SIGKILL', 2000],
  ] as const) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    child.kill(signal);
    if (await within(exited, waitMs)) return;
  }
  await exited;
}

async function within(event: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const first = await Promise.race([event.then(() => true as const), late]);
  clearTimeout(timer);
  return first;
}

/** template0 and LC_CTYPE C.UTF-8: with ctype C, Persian text loses case and word rules without any error. */
async function ensureDatabase(socketDirectory: string, password: string, timeZone: string): Promise<void> {
  const url = socketUrl(ownerRole, password, socketDirectory, 'postgres');
  const database = connect({ url, directUrl: null, role: null }, { max: 1, applicationName: 'shaparak-start' });
  try {
    const found = await database`select 1 from pg_database where datname = ${databaseName}`;
    if (found.length > 0) return;
    await database.unsafe(
      `create database ${databaseName} template template0 encoding UTF8 locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C.UTF-8'`,
    );
    await database.unsafe(`alter database ${databaseName} set timezone to '${timeZone.replaceAll("'", "''")}'`);
  } finally {
    await database.end({ timeout: 2 });
  }
}
