/** Databases that are not what a first start makes: an external server, and data folders that can't be used. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { closePlace, freePort, makePlace, type Place, processesOf, start } from './started-system.js';

const ready = 'Shaparak is ready';
const isRoot = process.getuid?.() === 0;
const nobody = { uid: 65_534, gid: 65_534 };
const debian = '/usr/lib/postgresql';

let place: Place;
beforeEach(async () => {
  place = await makePlace(null);
});
afterEach(() => closePlace(place));

/** Debian's PostgreSQL on a port of its own, with a password, as an operator would give it to us. */
async function externalServer(): Promise<{ url: string; close(): Promise<void> }> {
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
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', join(directory, 'data'), '-k', directory, '-p', String(port), '-h', '127.0.0.1', '-F'],
    { ...as, stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const url = `postgresql://operator:of%20the%20operator@127.0.0.1:${port}/shaparak`;
  const psql = (sql: string) =>
    execFileSync(join(bin, 'psql'), [url.replace(/shaparak$/, 'postgres'), '-c', sql], { stdio: 'pipe' });
  await vi.waitFor(() => psql('create database shaparak'), { timeout: 20_000, interval: 200 });
  return {
    url,
    close: async () => {
      server.kill('SIGINT');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

describe('an external database', () => {
  it('is used instead of the embedded one, and keeps its data over a restart', async () => {
    const external = await externalServer();
    const settings = { DATABASE_URL: external.url, SHAPARAK_TEST_USER_PASSWORD: 'chosen by the operator' };
    const first = start(place, settings);
    await first.printed(ready);
    expect(first.output()).toMatch(/Database +DATABASE_URL/);
    expect(processesOf(place.home).filter(({ command }) => command.includes('bin/postgres'))).toEqual([]);
    const body = new URLSearchParams({ username: 'test_user', password: 'chosen by the operator' });
    const answer = await fetch(`http://127.0.0.1:${place.ports.portal}/api/login`, { method: 'POST', body });
    expect(answer.status).toBe(200);
    first.process.kill('SIGINT');
    expect(await first.ended).toBe(0);
    const second = start(place, settings);
    await second.printed(ready);
    expect(second.output()).not.toContain('First users');
    second.process.kill('SIGINT');
    expect(await second.ended).toBe(0);
    await external.close();
  });

  it('that does not answer gets one sentence', async () => {
    const port = await freePort();
    const system = start(place, { DATABASE_URL: `postgresql://somebody:secret-word@127.0.0.1:${port}/shaparak` });
    expect(await system.ended).toBe(1);
    expect(system.output()).toMatch(
      /The database of DATABASE_URL cannot be reached \(ECONNREFUSED\); check that it runs/,
    );
    expect(system.output()).not.toContain('secret-word');
  });
});

describe('a data folder', () => {
  const withFiles = (files: Record<string, string>) => {
    const directory = join(place.home, 'data', 'pg');
    mkdirSync(directory, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    return directory;
  };

  it('of another major version of PostgreSQL is refused and left as it is', async () => {
    const directory = withFiles({ PG_VERSION: '17\n' });
    const system = start(place);
    expect(await system.ended).toBe(1);
    expect(system.output()).toMatch(/belongs to PostgreSQL 17, and this version of Shaparak brings PostgreSQL 18/);
    expect(readdirSync(directory)).toEqual(['PG_VERSION']);
    expect(processesOf(place.home)).toEqual([]);
  });

  it('without its vital files is refused as damaged', async () => {
    withFiles({ PG_VERSION: '18\n' });
    const system = start(place);
    expect(await system.ended).toBe(1);
    expect(system.output()).toMatch(/is damaged: global\/pg_control is missing; restore the folder from a backup/);
  });

  it.runIf(isRoot)('on a full disk is refused with the free space', async () => {
    const data = join(place.home, 'data');
    mkdirSync(data);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m,mode=711', 'tmpfs', data]);
    const system = start(place);
    const code = await system.ended;
    execFileSync('umount', [data]);
    expect(system.output()).toMatch(/The disk of .* is full \(\d+ MB free\); free at least 200 MB/);
    expect(code).toBe(1);
  });
});
