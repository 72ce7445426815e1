/** What else could search: a trigram index of PostgreSQL, and ripgrep over a file that holds one person's code. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, createWriteStream } from 'node:fs';
import { delimiter, join } from 'node:path';
import { literalPattern } from '../seed_plain/queries.mjs';

/**
 * The rows of the people who are measured, in a table of their own with a trigram index: smaller than an index of
 * everybody's code, which favours the peer and spares a quarter of an hour at ten million rows.
 */
export async function makeTrigramTable(log, say) {
  const sql = log.connect(1);
  const names = [log.people.heavy.username, log.people.light.username];
  say('(copying)');
  await sql`create extension if not exists pg_trgm`;
  await sql`create table seed_plain.trigram_logs as
    select * from seed_plain.code_execution_logs where username = any(${names})`;
  await sql`create index on seed_plain.trigram_logs (username, timestamp desc)`;
  say('(trigram index)');
  await sql`set maintenance_work_mem = '512MB'`;
  await sql`create index on seed_plain.trigram_logs using gin (code gin_trgm_ops)`;
  await sql`vacuum (analyze) seed_plain.trigram_logs`;
  return {
    search: (username, query, limit) => sql`
      select l.id, l.timestamp::text as timestamp, l.cell_number, l.code, l.execution_time_ms, l.status
      from seed_plain.trigram_logs l where l.username = ${username} and l.code ilike ${literalPattern(query)}
      order by l.timestamp desc limit ${limit}`,
  };
}

/** @returns {Promise<{search(query: string, limit: number): Promise<void>} | null>} null where there is no ripgrep */
export async function makeRipgrepFile(context, log, say) {
  const program = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'rg'))
    .find(isExecutable);
  if (program === undefined) {
    context.say('ripgrep is not installed (Debian: apt-get install ripgrep), so nothing is compared with it.');
    return null;
  }
  say('(file of ripgrep)');
  const path = join(log.folder, 'heavy.txt');
  const file = createWriteStream(path);
  const sql = log.connect(1);
  const portions = sql`select code from snippet where user_id = ${log.people.heavy.id} order by id desc`.cursor(1_000);
  for await (const rows of portions)
    if (!file.write(rows.map(({ code }) => `${code}\n`).join(''))) await once(file, 'drain');
  file.end();
  await once(file, 'finish');
  await sql.end({ timeout: 1 });
  return {
    /** Lines that match, not executions; with the start of the process, which a person would wait for too. */
    async search(query, limit) {
      const child = spawn(program, ['-F', '-i', '-m', String(limit), '--no-config', '--', query, path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      child.stdout.resume();
      const [code] = await once(child, 'close');
      if (code > 1) throw new Error(`ripgrep ended with ${code}`);
    },
  };
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
