import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import { findPackage, prepareBinaries } from './embedded-postgres-binaries.js';
import { checkCluster, clearStaleServer, refuseFullDisk, serversIn } from './embedded-postgres-cluster.js';
import { connect } from './postgres.js';

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'pg-'));
  // The server may run as another uid than the test.
  await chmod(place, 0o711);
});
afterEach(async () => {
  expect(await serversIn(join(place, 'pg')).catch(() => [])).toEqual([]);
  await rm(place, { recursive: true, force: true });
});

const start = () =>
  startEmbeddedPostgres({
    directory: join(place, 'pg'),
    socketDirectory: join(place, 'run'),
    uid: null,
    password: 'of the owner',
    timeZone: 'Asia/Tehran',
    durability: 'off',
  });

async function ask<T>(url: string, work: (database: ReturnType<typeof connect>) => Promise<T>): Promise<T> {
  const database = connect({ url, directUrl: null, role: null }, { max: 1, applicationName: 'test' });
  try {
    return await work(database);
  } finally {
    await database.end({ timeout: 1 });
  }
}

describe('the libraries of the package', () => {
  const fakePackage = async () => {
    const library = join(place, 'package', 'native', 'lib');
    await mkdir(library, { recursive: true });
    await writeFile(join(library, 'libx.so.1.2'), 'a library');
    const links = [{ source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so.1' }];
    await writeFile(join(place, 'package', 'native', 'pg-symlinks.json'), JSON.stringify(links));
    return { directory: join(place, 'package'), library };
  };

  it('are linked without the install script, and again without harm', async () => {
    const { directory, library } = await fakePackage();
    for (let round = 0; round < 2; round += 1)
      expect((await prepareBinaries(directory, join(place, 'links'))).libraryPath).toBeNull();
    expect(await readFile(join(library, 'libx.so.1'), 'utf8')).toBe('a library');
  });

  it('replace a link that leads nowhere', async () => {
    const { directory, library } = await fakePackage();
    await symlink('gone.so', join(library, 'libx.so.1'));
    await prepareBinaries(directory, join(place, 'links'));
    expect(await readFile(join(library, 'libx.so.1'), 'utf8')).toBe('a library');
  });

  it('are linked in a folder of their own where the package cannot be written', async () => {
    const { directory, library } = await fakePackage();
    const readOnly = async (source: string, target: string) => {
      if (target.startsWith(library)) throw Object.assign(new Error('read-only file system'), { code: 'EROFS' });
      await symlink(source, target);
    };
    const prepared = await prepareBinaries(directory, join(place, 'links'), readOnly);
    expect(prepared.libraryPath).toBe(join(place, 'links'));
    expect(await readFile(join(place, 'links', 'libx.so.1'), 'utf8')).toBe('a library');
  });

  it('are missing for an unknown machine with a sentence that says what to do', () => {
    expect(() => findPackage('plan9', 'mips')).toThrow(/DATABASE_URL/);
  });
});

describe('a data folder that cannot be used', () => {
  it('of another major version is refused and left alone', async () => {
    const directory = join(place, 'pg');
    await mkdir(directory);
    await writeFile(join(directory, 'PG_VERSION'), '15\n');
    await expect(start()).rejects.toThrow(/belongs to PostgreSQL 15.*brings PostgreSQL 18/);
    expect(await readdir(directory)).toEqual(['PG_VERSION']);
  });

  it.each([
    ['PG_VERSION', ['base']],
    ['global/pg_control', ['PG_VERSION']],
  ])('without %s is refused as damaged', async (missing, files) => {
    const directory = join(place, 'pg');
    await mkdir(directory);
    for (const file of files) await writeFile(join(directory, file), '18\n');
    await expect(checkCluster(directory)).rejects.toThrow(`${missing} is missing`);
  });

  it('on a full disk is refused with the free space', async () => {
    await expect(refuseFullDisk(place, Number.MAX_SAFE_INTEGER)).rejects.toThrow(/disk of .* is full \(\d+ MB free\)/);
  });

  it('with a socket folder of more than 107 bytes is refused', async () => {
    const long = join(place, 'x'.repeat(100));
    const attempt = startEmbeddedPostgres({ directory: join(place, 'pg'), socketDirectory: long, uid: null });
    await expect(attempt).rejects.toThrow(/too long for a unix socket/);
  });
});

describe('the running server', () => {
  it('keeps Persian text, its zone and its data over a restart, and forgets a pid file of a killed run', async () => {
    const first = await start();
    expect(first.created).toBe(true);
    await ask(first.url, async (database) => {
      const [row] = await database`
        select show_trgm_like.ok, current_setting('timezone') as zone, current_setting('listen_addresses') as tcp,
          (select datctype from pg_database where datname = 'shaparak') as ctype
        from (select 'محاسبه' ~ '^\\w+$' as ok) show_trgm_like`;
      expect(row).toEqual({ ok: true, zone: 'Asia/Tehran', tcp: '', ctype: 'C.UTF-8' });
      await database`create table kept (code text)`;
      await database`insert into kept values ('print(1)')`;
    });
    await first.stop();
    await writeFile(join(place, 'pg', 'postmaster.pid'), `${process.pid}\n${join(place, 'pg')}\n1\n5432\n`);
    const second = await start();
    expect(second.created).toBe(false);
    const rows = await ask(second.url, (database) => database`select code from kept`);
    expect([...rows]).toEqual([{ code: 'print(1)' }]);
    await second.stop();
    await second.stop();
  });

  it('is stopped where an earlier run left it behind, and an operator in its folder is not', async () => {
    const left = await start();
    const operator = spawn('sleep', ['60'], { cwd: join(place, 'pg'), stdio: 'ignore' });
    await clearStaleServer(join(place, 'pg'));
    await left.exited;
    expect(operator.kill('SIGTERM')).toBe(true);
    expect(await once(operator, 'exit')).toEqual([null, 'SIGTERM']);
    const again = await start();
    await again.stop();
  });

  it('refuses a wrong password', async () => {
    const server = await start();
    const wrong = server.url.replace('of%20the%20owner', 'guess');
    await expect(ask(wrong, (database) => database`select 1`)).rejects.toMatchObject({ code: '28P01' });
    await server.stop();
  });
});
