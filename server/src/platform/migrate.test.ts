import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.js';
import { migrations, timeZone } from '../../test/global-setup.js';
import { MigrationError, migrate } from './migrate.js';

describe('migrate', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.drop());

  it('applies each migration once, however many starters race on an empty database', async () => {
    await database.owner`drop schema public cascade`;
    await database.owner`create schema public`;
    const results = await Promise.all(
      Array.from({ length: 20 }, () => migrate(database.settings, migrations, timeZone)),
    );
    expect(results.filter((result) => result.applied.length > 0)).toHaveLength(1);
    expect((await migrate(database.settings, migrations, timeZone)).applied).toEqual([]);
  });

  it('refuses a changed file, a newer schema and another zone', async () => {
    const copy = mkdtempSync(join(tmpdir(), 'migrations-'));
    cpSync(migrations, copy, { recursive: true });
    writeFileSync(join(copy, '0001_execution_log.sql'), 'select 1');
    await expect(migrate(database.settings, copy, timeZone)).rejects.toThrow(/differs/);
    await expect(migrate(database.settings, migrations, 'UTC')).rejects.toThrow(/Asia\/Tehran/);
    await database.owner`insert into migration values ('9999_future.sql', 'x')`;
    await expect(migrate(database.settings, migrations, timeZone)).rejects.toThrow(MigrationError);
  });
});
