/** `shaparak verify rollups`: proves that every number on a page is the count of rows in the log. */
import { type VerifiedRollups, verifyRollups } from '../log/index.js';
import { readRunning, withDatabase } from './running-database.js';
import type { AddCommand, Terminal } from './terminal.js';

const mostShown = 20;

export const addVerify: AddCommand = (program, terminal, finish) => {
  const verify = program.command('verify').description('Prove that parts of the log agree with each other.');
  verify
    .command('rollups')
    .description('Compare the daily and total counts of everybody with the rows that they count.')
    .option('--json', 'print the result as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const state = readRunning(terminal.env);
      const verified = await withDatabase(state, 'owner', (database) =>
        verifyRollups({ database, timeZone: state.config.timeZone, onProgress: progressOn(terminal) }),
      );
      terminal.out(json ? `${JSON.stringify(verified)}\n` : sentence(verified));
      finish(verified.differences.length > 0 ? 1 : 0);
    });
};

/** One line that is rewritten, on a terminal only. */
const progressOn = (terminal: Terminal) => (done: number, all: number) => {
  if (terminal.interactive) terminal.error(`\rComparing: ${done} of ${all} months${done === all ? '\n' : ''}`);
};

function sentence({ days, users, executions, differences }: VerifiedRollups): string {
  if (differences.length === 0)
    return `${executions} executions on ${days} days of ${users} people: all counts agree with the rows.\n`;
  const shown = differences.slice(0, mostShown).map(({ userId, day, counted, stored }) => {
    const names = [...new Set([...Object.keys(counted), ...Object.keys(stored)])];
    const apart = names.filter((name) => counted[name] !== stored[name]);
    const values = apart.map((name) => `${name} ${stored[name] ?? 'nothing'}, counted ${counted[name] ?? 'nothing'}`);
    return `user ${userId}, ${day ?? 'total'}: ${values.join('; ')}\n`;
  });
  const more = differences.length - shown.length;
  return [
    ...shown,
    ...(more > 0 ? [`… ${more} more; all of them: --json\n`] : []),
    `${differences.length} counts differ from the rows. Rows are the truth; tell whoever maintains this installation.\n`,
  ].join('');
}
