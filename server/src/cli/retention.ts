/** `shaparak retention`: shows which months of the log are older than they have to be kept, and archives them when told to. */
import { join } from 'node:path';
import { recordAuditEvent } from '../audit/index.js';
import { type ArchivedMonth, archiveMonth, type ExpiredMonth, findExpiredMonths } from '../log/index.js';
import type { Database } from '../platform/postgres.js';
import { readRunning, withDatabase } from './running-database.js';
import type { AddCommand, Terminal } from './terminal.js';

export const addRetention: AddCommand = (program, terminal, finish) => {
  program
    .command('retention')
    .description('Show which months are older than SHAPARAK_RETENTION_DAYS; with --apply move them into files.')
    .option('--apply', 'write each such month to a file and remove it from the log')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nWithout --apply nothing is changed. A month in which somebody under SHAPARAK_LEGAL_HOLD ran something is kept.',
    )
    .action(async ({ apply = false, json = false }: { apply?: boolean; json?: boolean }) => {
      const state = readRunning(terminal.env);
      const { timeZone, retentionDays: days, legalHold } = state.config;
      const result = await withDatabase(state, 'owner', async (database) => {
        const expired = await findExpiredMonths(database, { timeZone, days, legalHold });
        const due = expired.filter(({ heldFor }) => heldFor.length === 0);
        const archived: ArchivedMonth[] = [];
        if (apply)
          for (const month of due)
            archived.push(await archiveOne(terminal, database, timeZone, join(state.folders.data, 'archive'), month));
        return { days, expired, archived };
      });
      terminal.out(json ? `${JSON.stringify(result)}\n` : sentences(result, apply));
      finish(0);
    });
};

async function archiveOne(
  terminal: Terminal,
  database: Database,
  timeZone: string,
  directory: string,
  expired: ExpiredMonth,
): Promise<ArchivedMonth> {
  const name = expired.month.slice(0, 7);
  const onProgress = (written: number) => {
    if (terminal.interactive) terminal.error(`\r${name}: ${written} of ${expired.executions} executions written `);
  };
  const archived = await archiveMonth({ database, timeZone, directory, onProgress }, expired);
  if (terminal.interactive) terminal.error('\n');
  await recordAuditEvent(database, {
    actorUserId: null,
    actorName: null,
    action: 'month-archived',
    subject: name,
    outcome: 'allowed',
    address: null,
    detail: { ...archived },
  });
  return archived;
}

interface Result {
  days: number;
  expired: ExpiredMonth[];
  archived: ArchivedMonth[];
}

function sentences({ days, expired, archived }: Result, applied: boolean): string {
  if (expired.length === 0) return `No month is older than ${days} days.\n`;
  const lines = expired.map(({ month, executions, bytes, heldFor }) => {
    const name = month.slice(0, 7);
    const size = `${executions} executions, ${Math.ceil(bytes / 1_048_576)} MB`;
    const file = archived.find((one) => one.month === month)?.file;
    if (heldFor.length > 0) return `${name}: ${size}; kept for ${heldFor.join(', ')}\n`;
    return file === undefined ? `${name}: ${size}; would be archived\n` : `${name}: ${size}; now in ${file}\n`;
  });
  const next = applied ? '' : 'Nothing was changed; archive with: npx shaparak retention --apply\n';
  return lines.join('') + next;
}
