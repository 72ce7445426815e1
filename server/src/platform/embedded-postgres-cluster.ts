/** The data folder of the embedded PostgreSQL: made once, checked at each start, freed of a server that was killed. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, readFile, readlink, realpath, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Binaries, binaryEnvironment, EmbeddedPostgresError, hasEntries } from './embedded-postgres-binaries.js';
import { errorCode } from './postgres.js';

/** Major version of the package; a data folder of another one can't be opened. */
const postgresMajor = 18;
export const ownerRole = 'shaparak_owner';

/** uid of `nobody`: initdb looks its caller up in the password file, where the uids of our services have no entry. */
const nobody = 65_534;
/** A new cluster takes 60 MB; below this much free space it could not even write its first checkpoints. */
const leastFreeBytes = 200 * 1024 * 1024;

export interface ClusterOwner {
  uid: number;
  gid: number;
}

export interface NewCluster {
  binaries: Binaries;
  directory: string;
  /** null = our own uid */
  owner: ClusterOwner | null;
  password: string;
  /** false only in tests, which throw the folder away */
  sync: boolean;
}

/** Makes the cluster where there is none yet. @throws EmbeddedPostgresError for a folder that can't be used */
export async function ensureCluster(cluster: NewCluster): Promise<{ created: boolean }> {
  if (await hasEntries(cluster.directory)) {
    await checkCluster(cluster.directory);
    return { created: false };
  }
  await refuseFullDisk(dirname(cluster.directory), leastFreeBytes);
  await createCluster(cluster);
  return { created: true };
}

/** @throws EmbeddedPostgresError for a folder of another major version or one that lacks its vital files */
export async function checkCluster(directory: string): Promise<void> {
  const version = await readOrNull(join(directory, 'PG_VERSION'));
  if (version === null) throw broken(directory, 'PG_VERSION');
  if (version.trim() !== String(postgresMajor))
    throw new EmbeddedPostgresError(
      `The data folder ${directory} belongs to PostgreSQL ${version.trim()}, and this version of Shaparak brings PostgreSQL ${postgresMajor}; start the version that made it, or set SHAPARAK_HOME to another folder. Nothing was changed.`,
    );
  if ((await readOrNull(join(directory, 'global', 'pg_control'))) === null)
    throw broken(directory, 'global/pg_control');
}

function broken(directory: string, missing: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The data folder ${directory} is damaged: ${missing} is missing; restore the folder from a backup, or move it away to begin with an empty log. Nothing was changed.`,
  );
}

async function readOrNull(path: string): Promise<string | null> {
  return readFile(path, 'latin1').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  });
}

/** @throws EmbeddedPostgresError where fewer than `bytes` are free */
export async function refuseFullDisk(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= bytes) return;
  throw new EmbeddedPostgresError(
    `The disk of ${directory} is full (${Math.floor((bavail * bsize) / 1024 / 1024)} MB free); free at least ${bytes / 1024 / 1024} MB, or set SHAPARAK_HOME to a folder on another disk, and start again.`,
  );
}

/** Works in `<directory>.new` and renames at the end, so that a start that was killed leaves no half-made data folder. */
async function createCluster({ binaries, directory, owner, password, sync }: NewCluster): Promise<void> {
  const workshop = `${directory}.new`;
  const passwordFile = join(workshop, 'password');
  const maker = owner === null ? null : { uid: nobody, gid: nobody };
  await rm(workshop, { recursive: true, force: true });
  await mkdir(workshop, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (maker !== null) for (const path of [workshop, passwordFile]) await chown(path, maker.uid, maker.gid);
  const options = [
    ['-D', join(workshop, 'data'), '-U', ownerRole, `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C.UTF-8'],
    ['--data-checksums', '--auth-local=scram-sha-256', '--auth-host=reject', '--no-instructions'],
    ['-c', 'shared_buffers=256MB', '-c', 'max_connections=100', '-c', 'timezone=UTC', '-c', 'log_timezone=UTC'],
    sync ? [] : ['--no-sync'],
  ].flat();
  try {
    await run(binaries, [...(await asKnownUser(maker, workshop)), binaries.initdb, ...options], maker, workshop);
    if (owner !== null) await chownTree(join(workshop, 'data'), owner);
    await rm(directory, { recursive: true, force: true });
    await rename(join(workshop, 'data'), directory);
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/**
 * A container that runs under any uid has no entry for it in the password file, without which initdb refuses to work.
 * Bubblewrap can show it a file with one.
 */
async function asKnownUser(maker: ClusterOwner | null, workshop: string): Promise<string[]> {
  if (maker !== null || hasPasswordEntry()) return [];
  const uid = process.getuid?.() ?? 0;
  const bubblewrap = ['/usr/bin/bwrap', '/bin/bwrap'].find((path) => existsSync(path));
  if (bubblewrap === undefined)
    throw new EmbeddedPostgresError(
      `The uid ${uid} has no name, and PostgreSQL wants one to create its data folder; add "shaparak:x:${uid}:${uid}::/:/bin/sh" to /etc/passwd, or run "apt-get install bubblewrap", and start again.`,
    );
  const file = join(workshop, 'passwd');
  await writeFile(file, `shaparak:x:${uid}:${process.getgid?.() ?? uid}::/:/bin/sh\n`);
  return [bubblewrap, '--dev-bind', '/', '/', '--ro-bind', file, '/etc/passwd', '--'];
}

function hasPasswordEntry(): boolean {
  try {
    userInfo();
    return true;
  } catch {
    return false;
  }
}

async function run(binaries: Binaries, argv: string[], as: ClusterOwner | null, directory: string): Promise<void> {
  const [command = binaries.initdb, ...options] = argv;
  const child = spawn(command, options, {
    ...(as === null ? {} : as),
    env: binaryEnvironment(binaries),
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-4000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) => resolve(status ?? signal ?? 'no exit code'));
  });
  if (code === 0) return;
  await refuseFullDisk(dirname(directory), 8 * 1024 * 1024);
  throw new EmbeddedPostgresError(
    `PostgreSQL could not create its data folder beside ${directory} (initdb: ${code}): ${lastLine(output)}`,
  );
}

function lastLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /error|fatal/i.test(line)) ?? lines.at(-1) ?? 'no output';
}

async function chownTree(directory: string, { uid, gid }: ClusterOwner): Promise<void> {
  await chown(directory, uid, gid);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await chownTree(path, { uid, gid });
    else await chown(path, uid, gid);
  }
}

/**
 * After `kill -9` of the supervisor its PostgreSQL may still run, or have left a postmaster.pid whose number now belongs
 * to another process. The caller holds the lock on the data folder, so a server that works in it is a left-over: it is
 * stopped; a pid file without one is removed. PostgreSQL's processes have the data folder as their working directory.
 */
export async function clearStaleServer(directory: string): Promise<void> {
  const file = join(directory, 'postmaster.pid');
  const text = await readOrNull(file);
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    const running = await serversIn(directory);
    const postmaster = running.find((pid) => String(pid) === text?.split('\n')[0]?.trim());
    if (running.length === 0) break;
    // Orphaned backends end by themselves once they notice the death of their postmaster; the signals are for those that hang.
    for (const pid of postmaster === undefined ? running : [postmaster]) signalIfAlive(pid, signal);
    for (let waited = 0; waited < 6000 && (await serversIn(directory)).length > 0; waited += 50) await pause(50);
  }
  await rm(file, { force: true });
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

/**
 * Processes of PostgreSQL that work in this folder; none where the system has no /proc (macOS).
 * By name too: an operator's shell that stands in the folder is left alone.
 */
export async function serversIn(directory: string): Promise<number[]> {
  const wanted = await realpath(directory);
  const pids = await readdir('/proc').catch(() => []);
  const found: number[] = [];
  for (const pid of pids.filter((name) => /^\d+$/.test(name))) {
    if ((await readlink(`/proc/${pid}/cwd`).catch(() => null)) !== wanted) continue;
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'postgres') found.push(Number(pid));
  }
  return found;
}
