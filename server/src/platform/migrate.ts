/**
 * Numbered SQL files, forward only. One session-wide advisory lock makes any number of starters take turns; the record of
 * a migration is written in the same transaction as its effect, so a killed starter leaves all of it or nothing.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectDirect, type Database, type DatabaseSettings, errorCode } from './postgres.js';

/** A database that can't be used; `message` is a sentence that says what to do. */
export class MigrationError extends Error {
  override name = 'MigrationError';
}

interface Migration {
  name: string;
  checksum: string;
  sql: string;
}

/** 'shap' in ASCII; any constant will do, as long as nothing else in the database takes it. */
const lockKey = 0x73686170;
const oldestServer = 150_000;

/** Applies what is missing. @throws MigrationError for a database of another zone, a newer schema or a changed file */
export async function migrate(
  settings: DatabaseSettings,
  directory: string,
  timeZone: string,
): Promise<{ applied: string[] }> {
  const database = connectDirect(
    { ...settings, role: null },
    { max: 1, applicationName: 'shaparak migrate', timeZone },
  );
  try {
    await checkServer(database);
    return { applied: await applyMissing(database, readMigrations(directory), timeZone) };
  } catch (error) {
    throw errorCode(error) === '42501' ? lacksRights(error) : error;
  } finally {
    await database.end({ timeout: 5 });
  }
}

function readMigrations(directory: string): Migration[] {
  return readdirSync(directory)
    .filter((name) => /^\d{4}_.+\.sql$/.test(name))
    .sort()
    .map((name) => {
      const sql = readFileSync(join(directory, name), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

async function checkServer(database: Database): Promise<void> {
  const [row] = await database<{ version: number; readable: string; encoding: string; ctype: string }[]>`
    select current_setting('server_version_num')::int as version, current_setting('server_version') as readable,
      pg_encoding_to_char(encoding) as encoding, datctype as ctype
    from pg_database where datname = current_database()`;
  if (!row) throw new MigrationError('The database did not describe itself; check DATABASE_URL.');
  if (row.version < oldestServer)
    throw new MigrationError(`PostgreSQL ${row.readable} is too old; use version 15 or newer.`);
  if (row.encoding !== 'UTF8')
    throw new MigrationError(
      `The database's encoding is ${row.encoding}; create it with: create database shaparak template template0 encoding 'UTF8' lc_ctype 'C.UTF-8' lc_collate 'C'`,
    );
  if (row.ctype === 'C' || row.ctype === 'POSIX')
    throw new MigrationError(
      `The database's LC_CTYPE is ${row.ctype}, under which Persian text has no letters; create it with: create database shaparak template template0 encoding 'UTF8' lc_ctype 'C.UTF-8' lc_collate 'C'`,
    );
}

async function applyMissing(database: Database, migrations: Migration[], timeZone: string): Promise<string[]> {
  const applied: string[] = [];
  await database`select pg_advisory_lock(${lockKey})`;
  try {
    await database`create table if not exists migration (
      name text primary key, checksum text not null, applied_at timestamptz not null default now())`;
    const done = new Map(
      (await database<{ name: string; checksum: string }[]>`select name, checksum from migration`).map((row) => [
        row.name,
        row.checksum,
      ]),
    );
    refuseUnknown(done, migrations);
    for (const migration of migrations) {
      if (done.has(migration.name)) continue;
      await apply(database, migration);
      applied.push(migration.name);
    }
    await settleZone(database, timeZone);
    await database`grant select on migration to shaparak_app, shaparak_reader`;
  } finally {
    await database`select pg_advisory_unlock(${lockKey})`;
  }
  return applied;
}

function refuseUnknown(done: Map<string, string>, migrations: Migration[]): void {
  const known = new Map(migrations.map((migration) => [migration.name, migration.checksum]));
  for (const [name, checksum] of done) {
    if (!known.has(name))
      throw new MigrationError(
        `The data has schema ${name}, which is newer than this program; start the newer version.`,
      );
    if (known.get(name) !== checksum)
      throw new MigrationError(
        `Migration ${name} differs from the one that made this data; restore the file as it was released.`,
      );
  }
}

async function apply(database: Database, migration: Migration): Promise<void> {
  await database.begin(async (transaction) => {
    await transaction.unsafe(migration.sql);
    await transaction`insert into migration ${transaction({ name: migration.name, checksum: migration.checksum })}`;
  });
}

function lacksRights(error: unknown): MigrationError {
  return new MigrationError(
    'The database user may not create roles or tables; let it own the database and run once as a superuser: alter role … createrole',
    { cause: error },
  );
}

/** Days are days of this zone in every rollup and every partition bound, so the zone can't change under them. */
async function settleZone(database: Database, timeZone: string): Promise<void> {
  await database`insert into deployment (time_zone) values (${timeZone}) on conflict do nothing`;
  const [row] = await database<{ time_zone: string }[]>`select time_zone from deployment`;
  if (row && row.time_zone !== timeZone)
    throw new MigrationError(
      `This data was written with SHAPARAK_TIME_ZONE=${row.time_zone}; start with that zone (days of the log can't move to ${timeZone}).`,
    );
}
