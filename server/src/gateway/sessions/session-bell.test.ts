import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/database.js';
import { until } from '../../../test/hub-double.js';
import { connectDirect, type Database } from '../../platform/postgres.js';
import { startSessionBell } from './session-bell.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.drop());

/** A restart of the server as its clients see it; not possible from within the database itself. */
async function allowConnections(allowed: boolean): Promise<void> {
  const url = new URL(database.settings.url);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  const settings = { url: url.href, directUrl: null, role: null };
  const outside = connectDirect(settings, { max: 1, applicationName: 'test admin' });
  await outside.unsafe(`alter database ${name} allow_connections ${allowed}`);
  if (!allowed)
    await outside`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'bell under test' and datname = ${name}`;
  await outside.end({ timeout: 2 });
}

test('hears the end of a session, also after its connection was cut', async () => {
  const heard: string[] = [];
  const opened: Database[] = [];
  let rounds = 0;
  const bell = startSessionBell({
    open: () => {
      const connection = connectDirect(database.settings, { max: 1, applicationName: 'bell under test' });
      opened.push(connection);
      return connection;
    },
    onEnd: (sessionId) => heard.push(sessionId),
    onRound: async () => {
      rounds += 1;
    },
    roundMs: 50,
  });
  const ring = async (sessionId: string) => {
    await database.sql.notify('shaparak_session', sessionId);
    return heard.includes(sessionId);
  };
  try {
    await until(() => ring(randomUUID()), 'first bell');
    // The driver's own first retry must fail, as it does while a server restarts: after it, the driver hears nothing.
    await allowConnections(false);
    const { length: tries } = opened;
    await until(() => opened.length > tries, 'a new connection was tried');
    await allowConnections(true);
    const before = heard.length;
    await until(async () => (await ring(randomUUID())) && heard.length > before, 'bell after the cut');
    expect(rounds).toBeGreaterThan(1);
  } finally {
    await allowConnections(true);
    await bell.close();
  }
  await until(async () => {
    const [row] = await database.owner<{ count: number }[]>`
      select count(*) as count from pg_stat_activity
      where application_name = 'bell under test' and datname = current_database()`;
    return row?.count === 0;
  }, 'connections closed');
});
