/** A person's socket as everything in the person's reach can use it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.js';
import { FakeSensor, makeUser } from '../../test/people.js';
import { systemClock } from '../platform/clock.js';
import { CaptureSockets } from './capture-sockets.js';

describe('a capture socket', () => {
  let database: TestDatabase;
  let sockets: CaptureSockets;
  let directory: string;
  let userId: number;
  let folder: string;
  beforeAll(async () => {
    database = await openTestDatabase();
    userId = await makeUser(database.owner, 'sara');
    directory = mkdtempSync(join(tmpdir(), 'capture-'));
    sockets = new CaptureSockets({
      database: database.sql,
      clock: systemClock,
      timeZone: 'Asia/Tehran',
      log: pino({ level: 'silent' }),
      directory,
      key: 'ab'.repeat(32),
      observe: () => {},
    });
    folder = await sockets.open(userId);
  });
  afterAll(async () => {
    await sockets.close();
    await database.drop();
    rmSync(directory, { recursive: true, force: true });
  });

  function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          socketPath: join(folder, 'capture.sock'),
          path,
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
        },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        },
      );
      asked.once('error', reject);
      asked.end(JSON.stringify(body));
    });
  }
  const forgeries = () => database.owner`select evidence from finding where kind = 'forged-delivery' order by id`;
  const logged = async (kernelId: string) =>
    (await database.owner`select 1 from open_execution where kernel_id = ${kernelId}`).length;

  it('takes what a kernel’s own sensor says', async () => {
    const sensor = new FakeSensor();
    const own = { 'x-shaparak-kernel': sensor.sensor.kernel_id };
    expect(await post('/v1/observations', sensor.delivery(sensor.started('m', '1')), own)).toBe(200);
    expect(await logged(sensor.sensor.kernel_id)).toBe(1);
    expect(await forgeries()).toEqual([]);
  });

  it('takes nobody’s word for the gateway’s, and tells the attempt', async () => {
    const forged = new FakeSensor(undefined, undefined, 'wire');
    expect(await post('/v1/observations', forged.delivery(forged.describes(false), forged.started('m', '1')))).toBe(
      400,
    );
    expect(await logged(forged.sensor.kernel_id)).toBe(0);
    expect(await forgeries()).toMatchObject([{ evidence: { reason: 'wire' } }]);
  });

  it('takes no kernel’s word for another one’s', async () => {
    const sensor = new FakeSensor();
    const delivery = sensor.delivery(sensor.started('m', '1'));
    expect(await post('/v1/observations', delivery, { 'x-shaparak-kernel': 'another' })).toBe(400);
    expect(await logged(sensor.sensor.kernel_id)).toBe(0);
    expect((await forgeries()).at(-1)).toMatchObject({ evidence: { reason: 'kernel-id' } });
  });

  it('records what a server refused by itself, once', async () => {
    const before = (await forgeries()).length;
    const refused = {
      kernel_id: 'k1',
      claimed_kernel_id: 'k1',
      instance: 'not even an id',
      reason: 'second-instance',
      observed_at: '2026-11-24T10:00:00Z',
    };
    expect(await post('/v1/refused-deliveries', refused)).toBe(204);
    expect(await post('/v1/refused-deliveries', refused)).toBe(204);
    expect((await forgeries()).length).toBe(before + 1);
    expect(await post('/v1/refused-deliveries', { ...refused, reason: 'boredom' })).toBe(400);
  });
});
