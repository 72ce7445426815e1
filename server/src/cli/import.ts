/** `shaparak import FILE|-`: brings an existing log in, as JSON lines with the seed's columns. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { recordAuditEvent } from '../audit/index.js';
import { type ImportProgress, importLog } from '../log/import/import.js';
import { errorCode } from '../platform/postgres.js';
import { StartError } from '../supervisor/start-error.js';
import { readRunning, withDatabase } from './running-database.js';
import type { AddCommand, Terminal } from './terminal.js';

const mostReasons = 20;
const progressEveryMs = 200;

export const addImport: AddCommand = (program, terminal, finish) => {
  program
    .command('import')
    .argument('<file>', 'JSON lines, one execution a line; - for standard input')
    .description(
      'Bring an existing code_execution_logs in: JSON lines with username, session_id, cell_number, code, execution_time_ms, status, error_message, timestamp. The same file twice adds nothing.',
    )
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nHow to write such a file from a table: docs/howto/import.md')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const state = readRunning(terminal.env);
      const { input, bytes } = await openInput(file);
      const result = await withDatabase(state, 'owner', async (database) => {
        const report = createReport(terminal, bytes, () => (input as { bytesRead?: number }).bytesRead ?? 0);
        const imported = await importLog(createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }), {
          database,
          timeZone: state.config.timeZone,
          now: new Date(),
          onRefused: report.refused,
          onProgress: report.progress,
        });
        report.end();
        await recordAuditEvent(database, {
          actorUserId: null,
          actorName: null,
          action: 'import',
          subject: null,
          outcome: 'allowed',
          address: null,
          detail: { ...imported },
        });
        return imported;
      });
      terminal.out(json ? `${JSON.stringify(result)}\n` : sentence(result));
      finish(result.refused > 0 ? 1 : 0);
    });
};

async function openInput(file: string): Promise<{ input: Readable; bytes: number | null }> {
  if (file === '-') return { input: process.stdin, bytes: null };
  try {
    const { size } = await stat(file);
    return { input: createReadStream(file), bytes: size };
  } catch (error) {
    throw new StartError(`${file} cannot be read (${errorCode(error)}); check its name and its rights.`);
  }
}

/** One line that is rewritten, on a terminal only; refused lines are named, the first of them. */
function createReport(terminal: Terminal, bytes: number | null, bytesRead: () => number) {
  let shownAt = 0;
  let reasons = 0;
  return {
    refused(line: number, reason: string) {
      reasons += 1;
      if (reasons <= mostReasons) terminal.error(`Line ${line} ${reason}; it was left out.\n`);
      if (reasons === mostReasons + 1) terminal.error('… more lines were left out; the count is below.\n');
    },
    progress({ lines, added }: ImportProgress) {
      const now = performance.now();
      if (!terminal.interactive || now - shownAt < progressEveryMs) return;
      shownAt = now;
      const share = bytes ? ` ${Math.floor((100 * bytesRead()) / bytes)} %` : '';
      terminal.error(`\rImporting${share}: ${lines} lines read, ${added} added `);
    },
    end() {
      if (terminal.interactive) terminal.error('\n');
    },
  };
}

function sentence({ lines, added, duplicate, refused, users }: ImportProgress): string {
  return `${lines} lines: ${added} added, ${duplicate} already there, ${refused} left out; ${users} users.\n`;
}
