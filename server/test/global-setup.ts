/** One PostgreSQL for the whole run, with a migrated template database; each test file clones it (about 20 ms). */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../src/platform/embedded-postgres.js';
import { migrate } from '../src/platform/migrate.js';

declare module 'vitest' {
  export interface ProvidedContext {
    databaseUrl: string;
  }
}

export const timeZone = 'Asia/Tehran';
export const migrations = join(import.meta.dirname, '..', 'migrations');

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), 'shaparak-test-'));
  chmodSync(directory, 0o711);
  const server = await startEmbeddedPostgres({
    directory: join(directory, 'pg'),
    socketDirectory: join(directory, 'run'),
    uid: null,
    timeZone,
    durability: 'off',
  });
  await migrate({ url: server.url, directUrl: null, role: null }, migrations, timeZone);
  const owner = postgres(ownerUrl(server.url).url, { path: ownerUrl(server.url).path, max: 1 });
  // Above 2^31, so that an id squeezed into an int4 shows at once.
  for (const table of ['users', 'execution', 'snippet'])
    await owner.unsafe(`alter table ${table} alter column id restart with 2147483700`);
  await owner.end();
  project.provide('databaseUrl', server.url);
  return async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
}

function ownerUrl(text: string): { url: string; path: string } {
  const url = new URL(text);
  const path = `${url.searchParams.get('host')}/.s.PGSQL.5432`;
  url.searchParams.delete('host');
  return { url: url.href, path };
}
