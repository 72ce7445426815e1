/** A database of its own for one test file: `const database = await openTestDatabase()` and `await database.drop()`. */
import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { connectDirect, type Database, type DatabaseSettings } from '../src/platform/postgres.js';

export interface TestDatabase {
  /** with the application's rights, as the product connects */
  sql: Database;
  /** with the owner's rights, for looking behind the scenes */
  owner: Database;
  settings: DatabaseSettings;
  drop(): Promise<void>;
}

export async function openTestDatabase(): Promise<TestDatabase> {
  const template = new URL(inject('databaseUrl'));
  const templateName = template.pathname.slice(1);
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = connectDirect(
    { url: withDatabase(template, 'postgres'), directUrl: null, role: null },
    { max: 1, applicationName: 'test admin' },
  );
  await admin.unsafe(`create database ${name} template ${templateName} strategy file_copy`);
  const settings: DatabaseSettings = { url: withDatabase(template, name), directUrl: null, role: 'shaparak_app' };
  const sql = connectDirect(settings, { max: 4, applicationName: 'test', timeZone: 'Asia/Tehran' });
  const owner = connectDirect({ ...settings, role: null }, { max: 2, applicationName: 'test owner' });
  return {
    sql,
    owner,
    settings,
    async drop() {
      await Promise.all([sql.end({ timeout: 2 }), owner.end({ timeout: 2 })]);
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end({ timeout: 2 });
    },
  };
}

function withDatabase(url: URL, name: string): string {
  const copy = new URL(url);
  copy.pathname = `/${name}`;
  return copy.href;
}
