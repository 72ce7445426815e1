import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/database.js';
import { addUser } from '../../identity/index.js';
import { createWallClock } from '../../platform/clock.js';
import { type ImportProgress, importLog } from './import.js';
import { instantOf, parseLine } from './parse-line.js';

const utc = createWallClock('UTC');
const now = new Date('2026-11-23T12:00:00Z');
const line = (change: object = {}) =>
  JSON.stringify({
    id: 7,
    username: 'ali.rezaei',
    session_id: 's1',
    cell_number: 4,
    code: '1 / 0',
    execution_time_ms: 12,
    status: 'error',
    error_message: 'ZeroDivisionError: division by zero',
    timestamp: '2025-10-30T15:29:12.123456',
    ...change,
  });

describe('import', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.drop());

  async function run(...lines: string[]): Promise<ImportProgress & { reasons: string[] }> {
    const reasons: string[] = [];
    async function* input() {
      yield* lines;
    }
    const result = await importLog(input(), {
      database: database.sql,
      timeZone: 'Asia/Tehran',
      now,
      onRefused: (_number, reason) => reasons.push(reason),
      onProgress: () => {},
    });
    return { ...result, reasons };
  }

  it('adds a file once, and equal lines of one file each', async () => {
    const file = [line(), line(), line({ id: 8, unknown: true }), line({ code: 'x' })];
    expect(await run(...file)).toMatchObject({ lines: 4, added: 4, duplicate: 0, refused: 0, users: 1 });
    expect(await run(...file)).toMatchObject({ added: 0, duplicate: 4 });
    expect(await run(...file, line())).toMatchObject({ added: 1, duplicate: 4 });
    const [total] = await database.owner`
      select t.executions, t.errors from user_total t join users u on u.id = t.user_id where username = 'ali.rezaei'`;
    expect(total).toEqual({ executions: 5, errors: 5 });
  });

  it('reads times without an offset in the zone of the deployment, to the microsecond', async () => {
    await run(line({ username: 'zone' }));
    const [row] = await database.owner`
      select "timestamp"::text as at, evidence from execution join users u on u.id = user_id where username = 'zone'`;
    expect(row).toEqual({ at: '2025-10-30 11:59:12.123456+00', evidence: 'imported' });
    expect(instantOf('2021-07-01 12:00:00', createWallClock('Asia/Tehran'))).toBe('2021-07-01T07:30:00.0Z');
    expect(instantOf('2025-10-30T15:30:45+0330', utc)).toBe('2025-10-30T12:00:45.0Z');
    expect(instantOf('2025-02-30T00:00:00', utc)).toBeNull();
  });

  it('names what it leaves out and takes the rest', async () => {
    const result = await run(
      'not json',
      '[]',
      line({ username: '' }),
      line({ code: null }),
      line({ status: 'maybe' }),
      line({ timestamp: null }),
      line({ cell_number: 1.5 }),
      line({ execution_time_ms: 3_000_000_000 }),
      line({ timestamp: '2999-01-01T00:00:00' }),
      line({ username: 'rest' }),
      '',
    );
    expect(result).toMatchObject({ lines: 10, added: 1, refused: 9 });
    expect(result.reasons[0]).toBe('is not JSON');
  });

  it('takes NULs, surrogates and nulls as the seed’s table allows them', async () => {
    const odd = line({
      username: 'odd',
      code: 'a\0\ud800',
      status: null,
      error_message: null,
      session_id: null,
      cell_number: null,
      execution_time_ms: null,
    });
    expect(await run(odd)).toMatchObject({ added: 1, refused: 0 });
    expect(parseLine(odd, utc, now)).toMatchObject({ execution: { outcome: 'success' } });
  });

  it('makes unknown users disabled, and user add adopts them with their history', async () => {
    await run(line({ username: 'adopted' }));
    expect(
      await database.owner`select disabled_at is not null as disabled, imported from users where username = 'adopted'`,
    ).toEqual([{ disabled: true, imported: true }]);
    const added = await addUser(database.sql, { username: 'adopted', role: 'analyst', password: 'long enough' });
    expect(added).toEqual({ kind: 'adopted' });
    expect(await database.owner`select disabled_at from users where username = 'adopted'`).toEqual([
      { disabled_at: null },
    ]);
  });

  it('adds one file that two imports bring at the same time once', async () => {
    const file = Array.from({ length: 50 }, (_, index) => line({ username: 'twice', cell_number: index }));
    const [one, two] = await Promise.all([run(...file), run(...file)]);
    expect(one.added + two.added).toBe(50);
  });
});
