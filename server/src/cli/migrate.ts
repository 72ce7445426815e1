/** `shaparak migrate`: brings the schema up to date without a start, for an external database whose owner does upgrades. */
import { join } from 'node:path';
import { readConfig } from '../config.js';
import { migrate } from '../platform/migrate.js';
import { findInstallation, readInstallation } from '../supervisor/installation.js';
import { readRunning } from './running-database.js';
import type { AddCommand } from './terminal.js';

export const addMigrate: AddCommand = (program, terminal, finish) => {
  program
    .command('migrate')
    .description('Apply the migrations that are missing. "npm start" does the same.')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const state = readRunning(terminal.env);
      const { runtime } = readInstallation(findInstallation(readConfig(terminal.env).home));
      const { applied } = await migrate(
        state.database.owner,
        join(runtime, 'server', 'migrations'),
        state.config.timeZone,
      );
      if (json) terminal.out(`${JSON.stringify({ applied }, null, 2)}\n`);
      else terminal.out(applied.length === 0 ? 'The schema is up to date.\n' : `Applied: ${applied.join(', ')}\n`);
      finish(0);
    });
};
