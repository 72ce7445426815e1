import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.js';
import { until } from '../../test/hub-double.js';
import { connectDirect, type Database } from '../platform/postgres.js';
import { startSessionBell } from './session-bell.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.drop());

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
    await database.owner`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'bell under test' and datname = current_database()`;
    const before = heard.length;
    await until(async () => (await ring(randomUUID())) && heard.length > before, 'bell after the cut');
    expect(rounds).toBeGreaterThan(1);
  } finally {
    await bell.close();
  }
  await until(async () => {
    const [row] = await database.owner<{ count: number }[]>`
      select count(*) as count from pg_stat_activity
      where application_name = 'bell under test' and datname = current_database()`;
    return row?.count === 0;
  }, 'connections closed');
});
