/** A month leaves the log for its file: all of it, once, and nothing else; every count follows. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/database.js';
import { FakeSensor, makeUser } from '../../../test/people.js';
import { receive } from '../../intake/receive.js';
import { systemClock } from '../../platform/clock.js';
import { makeMonths } from '../months.js';
import { verifyRollups } from '../verify-rollups.js';
import { archiveMonth } from './archive-month.js';
import { findExpiredMonths } from './expired-months.js';

const timeZone = 'Asia/Tehran';
const dayMs = 86_400_000;
const longAgo = new Date(Date.now() - 500 * dayMs);
const month = `${new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit' }).format(longAgo)}-01`;

let database: TestDatabase;
let directory: string;
let sara: number;
let held: number;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.owner`truncate execution, execution_key, snippet, user_day, user_total, archived_month, witness, amendment,
    execution_input, file_run, request_not_run, sensor, open_execution, finding`;
  await database.owner`delete from users`;
  await makeMonths(database.owner, timeZone, longAgo, longAgo);
  sara = await makeUser(database.owner, 'sara');
  held = await makeUser(database.owner, 'held');
  directory = mkdtempSync(join(tmpdir(), 'retention-'));
  return () => rmSync(directory, { recursive: true, force: true });
});

const deps = () => ({ database: database.sql, clock: systemClock, timeZone });
/** One execution of a kernel that brings no sensor, with an input, in an old month or now. */
async function run(userId: number, code: string, at: Date) {
  const wire = new FakeSensor(undefined, undefined, 'wire');
  const time = at.toISOString();
  const asked = { msg_id: 'm', client_session: 's' };
  const input = { ...asked, type: 'input_given', prompt: 'name', password: false, text: 'sara', length: 4 };
  await receive(
    deps(),
    userId,
    wire.delivery(
      wire.describes(false),
      wire.started('m', code, time),
      { sequence: 3, observed_at: time, ...input },
      { ...wire.finished('m', {}, time), sequence: 4 },
      { ...wire.notRun('n', `never ${code}`), observed_at: time, sequence: 5 },
    ),
  );
}
const expired = (legalHold: string[] = []) => findExpiredMonths(database.owner, { timeZone, days: 400, legalHold });
const archive = () =>
  archiveMonth(
    { database: database.owner, timeZone, directory, onProgress: () => {} },
    { month, partition: `execution_${month.slice(0, 7).replace('-', '_')}` },
  );
const linesOf = (file: string) =>
  gunzipSync(readFileSync(file))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const differences = async () =>
  (await verifyRollups({ database: database.owner, timeZone, onProgress: () => {} })).differences;
const countOf = async (table: string) =>
  (await database.owner<{ n: number }[]>`select count(*) as n from ${database.owner(table)}`)[0]?.n;

it('finds months whose last day is too old, and whom they are kept for', async () => {
  await run(sara, 'x = 1', longAgo);
  expect(await expired()).toMatchObject([{ month, executions: 1, heldFor: [] }]);
  expect(await expired(['held'])).toMatchObject([{ month, heldFor: [] }]);
  await run(held, 'x = 1', longAgo);
  expect(await expired(['held'])).toMatchObject([{ heldFor: ['held'] }]);
  expect(await expired(['*'])).toMatchObject([{ heldFor: ['held', 'sara'] }]);
  expect(await findExpiredMonths(database.owner, { timeZone, days: 600, legalHold: [] })).toEqual([]);
});

it('writes all that is known of a month, and removes it with every count', async () => {
  await run(sara, 'old = "سلام"', longAgo);
  await run(held, 'old too', longAgo);
  await run(sara, 'new', new Date());
  const before = await countOf('finding');
  const archived = await archive();
  expect(archived).toMatchObject({ month, executions: 2, bytes: statSync(archived.file).size });
  expect(archived.sha256).toBe(createHash('sha256').update(readFileSync(archived.file)).digest('hex'));
  expect(statSync(archived.file).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toHaveLength(1);
  const lines = linesOf(archived.file);
  expect(lines).toMatchObject([
    { kind: 'execution', username: 'sara', code: 'old = "سلام"', evidence: 'wire', inputs: [{ text: 'sara' }] },
    { kind: 'execution', username: 'held', code: 'old too' },
    { kind: 'request_not_run', username: 'sara', code: 'never old = "سلام"' },
    { kind: 'request_not_run', username: 'held', code: 'never old too' },
  ]);
  expect(await differences()).toEqual([]);
  for (const [table, left] of Object.entries({
    execution: 1,
    execution_key: 1,
    execution_input: 1,
    request_not_run: 1,
    snippet: 2,
    archived_month: 2,
    user_day: 1,
  }))
    expect([table, await countOf(table)]).toEqual([table, left]);
  expect(await countOf('finding')).toBe(before);
  expect(await expired()).toEqual([]);
});

it('keeps code that other months still use', async () => {
  await run(sara, 'x = 1', longAgo);
  await run(sara, 'x = 1', new Date());
  await archive();
  const rows = await database.owner`select s.code from execution e join snippet s on s.id = e.snippet_id`;
  expect(rows).toMatchObject([{ code: 'x = 1' }]);
});

it('takes what comes late for an archived month, and goes on counting right', async () => {
  await run(sara, 'x = 1', longAgo);
  await archive();
  await run(sara, 'late', longAgo);
  expect(await countOf('execution')).toBe(1);
  expect(await differences()).toEqual([]);
});

it('leaves the month in the log where its file can’t be written whole', async () => {
  await run(sara, 'x = 1', longAgo);
  const gone = join(directory, 'file');
  rmSync(directory, { recursive: true });
  await database.owner`create function no_drop() returns event_trigger language plpgsql as $$ begin raise 'the disk is full'; end $$`;
  await database.owner`create event trigger no_drop on sql_drop execute function no_drop()`;
  await expect(archive()).rejects.toThrow('the disk is full');
  await database.owner`drop event trigger no_drop`;
  await database.owner`drop function no_drop`;
  expect(existsSync(gone)).toBe(false);
  expect(readdirSync(directory)).toEqual([]);
  expect(await countOf('execution')).toBe(1);
  expect(await differences()).toEqual([]);
  expect((await archive()).executions).toBe(1);
});
