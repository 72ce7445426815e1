/** Databases that are not what a first start makes: an external server, and data folders that can't be used. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { externalServer } from './external-postgres.js';
import { closePlace, freePort, makePlace, type Place, processesOf, start } from './started-system.js';

const ready = 'Shaparak is ready';
const isRoot = process.getuid?.() === 0;

let place: Place;
beforeEach(async () => {
  place = await makePlace(null);
});
afterEach(() => closePlace(place));

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
