/** PostgreSQL: answers, has the right schema and collation, and months made ahead. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../platform/postgres.js';
import { withDatabase } from '../running-database.js';
import { bad, type Facts, type Finding, good, messageOf, note } from './finding.js';

export async function checkDatabase({ state, installation }: Facts): Promise<Finding[]> {
  const migrations = readdirSync(join(installation.runtime, 'server', 'migrations')).filter((name) =>
    /^\d{4}_.+\.sql$/.test(name),
  );
  try {
    return await withDatabase(state, 'owner', async (database) => [
      await checkServer(database),
      await checkSchema(database, migrations.sort()),
      await checkMonths(database, state.config.timeZone),
      await checkWire(database, join(state.folders.logs, 'gateway.log')),
      await checkFindings(database),
    ]);
  } catch (error) {
    const remedy = state.database.embedded
      ? `npm start (see ${join(state.folders.logs, 'postgres.log')})`
      : 'check DATABASE_URL and the server behind it';
    return [bad('PostgreSQL', messageOf(error), remedy)];
  }
}

async function checkServer(database: Database): Promise<Finding> {
  const [row] = await database<{ version: string; ctype: string; zone: string }[]>`
    select current_setting('server_version') as version, datctype as ctype, (select time_zone from deployment) as zone
    from pg_database where datname = current_database()`;
  if (row === undefined) return bad('PostgreSQL', 'gave no description of itself', 'npm start');
  // With ctype C, Persian letters are no letters: searches would silently find less.
  if (['C', 'POSIX'].includes(row.ctype))
    return bad(
      'PostgreSQL',
      `character type ${row.ctype} breaks Persian text`,
      `create the database with lc_ctype 'C.UTF-8'`,
    );
  return good('PostgreSQL', `${row.version}, character type ${row.ctype}, days of ${row.zone}`);
}

async function checkSchema(database: Database, known: string[]): Promise<Finding> {
  const applied = (await database<{ name: string }[]>`select name from migration order by name`).map((row) => row.name);
  const missing = known.filter((name) => !applied.includes(name));
  const newer = applied.filter((name) => !known.includes(name));
  if (missing.length > 0) return bad('schema', `lacks ${missing.join(', ')}`, 'npx shaparak migrate');
  if (newer.length > 0)
    return bad('schema', `is newer than this version (${newer.join(', ')})`, 'git pull && npm start');
  return good('schema', known.at(-1) ?? 'empty');
}

/** Rows of a month without a partition go to the default one, where they are right but slow. */
async function checkMonths(database: Database, zone: string): Promise<Finding> {
  const months = await database<{ name: string; there: boolean }[]>`
    select name, to_regclass(name) is not null as there
    from (select to_char(date_trunc('month', now() at time zone ${zone}) + n * interval '1 month', '"execution_"YYYY_MM') as name
          from generate_series(0, 1) n) as wanted`;
  const missing = months.filter((month) => !month.there).map((month) => month.name);
  if (missing.length === 0)
    return good('months of the log', `made ahead until ${months.at(-1)?.name.slice('execution_'.length)}`);
  return bad(
    'months of the log',
    `${missing.join(', ')} not made ahead`,
    'restart with npm start; the portal makes them',
  );
}

/** The gateway tells every second how far it has delivered what it saw. */
async function checkWire(database: Database, log: string): Promise<Finding> {
  const [row] = await database<{ silentFor: number; behindBy: number }[]>`
    select extract(epoch from now() - max(told_at))::float8 as "silentFor",
      extract(epoch from now() - min(caught_up_to) filter (where told_at > now() - interval '30 seconds'))::float8 as "behindBy"
    from wire_progress having count(*) > 0`;
  const check = 'sensor of the gateway';
  const remedy = `look at the last lines of ${log}; its records wait in its spool and are not lost`;
  if (row === undefined) return bad(check, 'has not delivered anything yet', remedy);
  if (row.silentFor > 30) return bad(check, `has delivered nothing for ${Math.round(row.silentFor)} s`, remedy);
  if (row.behindBy > 30) return bad(check, `is ${Math.round(row.behindBy)} s behind with its records`, remedy);
  return good(check, 'has delivered everything that it saw');
}

async function checkFindings(database: Database): Promise<Finding> {
  const [row] = await database<{ count: number }[]>`
    select count(*)::int as count from finding where found_at > now() - interval '1 day'`;
  const count = row?.count ?? 0;
  if (count === 0) return good('findings', 'none in the last 24 hours');
  return note(
    'findings',
    `${count} in the last 24 hours`,
    'read them in the portal: «پوشش ثبت» (/portal/admin/coverage)',
  );
}
