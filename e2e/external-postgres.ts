/** A PostgreSQL that is not ours: Debian's, with a password, as an operator would give it to us. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { freePort } from './started-system.js';

export interface ExternalServer {
  url: string;
  stop(): Promise<void>;
  start(): void;
  close(): Promise<void>;
}

const isRoot = process.getuid?.() === 0;
const nobody = { uid: 65_534, gid: 65_534 };
const debian = '/usr/lib/postgresql';

/** Debian's PostgreSQL on a port of its own. @param environment what the server gets besides its own */
export async function externalServer(environment: Record<string, string> = {}): Promise<ExternalServer> {
  const version = existsSync(debian) ? readdirSync(debian).sort().at(-1) : undefined;
  if (version === undefined) throw new Error('The test needs Debian’s PostgreSQL; run "apt-get install postgresql".');
  const bin = join(debian, version, 'bin');
  const directory = mkdtempSync(join(tmpdir(), 'external-'));
  const password = join(directory, 'password');
  writeFileSync(password, 'of the operator');
  chmodSync(directory, 0o711);
  mkdirSync(join(directory, 'data'), { mode: 0o700 });
  if (isRoot)
    for (const path of [directory, join(directory, 'data'), password]) chownSync(path, nobody.uid, nobody.gid);
  const as = { ...(isRoot ? nobody : {}), cwd: '/' };
  const options = [
    '-D',
    join(directory, 'data'),
    '-U',
    'operator',
    `--pwfile=${password}`,
    '--auth=scram-sha-256',
    '--locale=C.UTF-8',
    '-E',
    'UTF8',
    '-N',
  ];
  execFileSync(join(bin, 'initdb'), options, { ...as, stdio: 'pipe' });
  const port = await freePort();
  let ended: Promise<unknown> = Promise.resolve();
  let server: ChildProcess | null = null;
  const startServer = () => {
    const begun = spawn(
      join(bin, 'postgres'),
      ['-D', join(directory, 'data'), '-k', directory, '-p', String(port), '-h', '127.0.0.1', '-F'],
      { ...as, stdio: 'ignore', env: { ...process.env, ...environment } },
    );
    server = begun;
    ended = new Promise((resolve) => begun.once('exit', resolve));
  };
  startServer();
  const url = `postgresql://operator:of%20the%20operator@127.0.0.1:${port}/shaparak`;
  const psql = (sql: string) =>
    execFileSync(join(bin, 'psql'), [url.replace(/shaparak$/, 'postgres'), '-c', sql], { stdio: 'pipe' });
  await vi.waitFor(() => psql('create database shaparak'), { timeout: 20_000, interval: 200 });
  const stop = async () => {
    server?.kill('SIGINT');
    await ended;
  };
  return {
    url,
    stop,
    start: startServer,
    close: async () => {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
