/** Connections to PostgreSQL: one pool a process, plus one direct connection for LISTEN. */
import postgres from 'postgres';

/** `select` values arrive as numbers, dates, strings; bigints as numbers, because ours stay below 2^53. */
export type Database = postgres.Sql<{ bigint: number }>;
export type Transaction = postgres.TransactionSql<{ bigint: number }>;

export interface DatabaseSettings {
  url: string;
  /** for LISTEN, locks and migrations where `url` is a transaction pooler */
  directUrl: string | null;
  /** role taken after login, so that the owner's login still can't change the log; null where `url` logs in as it */
  role: string | null;
}

const int8 = {
  to: 20,
  from: [20],
  serialize: (value: number) => String(value),
  parse: (text: string) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit a JavaScript number`);
    return value;
  },
};

export interface ConnectOptions {
  max?: number;
  applicationName: string;
  timeZone?: string;
}

/**
 * Opens a pool lazily (nothing connects before the first query).
 * A pooler gets no startup role and no named statements: PgBouncer before 1.21 mixes named statements up between clients.
 */
export function connect(settings: DatabaseSettings, options: ConnectOptions): Database {
  const pooled = settings.directUrl !== null;
  return open(settings.url, pooled ? null : settings.role, !pooled, options);
}

/** The direct way to the same database, past any pooler. */
export function connectDirect(settings: DatabaseSettings, options: ConnectOptions): Database {
  return open(settings.directUrl ?? settings.url, settings.role, true, options);
}

function open(url: string, role: string | null, prepare: boolean, options: ConnectOptions): Database {
  const socket = socketHost(url);
  return postgres<{ bigint: postgres.PostgresType<number> }>(socket.url, {
    ...(socket.path === null ? {} : { path: socket.path }),
    max: options.max ?? 10,
    prepare,
    connect_timeout: 10,
    idle_timeout: 60,
    types: { bigint: int8 },
    onnotice: () => {},
    connection: {
      application_name: options.applicationName,
      ...(options.timeZone ? { TimeZone: options.timeZone } : {}),
      ...(role === null ? {} : { role }),
    },
  });
}

/**
 * libpq's form for unix sockets, postgresql://user@/database?host=/dir, which the driver does not read itself: it would
 * send `host` to the server as a setting (42704), so it is taken out of the address.
 */
function socketHost(text: string): { url: string; path: string | null } {
  const url = new URL(text);
  const directory = url.searchParams.get('host');
  if (!directory?.startsWith('/')) return { url: text, path: null };
  const path = `${directory}/.s.PGSQL.${url.searchParams.get('port') ?? '5432'}`;
  url.searchParams.delete('host');
  url.searchParams.delete('port');
  return { url: url.href, path };
}

/** SQLSTATE of a failed statement, errno of a failed connection, or null for anything else. */
export function errorCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

const away = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EACCES',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '25006',
  '53100',
  '58030',
]);

/** True where the statement failed because the database is away, starting, read-only or out of disk: try again later. */
export function isUnavailable(error: unknown): boolean {
  const code = errorCode(error);
  return code !== null && (away.has(code) || code.startsWith('08'));
}

/** True for serialisation failures and deadlocks, where the same transaction may succeed when run again at once. */
export function isRetriable(error: unknown): boolean {
  const code = errorCode(error);
  return code === '40001' || code === '40P01';
}

/**
 * Statements of one transaction that go to the server together: they need nothing of each other's answers, and may run in
 * any order (one that is prepared already overtakes one that is not). Fails only when all of them have ended: what still
 * ran would go on behind the rollback, on its own.
 */
export async function together<T extends readonly unknown[]>(
  statements: [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  await Promise.allSettled(statements);
  return (await Promise.all(statements)) as unknown as T;
}
