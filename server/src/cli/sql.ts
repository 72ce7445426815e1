/**
 * `shaparak sql`: the seed's psql check. Reads the log through the role shaparak_reader; each statement runs alone in a
 * read-only transaction, so that no statement of a list can lift that for the next one.
 */
import type { Database } from '../platform/postgres.js';
import { readRunning, withDatabase } from './running-database.js';
import { splitStatements } from './sql-statements.js';
import type { AddCommand, Terminal } from './terminal.js';
import { textTable } from './text-table.js';

interface Answer {
  columns: Array<{ name: string; type: number }>;
  rows: Array<Array<string | null>>;
  command: string;
}

/** int8, int2, int4, oid, float4, float8, numeric */
const numeric = new Set([20, 21, 23, 26, 700, 701, 1700]);
const booleanType = 16;

export const addSql: AddCommand = (program, terminal, finish) => {
  program
    .command('sql')
    .description(
      'Read the log with SQL: the view code_execution_logs. Without -c, statements come from standard input.',
    )
    .option('-c, --command <sql>', 'one or more statements, separated by semicolons')
    .option('--json', 'print JSON, one array of objects per statement')
    .action(async ({ command, json }: { command?: string; json?: boolean }) => {
      const state = readRunning(terminal.env);
      const text = command ?? (await terminal.readAll());
      finish(await withDatabase(state, 'query', (database) => runAll(database, terminal, text, json === true)));
    });
};

async function runAll(database: Database, terminal: Terminal, text: string, json: boolean): Promise<number> {
  const statements = splitStatements(text);
  if (statements.length === 0) {
    terminal.error('There is no statement; write one after -c or to standard input.\n');
    return 1;
  }
  for (const { sql, offset } of statements) {
    try {
      const answer = await runOne(database, sql);
      terminal.out(json ? `${JSON.stringify(toObjects(answer), null, 2)}\n` : toText(answer));
    } catch (error) {
      const sentence = describe(error, offset);
      if (sentence === null) throw error;
      terminal.error(`${sentence}\n`);
      return 1;
    }
  }
  return 0;
}

async function runOne(database: Database, sql: string): Promise<Answer> {
  return await database.begin('read only', async (transaction) => {
    // A prepared statement can hold one statement only. Raw: psql's texts, in the deployment's zone, to the last digit.
    const result = await transaction.unsafe(sql, [], { prepare: true }).raw();
    const rows = (result as unknown as Array<Array<Buffer | null>>).map((row) =>
      row.map((value) => value?.toString('utf8') ?? null),
    );
    return { columns: result.columns ?? [], rows, command: result.command ?? 'OK' };
  });
}

function toText({ columns, rows, command }: Answer): string {
  if (columns.length === 0) return `${command}\n`;
  return textTable(
    columns.map(({ name, type }) => ({ header: name, right: numeric.has(type) })),
    rows,
  );
}

function toObjects({ columns, rows }: Answer): Array<Record<string, string | number | boolean | null>> {
  return rows.map((row) =>
    Object.fromEntries(columns.map(({ name, type }, index) => [name, jsonValue(row[index] ?? null, type)])),
  );
}

/** A number that JavaScript would round stays text. */
function jsonValue(text: string | null, type: number): string | number | boolean | null {
  if (text === null) return null;
  if (type === booleanType) return text === 't';
  return numeric.has(type) && String(Number(text)) === text ? Number(text) : text;
}

/** One sentence for what the person wrote; null for failures that are not of the statement. */
function describe(error: unknown, offset: number): string | null {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return null;
  const code = String(error.code);
  if (code === '25006' || code === '42501')
    return `Only reading is allowed here, of the view code_execution_logs: ${error.message} (${code}).`;
  const position = 'position' in error ? ` at character ${Number(error.position) + offset}` : '';
  const hint = 'hint' in error && error.hint ? ` ${String(error.hint)}` : '';
  return `The statement failed${position}: ${error.message} (${code}).${hint}`;
}
