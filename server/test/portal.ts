/** The whole portal process in this process: real database, real HTTP; only JupyterHub is away. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { api, capture } from '@shaparak/contract';
import { exportJWK, generateKeyPair } from 'jose';
import { startPortal } from '../src/compose.js';
import { readConfig } from '../src/config.js';
import { addUser } from '../src/identity/index.js';
import { receive } from '../src/intake/receive.js';
import { systemClock } from '../src/platform/clock.js';
import { createLogger } from '../src/platform/logging.js';
import { openTestDatabase, type TestDatabase } from './database.js';
import { FakeSensor } from './people.js';

export const publicUrl = 'http://localhost:8001';
export const labUrl = 'http://127.0.0.1:8002';
const captureKey = 'ab'.repeat(32);

export interface TestPortal {
  url: string;
  database: TestDatabase;
  addUser(username: string, role?: api.Role): Promise<Person>;
  close(): Promise<void>;
}

export interface Person {
  id: number;
  username: string;
  password: string;
  token: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  json<T>(path: string): Promise<T>;
  /** as both sensors of this person's kernel deliver */
  deliver(delivery: capture.Delivery): Promise<capture.Receipt>;
}

export async function openTestPortal(): Promise<TestPortal> {
  const database = await openTestDatabase();
  const directory = mkdtempSync(join(tmpdir(), 'portal-'));
  chmodSync(directory, 0o711);
  const assetsDirectory = join(directory, 'dist');
  mkdirSync(join(assetsDirectory, 'assets'), { recursive: true });
  writeFileSync(join(assetsDirectory, 'index.html'), '<!doctype html><title>portal</title>');
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const portal = await startPortal(
    {
      config: { ...readConfig({}), port: 0 },
      database: database.settings,
      hub: { socket: join(directory, 'no-hub.sock'), token: 'x' },
      captureDirectory: directory,
      captureKey,
      ticketPrivateKey: await exportJWK(privateKey),
      assetsDirectory,
      protections: [],
    },
    createLogger('test', 'silent'),
  );
  const url = `http://127.0.0.1:${portal.port}`;
  return {
    url,
    database,
    addUser: (username, role = 'analyst') => enrol(url, database, username, role),
    async close() {
      await portal.close();
      await database.drop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function enrol(url: string, database: TestDatabase, username: string, role: api.Role): Promise<Person> {
  const password = `password of ${username}`;
  await addUser(database.sql, { username, role, password });
  const [row] = await database.owner<{ id: number }[]>`select id from users where username = ${username}`;
  const id = row?.id ?? 0;
  const login = await fetch(`${url}/api/login`, { method: 'POST', body: new URLSearchParams({ username, password }) });
  const { access_token: token } = (await login.json()) as api.AccessToken;
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(url + path, { headers: { authorization: `Bearer ${token}`, ...headers } });
  return {
    id,
    username,
    password,
    token,
    get,
    json: async <T>(path: string) => (await (await get(path)).json()) as T,
    async deliver(delivery) {
      const deps = { database: database.sql, clock: systemClock, timeZone: 'Asia/Tehran' };
      await receive(deps, id, FakeSensor.asSeenByWire(delivery));
      return receive(deps, id, delivery);
    },
  };
}
