/**
 * Fills a log with history, in our schema as server/src/log/append.ts would have left it, and in the specified plain table,
 * in one PostgreSQL: the same executions, ids and instants. What holds afterwards:
 *  - user_seq of each person runs from 1 without a hole, in the order of time;
 *  - user_total and user_day count exactly the rows of `execution`;
 *  - digests are HMACs with the person's key, and each row's snippet is the person's own;
 *  - both schemas have exactly the indexes that they would have had from the beginning.
 */
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInstantText, field, openCopy } from './copy.mjs';
import { createHistory } from './executions.mjs';
import { putIndexesAside } from './indexes.mjs';
import { userNames } from './people.mjs';
import { createRandom } from './random.mjs';
import { createRollups } from './rollups.mjs';

export const seedSchema = 'seed_plain';
const bigTables = ['execution', 'execution_key', 'snippet'];

/**
 * @typedef {{id: number, username: string, executions: number}} LoadedUser busiest first
 * @param {object} options
 * @param {() => import('../../server/src/platform/postgres.ts').Database} options.connect a pool of one connection: COPY and settings of a session belong to it alone
 * @param {string} options.passwordHash everybody's
 * @param {(detail: string) => void} options.say
 * @param {Date} options.now the history ends here
 * @returns {Promise<LoadedUser[]>}
 */
export async function loadHistory({ connect, rows, people, days: length, seed, timeZone, passwordHash, now, say }) {
  const connections = Array.from({ length: 5 }, connect);
  const [owner, ...copying] = connections;
  try {
    const random = createRandom(seed);
    const days = await readDays(owner, { timeZone, length, now });
    await makeMonths(owner, { timeZone, length, now });
    const users = await addUsers(owner, { people, seed, passwordHash });
    await owner.unsafe(`set maintenance_work_mem = '512MB'`);
    const seedIndexes = await makeSeedTable(owner);
    const indexes = await putIndexesAside(owner, bigTables);
    const sinks = await openSinks(copying, timeZone);
    const rollups = createRollups(users);
    const history = createHistory(random, { people, rows, days });
    const begun = performance.now();
    let done = 0;
    for (const [dayIndex, day] of days.entries()) {
      const executions = history.executionsOf(dayIndex);
      for (const [index, execution] of executions.entries()) {
        sinks.write(execution, users[execution.author], day);
        rollups.count(execution, day.date);
        if (index % 500 === 0) await sinks.flush();
      }
      done += executions.length;
      const perSecond = Math.round((done / (performance.now() - begun)) * 1_000);
      say(
        `(${done.toLocaleString('en')} of ${rows.toLocaleString('en')} rows, ${perSecond.toLocaleString('en')} a second)`,
      );
    }
    await sinks.end();
    await rollups.store(
      copying[0],
      days.map(({ date }) => date),
    );
    const sayIndex = (name) => say(`(index ${name})`);
    await indexes.restore(sayIndex);
    for (const statement of seedIndexes) {
      sayIndex(statement.split(' ')[2]);
      await owner.unsafe(statement);
    }
    await settleTables(owner, say);
    return users.map(({ id, username }, author) => ({ id, username, executions: rollups.totalOf(author) }));
  } finally {
    await Promise.all(connections.map((connection) => connection.end({ timeout: 5 })));
  }
}

/** Where the days of the zone begin and end, oldest first; today ends now. */
async function readDays(owner, { timeZone, length, now }) {
  const rows = await owner`
    select to_char(day, 'YYYY-MM-DD') as date, extract(epoch from day at time zone ${timeZone})::float8 * 1e6 as start,
      extract(epoch from (day + interval '1 day') at time zone ${timeZone})::float8 * 1e6 as end,
      (extract(epoch from day) - extract(epoch from day at time zone ${timeZone}))::float8 * 1e6 as offset
    from (select (${now}::timestamptz at time zone ${timeZone})::date::timestamp - back * interval '1 day' as day
      from generate_series(0, ${length - 1}::int) as back) as days order by day`;
  const today = rows.at(-1);
  today.end = Math.max(now.getTime() * 1_000 - 60_000_000, today.start + 1_000_000);
  return [...rows];
}

async function makeMonths(owner, { timeZone, length, now }) {
  await owner`
    select make_execution_month(month::date, ${timeZone})
    from generate_series(date_trunc('month', (${now}::timestamptz at time zone ${timeZone}) - ${length} * interval '1 day'),
      ${now}::timestamptz at time zone ${timeZone}, interval '1 month') as month`;
}

/** Digest keys come from the seed, so that two runs make the same digests. */
async function addUsers(owner, { people, seed, passwordHash }) {
  const names = userNames(people);
  const keys = names.map((name) => createHash('sha256').update(`${seed} ${name}`).digest());
  const rows = await owner`
    insert into users (username, password_hash, digest_key)
    select name, ${passwordHash}, decode(key, 'hex')
    from unnest(${names}::text[], ${keys.map((key) => key.toString('hex'))}::text[]) with ordinality as new(name, key, place)
    order by place returning id, username`;
  const ids = new Map(rows.map(({ id, username }) => [username, Number(id)]));
  return names.map((username, index) => ({ id: ids.get(username), username, key: keys[index] }));
}

/** The specified table. @returns {Promise<string[]>} the statements that make its indexes */
async function makeSeedTable(owner) {
  const text = readFileSync(join(import.meta.dirname, '..', 'seed_plain', 'schema.sql'), 'utf8');
  const statements = text
    .replace(/^--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
  await owner.unsafe(`create schema ${seedSchema}`);
  await owner.unsafe(`set search_path = ${seedSchema}`);
  await owner.unsafe(statements[0]);
  await owner.unsafe('set search_path = public');
  return statements
    .slice(1)
    .map((statement) => statement.replace('on code_execution_logs', `on ${seedSchema}.code_execution_logs`));
}

async function openSinks([forExecutions, forKeys, forSnippets, forSeed]) {
  const executions = await openCopy(
    forExecutions,
    `execution (user_id, id, user_seq, "timestamp", started_at, received_at, snippet_id, outcome, evidence, execution_time_ms,
      cell_number, kernel_id, msg_id, cell_id, notebook_path, client_session, error_name, error_message)`,
  );
  const keys = await openCopy(forKeys, 'execution_key');
  const snippets = await openCopy(forSnippets, 'snippet (user_id, id, digest, code, created_at)');
  const seed = await openCopy(
    forSeed,
    `${seedSchema}.code_execution_logs (id, username, session_id, cell_number, code, execution_time_ms, status,
      error_message, "timestamp")`,
  );
  const instant = createInstantText();
  const wallClock = createInstantText();
  return {
    /** @param {import('./executions.mjs').Execution} e */
    write(e, user, day) {
      const at = `${instant(e.at)}Z`;
      const [code, message] = [field(e.snippet.text), field(e.message)];
      if (e.isNew) {
        const digest = createHmac('sha256', user.key).update(e.snippet.text).digest('hex');
        snippets.add(`${user.id}\t${e.snippet.id}\t\\\\x${digest}\t${code}\t${at}`);
      }
      const began = `${instant(e.at - e.milliseconds * 1_000)}Z`;
      const received = `${instant(e.at + 40_000)}Z`;
      executions.add(
        `${user.id}\t${e.id}\t${e.userSeq}\t${at}\t${began}\t${received}\t${e.snippet.id}\t${e.outcome}\tboth\t${e.milliseconds}\t${e.cellNumber}\t${e.kernelId}\t${e.msgId}\t${e.cellId}\t${e.notebook}\t${e.clientSession}\t${field(e.name)}\t${message}`,
      );
      keys.add(`${user.id}\t${e.kernelId}\t${e.msgId}\t1\t${e.id}\t${at}`);
      const status = e.outcome === 'success' ? 'success' : 'error';
      seed.add(
        `${e.id}\t${user.username}\t${e.kernelId}\t${e.cellNumber}\t${code}\t${e.milliseconds}\t${status}\t${message}\t${wallClock(e.at + day.offset)}`,
      );
    },
    async flush() {
      for (const sink of [executions, keys, snippets, seed]) await sink.flush();
    },
    async end() {
      for (const sink of [executions, keys, snippets, seed]) await sink.end();
    },
  };
}

/** As after a night's work of autovacuum, and numbers go on after the last one. */
async function settleTables(owner, say) {
  const seedTable = `${seedSchema}.code_execution_logs`;
  for (const [table, column] of [
    ['execution', 'id'],
    ['snippet', 'id'],
    [seedTable, 'id'],
  ])
    await owner.unsafe(
      `select setval(pg_get_serial_sequence('${table}', '${column}'), (select max(${column}) from ${table}))`,
    );
  for (const table of [...bigTables, 'user_total', 'user_day', 'users', seedTable]) {
    say(`(vacuum ${table})`);
    await owner.unsafe(`vacuum (analyze) ${table}`);
  }
}
