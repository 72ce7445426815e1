import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../test/database.js';
import { main } from './main.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.drop());

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cli-'));
  const data = join(home, 'data');
  const installation = {
    checkout: home,
    home,
    data,
    runtime: join(import.meta.dirname, '../../..'),
    node: process.execPath,
    environment: home,
  };
  writeFileSync(join(home, 'installation.json'), JSON.stringify(installation));
  mkdirSync(join(data, 'settings'), { recursive: true });
  const owner = { ...database.settings, role: null };
  const query = { ...database.settings, role: 'shaparak_reader' };
  const config = { timeZone: 'Asia/Tehran', retentionDays: 400, legalHold: ['held'] };
  const state = { config, folders: { data }, database: { embedded: true, owner, query } };
  writeFileSync(join(data, 'settings', 'supervisor.json'), JSON.stringify(state));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function shaparak(args: string[], input = '', answers: string[] | null = null) {
  let out = '';
  let error = '';
  const code = await main(['node', 'shaparak', ...args], {
    env: { SHAPARAK_HOME: home },
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
    interactive: answers !== null,
    readAll: async () => input,
    askHidden: async () => answers?.shift() ?? '',
  });
  return { code, out, error };
}

describe('verify', () => {
  it('says that all counts agree, or which do not, and ends with 1 then', async () => {
    expect(await shaparak(['verify', 'rollups'])).toEqual({
      code: 0,
      out: '0 executions on 0 days of 0 people: all counts agree with the rows.\n',
      error: '',
    });
    await database.owner`insert into user_day (user_id, day, executions) values (7, '2026-01-05', 3)`;
    const { code, out, error } = await shaparak(['verify', 'rollups'], '', []);
    expect(code).toBe(1);
    expect(out).toMatch(/^user 7, 2026-01-05: .*executions 3, counted nothing/);
    expect(error).toContain('Comparing: 1 of 1 months');
    expect(JSON.parse((await shaparak(['verify', 'rollups', '--json'])).out).differences).toHaveLength(2);
    await database.owner`delete from user_day`;
  });
});

describe('user', () => {
  it('gives no password to a name that nobody has adopted yet, and says what to do first', async () => {
    await database.owner`
      insert into users (username, imported, disabled_at, digest_key) values ('from.import', true, now(), '\\x00')`;
    const refused = await shaparak(['user', 'passwd', 'from.import', '--password-stdin'], 'a long password\n');
    expect([refused.code, refused.error]).toEqual([
      1,
      "from.import came with an import and can't log in yet; first: npx shaparak user add from.import\n",
    ]);
    expect((await shaparak(['user', 'add', 'from.import', '--password-stdin'], 'a long password\n')).code).toBe(0);
    await database.owner`delete from audit_event`;
    await database.owner`delete from users`;
  });

  it('adds a person with a given password, lists, disables, enables, and records each change', async () => {
    expect(
      await shaparak(['user', 'add', 'mina', '--role', 'auditor', '--password-stdin'], 'a long password\n'),
    ).toEqual({
      code: 0,
      out: 'Added mina (auditor).\n',
      error: '',
    });
    expect((await shaparak(['user', 'disable', 'mina'])).out).toMatch(/open sessions have ended/);
    expect(JSON.parse((await shaparak(['user', 'list', '--json'])).out)).toMatchObject([
      { username: 'mina', role: 'auditor', state: 'disabled' },
    ]);
    expect((await shaparak(['user', 'enable', 'mina'])).code).toBe(0);
    expect((await shaparak(['user', 'list'])).out).toMatch(/ mina +\| auditor +\| active +\| no/);
    const events = await database.owner<{ action: string; subject: string; actorName: string }[]>`
      select action, subject, actor_name as "actorName" from audit_event order by id`;
    expect(events.map(({ action, subject }) => [action, subject])).toEqual([
      ['user-added', 'mina'],
      ['user-disabled', 'mina'],
      ['user-enabled', 'mina'],
    ]);
    expect(events[0]?.actorName).toMatch(/^operator /);
  });

  it('makes a password where nobody can type one, shows it once, and stores no word of it', async () => {
    const { out } = await shaparak(['user', 'add', 'ali']);
    const password = /Password \(shown only now\): (\S{20,})/.exec(out)?.[1] ?? '';
    expect(password).not.toBe('');
    const [row] = await database.owner<
      { stored: string }[]
    >`select password_hash as stored from users where username = 'ali'`;
    expect(row?.stored).toMatch(/^\$argon2id\$/);
    expect((await shaparak(['user', 'passwd', 'ali'])).out).not.toContain(password);
  });

  it('asks twice on a terminal', async () => {
    expect((await shaparak(['user', 'add', 'sara'], '', ['the same thing', 'the same thing'])).out).toBe(
      'Added sara (analyst).\n',
    );
    const differ = await shaparak(['user', 'passwd', 'sara'], '', ['one password', 'another one']);
    expect(differ).toMatchObject({ code: 1, error: 'The two passwords differ; nothing was changed.\n' });
  });

  it.each([
    [['user', 'add', 'Mina'], '', /can be no user name/],
    [['user', 'add', '../x'], '', /can be no user name/],
    [['user', 'add', 'reza', '--password-stdin'], 'short\n', /8 to 1024 characters/],
    [['user', 'disable', 'nobody'], '', /There is no user nobody/],
    [['user', 'passwd', 'nobody', '--password-stdin'], 'a long password\n', /There is no user nobody/],
    [['user', 'add', 'reza', '--role', 'king'], '', /Allowed choices are analyst, administrator, auditor/],
    [['users'], '', /unknown command 'users'/],
  ])('%j is refused with a sentence', async (args, input, sentence) => {
    const { code, error } = await shaparak(args, input);
    expect(code).toBe(1);
    expect(error).toMatch(sentence);
  });

  it('that exists is not overwritten', async () => {
    await shaparak(['user', 'add', 'twice']);
    expect(await shaparak(['user', 'add', 'twice'])).toMatchObject({
      code: 1,
      error: expect.stringContaining('exists already'),
    });
  });
});

describe('sql', () => {
  it('prints what psql would', async () => {
    const { out } = await shaparak(['sql', '-c', "select 1 as n, 'سلام' as word, null as nothing"]);
    expect(out).toBe(' n | word | nothing\n---+------+---------\n 1 | سلام |\n(1 row)\n');
    expect((await shaparak(['sql', '-c', 'select count(*) from code_execution_logs'])).out).toContain('(1 row)');
  });

  it('reads several statements from standard input and shows times in the deployment’s zone', async () => {
    const { out } = await shaparak(
      ['sql', '--json'],
      "select true as yes; select '2025-10-30T12:00:45.123Z'::timestamptz as t, 9007199254740993 as big",
    );
    expect(out).toBe(
      `${JSON.stringify([{ yes: true }], null, 2)}\n${JSON.stringify([{ t: '2025-10-30 15:30:45.123+03:30', big: '9007199254740993' }], null, 2)}\n`,
    );
  });

  it.each([
    ['select nope', /^The statement failed at character 8: column "nope" does not exist \(42703\)/],
    ['select 1;\nselect nope', /at character 18:/],
    ['select password_hash from users', /^Only reading is allowed here, of the view code_execution_logs/],
    ['create temp table t (a int)', /^Only reading is allowed here/],
    ['', /no statement/],
  ])('%j is refused with a sentence', async (sql, sentence) => {
    const { code, error } = await shaparak(['sql', '-c', sql]);
    expect(code).toBe(1);
    expect(error).toMatch(sentence);
  });

  it('cannot be talked into writing', async () => {
    const attempts =
      'commit; set role none; set default_transaction_read_only = off; start transaction read write; delete from audit_event';
    for (const sql of [attempts, ...attempts.split('; ').map((one) => `${one}; delete from audit_event`)])
      expect((await shaparak(['sql', '-c', sql])).code).toBe(1);
  });
});

it('says what to do where nothing was ever started', async () => {
  rmSync(join(home, 'data'), { recursive: true });
  expect((await shaparak(['user', 'list'])).error).toBe(
    'Shaparak was not started here yet; start it first with "npm start".\n',
  );
  rmSync(join(home, 'installation.json'));
  expect((await shaparak(['sql', '-c', 'select 1'])).error).toMatch(/no installation .*run "npm start" once/);
});

it('migrates, twice without harm', async () => {
  expect((await shaparak(['migrate'])).out).toBe('The schema is up to date.\n');
  expect(JSON.parse((await shaparak(['migrate', '--json'])).out)).toEqual({ applied: [] });
});

it('every command explains itself', async () => {
  for (const args of [
    ['--help'],
    ['user', '--help'],
    ['user', 'add', '--help'],
    ['sql', '--help'],
    ['doctor', '--help'],
    ['migrate', '--help'],
  ]) {
    const { code, out } = await shaparak(args);
    expect(code).toBe(0);
    expect(out).toContain('Usage: shaparak');
  }
});
