/**
 * The only reader of the operator's environment (DESIGN: operating contract). Unknown SHAPARAK_* names are errors, so a
 * misspelt setting never passes silently; no secret has a default.
 */
export interface Config {
  /** folder for data and runtime; null = the set-up chooses (see docs/reference/configuration.md) */
  home: string | null;
  port: number;
  labPort: number;
  bind: string;
  /** origin of the portal, without a trailing slash */
  publicUrl: string;
  /** origin of the lab; must have another host name than the portal, because cookies ignore ports */
  labUrl: string;
  timeZone: string;
  capturePolicy: 'open' | 'strict';
  retentionDays: number;
  /** people of whom retention removes nothing; * for everybody */
  legalHold: string[];
  /** most memory that the search holds in a portal process, in MB */
  searchMemoryMb: number;
  /** exact origins that may call Bearer endpoints; null = any localhost port except the lab's */
  corsOrigins: string[] | null;
  /** external PostgreSQL instead of the embedded one */
  databaseUrl: string | null;
  /** set when databaseUrl is a transaction pooler: for LISTEN, migrations and locks */
  databaseDirectUrl: string | null;
  testUserPassword: string | null;
  adminPassword: string | null;
}

/** A setting that can't be used; `message` is one sentence that says what to do. */
class ConfigError extends Error {
  override name = 'ConfigError';
}

const known = new Set([
  'SHAPARAK_HOME',
  'SHAPARAK_PORT',
  'SHAPARAK_LAB_PORT',
  'SHAPARAK_BIND',
  'SHAPARAK_PUBLIC_URL',
  'SHAPARAK_LAB_URL',
  'SHAPARAK_TIME_ZONE',
  'SHAPARAK_CAPTURE_POLICY',
  'SHAPARAK_RETENTION_DAYS',
  'SHAPARAK_LEGAL_HOLD',
  'SHAPARAK_CORS_ORIGINS',
  'SHAPARAK_SEARCH_MEMORY',
  'SHAPARAK_TEST_USER_PASSWORD',
  'SHAPARAK_ADMIN_PASSWORD',
]);

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and validates the environment. @throws ConfigError naming the first setting that can't be used */
export function readConfig(env: Environment): Config {
  refuseUnknown(env);
  const port = readPort(env, 'SHAPARAK_PORT', 8001);
  const labPort = readPort(env, 'SHAPARAK_LAB_PORT', 8002);
  if (port === labPort)
    throw new ConfigError('SHAPARAK_PORT and SHAPARAK_LAB_PORT must differ; choose two free ports.');
  const publicUrl = readOrigin(env, 'SHAPARAK_PUBLIC_URL', `http://localhost:${port}`);
  const labUrl = readOrigin(env, 'SHAPARAK_LAB_URL', `http://127.0.0.1:${labPort}`);
  if (new URL(publicUrl).hostname === new URL(labUrl).hostname)
    throw new ConfigError(
      `SHAPARAK_PUBLIC_URL and SHAPARAK_LAB_URL share the host name ${new URL(labUrl).hostname}; cookies ignore ports, so give the lab a host name of its own.`,
    );
  const policy = read(env, 'SHAPARAK_CAPTURE_POLICY') ?? 'open';
  if (policy !== 'open' && policy !== 'strict')
    throw new ConfigError(`SHAPARAK_CAPTURE_POLICY is "${policy}"; use open or strict.`);
  return {
    home: read(env, 'SHAPARAK_HOME'),
    port,
    labPort,
    bind: read(env, 'SHAPARAK_BIND') ?? '127.0.0.1',
    publicUrl,
    labUrl,
    timeZone: readZone(env),
    capturePolicy: policy,
    retentionDays: readInteger(env, 'SHAPARAK_RETENTION_DAYS', 400, 1, 36_500),
    legalHold: readNames(env, 'SHAPARAK_LEGAL_HOLD'),
    // 4 GB is what WebAssembly can address.
    searchMemoryMb: readInteger(env, 'SHAPARAK_SEARCH_MEMORY', 1_024, 16, 4_000),
    corsOrigins: readOrigins(env),
    databaseUrl: readDatabaseUrl(env, 'DATABASE_URL'),
    databaseDirectUrl: readDatabaseUrl(env, 'DATABASE_DIRECT_URL'),
    testUserPassword: readPassword(env, 'SHAPARAK_TEST_USER_PASSWORD'),
    adminPassword: readPassword(env, 'SHAPARAK_ADMIN_PASSWORD'),
  };
}

function refuseUnknown(env: Environment): void {
  const unknown = Object.keys(env).filter((name) => name.startsWith('SHAPARAK_') && !known.has(name));
  if (unknown.length > 0)
    throw new ConfigError(
      `Unknown setting ${unknown.sort().join(', ')}; the known ones are ${[...known].sort().join(', ')}.`,
    );
}

/** An empty value counts as not set, as compose files write it. */
function read(env: Environment, name: string): string | null {
  const value = env[name];
  return value === undefined || value === '' ? null : value;
}

function readInteger(env: Environment, name: string, fallback: number, least: number, most: number): number {
  const text = read(env, name);
  if (text === null) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new ConfigError(`${name} is "${text}"; use a whole number from ${least} to ${most}.`);
  return value;
}

/** @throws ConfigError for a name that nobody can have: a misspelt hold would hold nothing */
function readNames(env: Environment, name: string): string[] {
  const names = (read(env, name) ?? '').split(',').map((one) => one.trim());
  const given = names.filter((one) => one !== '');
  const odd = given.find((one) => one !== '*' && /[\s/]/.test(one));
  if (odd !== undefined)
    throw new ConfigError(`${name} has the name "${odd}"; separate names by commas, * for everybody.`);
  return given;
}

const readPort = (env: Environment, name: string, fallback: number) => readInteger(env, name, fallback, 1, 65_535);

function readOrigin(env: Environment, name: string, fallback: string): string {
  const text = read(env, name) ?? fallback;
  const url = parseUrl(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search || url.hash)
    throw new ConfigError(`${name} is "${text}"; use an origin such as ${fallback}, without a path.`);
  return url.origin;
}

/** URL.parse came only with Node 20.20 and 22. */
function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

function readOrigins(env: Environment): string[] | null {
  const text = read(env, 'SHAPARAK_CORS_ORIGINS');
  if (text === null) return null;
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => readOrigin({ SHAPARAK_CORS_ORIGINS: part }, 'SHAPARAK_CORS_ORIGINS', 'https://app.example'));
}

function readZone(env: Environment): string {
  const zone = read(env, 'SHAPARAK_TIME_ZONE') ?? 'Asia/Tehran';
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone;
  } catch {
    throw new ConfigError(`SHAPARAK_TIME_ZONE is "${zone}"; use a name such as Asia/Tehran or UTC.`);
  }
}

function readDatabaseUrl(env: Environment, name: string): string | null {
  const text = read(env, name);
  if (text === null) return null;
  const url = parseUrl(text);
  if (url === null || !['postgres:', 'postgresql:'].includes(url.protocol))
    throw new ConfigError(`${name} is not a PostgreSQL address; use postgresql://user:password@host:5432/database.`);
  return text;
}

function readPassword(env: Environment, name: string): string | null {
  const password = read(env, name);
  if (password !== null && (password.length < 8 || password.length > 1024))
    throw new ConfigError(`${name} must have 8 to 1024 characters.`);
  return password;
}
