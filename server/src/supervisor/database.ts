/** The database of this installation: embedded or DATABASE_URL, migrated, with a login for each service. */
import { join } from 'node:path';
import type { Config } from '../config.js';
import { type EmbeddedPostgres, ownerRole, socketUrl, startEmbeddedPostgres } from '../platform/embedded-postgres.js';
import { EmbeddedPostgresError } from '../platform/embedded-postgres-binaries.js';
import { migrate } from '../platform/migrate.js';
import { connectDirect, type DatabaseSettings, errorCode } from '../platform/postgres.js';
import type { Folders } from './folders.js';
import type { Uids } from './isolation/uids.js';
import type { LogFile } from './log-file.js';
import type { Secrets } from './secrets.js';
import { StartError } from './start-error.js';

export interface InstalledDatabase {
  owner: DatabaseSettings;
  portal: DatabaseSettings;
  gateway: DatabaseSettings;
  /** for `shaparak sql`: reads the log's view only */
  query: DatabaseSettings;
  /** null for an external database, which we did not start */
  server: EmbeddedPostgres | null;
}

interface DatabaseDeps {
  config: Config;
  folders: Folders;
  secrets: Secrets;
  uids: Uids | null;
  log: LogFile;
}

/** Starts or reaches the server. @throws StartError, EmbeddedPostgresError */
export async function openDatabase({ config, folders, secrets, uids, log }: DatabaseDeps): Promise<InstalledDatabase> {
  if (config.databaseUrl !== null) return externalDatabase(config);
  const server = await startEmbeddedPostgres({
    directory: folders.postgres,
    socketDirectory: folders.runPostgres,
    uid: uids?.postgres ?? null,
    socketGid: uids?.services ?? null,
    password: secrets.databasePasswords.owner,
    timeZone: config.timeZone,
    onLog: (chunk) => log.write(chunk),
  }).catch((error: unknown) => {
    if (errorCode(error) !== '28P01') throw error;
    throw new StartError(
      `The secrets in ${join(folders.data, 'secrets')} are not those of the data folder ${folders.postgres}; restore both from the same backup.`,
    );
  });
  return { ...embeddedLogins(folders.runPostgres, secrets), server };
}

/** Addresses of the embedded server's logins. */
function embeddedLogins(socketDirectory: string, secrets: Secrets): Omit<InstalledDatabase, 'server'> {
  const { owner, portal, gateway, query } = secrets.databasePasswords;
  const login = (role: string, password: string): DatabaseSettings => ({
    url: socketUrl(role, password, socketDirectory),
    directUrl: null,
    role: null,
  });
  return {
    owner: login(ownerRole, owner),
    portal: login('shaparak_portal', portal),
    gateway: login('shaparak_gateway', gateway),
    query: login('shaparak_query', query),
  };
}

/** With an external database all services log in as its owner and take the application's role at once. */
function externalDatabase({ databaseUrl, databaseDirectUrl }: Config): InstalledDatabase {
  const url = databaseUrl ?? '';
  const as = (role: string | null): DatabaseSettings => ({ url, directUrl: databaseDirectUrl, role });
  return {
    owner: as(null),
    portal: as('shaparak_app'),
    gateway: as('shaparak_app'),
    query: as('shaparak_reader'),
    server: null,
  };
}

/** Brings the schema up to date and makes the services' logins. @returns names of the applied migrations */
export async function prepareSchema(
  database: InstalledDatabase,
  deps: DatabaseDeps,
  runtime: string,
): Promise<string[]> {
  try {
    const { applied } = await migrate(database.owner, join(runtime, 'server', 'migrations'), deps.config.timeZone);
    if (database.server !== null) await makeLogins(database.owner, deps.secrets);
    return applied;
  } catch (error) {
    throw unreachable(error) ?? error;
  }
}

function unreachable(error: unknown): StartError | null {
  const code = errorCode(error);
  if (code === '53100' || code === 'ENOSPC')
    return new StartError('The disk of the database is full; free some space and start again. Nothing was lost.');
  if (code !== null && (/^(ECONN|ENOT|EAI|ETIMEDOUT|CONNECT)/.test(code) || code.startsWith('28') || code === '3D000'))
    return new StartError(
      `The database of DATABASE_URL cannot be reached (${code}); check that it runs and that address, user, password and database name are right.`,
    );
  return null;
}

/** Names are constants and passwords are hex, so nothing here can break out of its quotes. */
async function makeLogins(owner: DatabaseSettings, secrets: Secrets): Promise<void> {
  const logins = [
    ['shaparak_portal', secrets.databasePasswords.portal, 'shaparak_app'],
    ['shaparak_gateway', secrets.databasePasswords.gateway, 'shaparak_app'],
    ['shaparak_query', secrets.databasePasswords.query, 'shaparak_reader'],
  ] as const;
  const database = connectDirect(owner, { max: 1, applicationName: 'shaparak-start' });
  try {
    // The password must not reach a log, also not through a failed statement.
    await database`select set_config('log_statement', 'none', false)`;
    const present = await database<{ rolname: string }[]>`select rolname from pg_roles where rolname like 'shaparak_%'`;
    for (const [login, password, role] of logins) {
      if (!/^[0-9a-f]+$/.test(password))
        throw new EmbeddedPostgresError('A database password of secrets.json is not hexadecimal.');
      const verb = present.some((row) => row.rolname === login) ? 'alter' : 'create';
      await database.unsafe(`${verb} role ${login} login inherit password '${password}'`);
      await database.unsafe(`grant ${role} to ${login}`);
    }
  } finally {
    await database.end({ timeout: 2 });
  }
}
