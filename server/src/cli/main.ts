/** `npx shaparak`: every command is a file of its own; this one puts them together and turns failures into sentences. */
import { Command, CommanderError } from 'commander';
import { explain } from '../supervisor/start-error.js';
import { addDoctor } from './doctor.js';
import { addImport } from './import.js';
import { addMigrate } from './migrate.js';
import { addRetention } from './retention.js';
import { addSql } from './sql.js';
import { systemTerminal, type Terminal } from './terminal.js';
import { addUserCommands } from './user.js';
import { addVerify } from './verify.js';

/** @returns the exit code: 0 done, 1 failed or refused */
export async function main(argv: string[], terminal: Terminal = systemTerminal()): Promise<number> {
  const program = new Command('shaparak')
    .description('Look after a Shaparak installation: users, log, health.')
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.error })
    .exitOverride();
  let code = 0;
  const finish = (result: number) => {
    code = result;
  };
  for (const add of [addUserCommands, addSql, addDoctor, addImport, addMigrate, addVerify, addRetention])
    add(program, terminal, finish);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    terminal.error(`${explain(error)}\n`);
    return 1;
  }
  return code;
}
