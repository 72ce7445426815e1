/** `shaparak user …`: people who may log in. Changes are recorded, with the operator's account name as the actor. */
import { userInfo } from 'node:os';
import { Argument, Option } from 'commander';
import { recordAuditEvent } from '../audit/index.js';
import { addUser, listUsers, setDisabled, setPassword, usernamePattern } from '../identity/index.js';
import type { Database } from '../platform/postgres.js';
import { generatePassword } from '../supervisor/first-users.js';
import { StartError } from '../supervisor/start-error.js';
import { readRunning, withDatabase } from './running-database.js';
import type { AddCommand, Terminal } from './terminal.js';
import { textTable } from './text-table.js';

const roles = ['analyst', 'administrator', 'auditor'] as const;
type Role = (typeof roles)[number];

export const addUserCommands: AddCommand = (program, terminal, finish) => {
  const user = program.command('user').description('Add, list, disable and enable people; give new passwords.');
  const run = (work: (database: Database) => Promise<number>) =>
    withDatabase(readRunning(terminal.env), 'owner', work).then(finish);
  const name = () => new Argument('<name>', 'lower-case letters, digits, dot, dash, underscore');
  const password = () => new Option('--password-stdin', 'read the password from the first line of standard input');

  user
    .command('add')
    .description('Add a person, or adopt a name that came with an import.')
    .addArgument(name())
    .addOption(new Option('--role <role>', 'what the person may do').choices(roles).default('analyst'))
    .addOption(password())
    .action((username: string, options: { role: Role; passwordStdin?: boolean }) =>
      run((database) => add(database, terminal, username, options)),
    );
  user
    .command('list')
    .description('Show everybody.')
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) => run((database) => list(database, terminal, options.json === true)));
  for (const disabled of [true, false])
    user
      .command(disabled ? 'disable' : 'enable')
      .description(disabled ? 'Lock a person out and end the open sessions at once.' : 'Let a person in again.')
      .addArgument(name())
      .action((username: string) => run((database) => disable(database, terminal, username, disabled)));
  user
    .command('passwd')
    .description('Give a person a new password and end the open sessions.')
    .addArgument(name())
    .addOption(password())
    .action((username: string, options: { passwordStdin?: boolean }) =>
      run((database) => changePassword(database, terminal, username, options)),
    );
};

async function add(
  database: Database,
  terminal: Terminal,
  username: string,
  options: { role: Role; passwordStdin?: boolean },
): Promise<number> {
  if (!usernamePattern.test(username))
    throw new StartError(
      `"${username}" can be no user name; use 1 to 64 of a-z, 0-9, dot, dash and underscore, starting with a letter or digit.`,
    );
  const chosen = await choosePassword(terminal, options.passwordStdin === true);
  const { kind } = await addUser(database, { username, role: options.role, password: chosen.password });
  if (kind === 'exists') {
    terminal.error(`${username} exists already; for a new password: npx shaparak user passwd ${username}\n`);
    return 1;
  }
  await record(database, 'user-added', username, { role: options.role, adopted: kind === 'adopted' });
  const adopted = kind === 'adopted' ? '; the imported history belongs to this person now' : '';
  terminal.out(`Added ${username} (${options.role})${adopted}.\n${shown(chosen)}`);
  return 0;
}

async function list(database: Database, terminal: Terminal, json: boolean): Promise<number> {
  const people = (await listUsers(database)).map(({ username, role, disabled, imported, createdAt }) => ({
    username,
    role,
    state: disabled ? 'disabled' : 'active',
    imported,
    created_at: createdAt.toISOString(),
  }));
  if (json) terminal.out(`${JSON.stringify(people, null, 2)}\n`);
  else {
    const rows = people.map((one) => [one.username, one.role, one.state, one.imported ? 'yes' : 'no', one.created_at]);
    const columns = ['username', 'role', 'state', 'imported', 'created_at'].map((header) => ({ header, right: false }));
    terminal.out(textTable(columns, rows));
  }
  return 0;
}

async function disable(database: Database, terminal: Terminal, username: string, disabled: boolean): Promise<number> {
  if (!(await setDisabled(database, username, disabled))) return unknown(terminal, username);
  await record(database, disabled ? 'user-disabled' : 'user-enabled', username, {});
  terminal.out(disabled ? `${username} is disabled; open sessions have ended.\n` : `${username} may log in again.\n`);
  return 0;
}

async function changePassword(
  database: Database,
  terminal: Terminal,
  username: string,
  options: { passwordStdin?: boolean },
): Promise<number> {
  const user = (await listUsers(database)).find((one) => one.username === username);
  if (!user) return unknown(terminal, username);
  if (!user.canLogIn) {
    terminal.error(`${username} came with an import and can't log in yet; first: npx shaparak user add ${username}\n`);
    return 1;
  }
  const chosen = await choosePassword(terminal, options.passwordStdin === true);
  if (!(await setPassword(database, username, chosen.password))) return unknown(terminal, username);
  await record(database, 'password-changed', username, {});
  terminal.out(`${username} has a new password; open sessions have ended.\n${shown(chosen)}`);
  return 0;
}

function unknown(terminal: Terminal, username: string): number {
  terminal.error(`There is no user ${username}; see "npx shaparak user list".\n`);
  return 1;
}

interface ChosenPassword {
  password: string;
  generated: boolean;
}

const shown = ({ password, generated }: ChosenPassword) =>
  generated ? `Password (shown only now): ${password}\n` : '';

/** The same bounds as the settings for the first users. @throws StartError */
async function choosePassword(terminal: Terminal, fromStdin: boolean): Promise<ChosenPassword> {
  if (!fromStdin && !terminal.interactive) return { password: generatePassword(), generated: true };
  const password = fromStdin
    ? ((await terminal.readAll()).split(/\r?\n/)[0] ?? '')
    : await terminal.askHidden('Password (empty: one is made for you): ');
  if (!fromStdin && password === '') return { password: generatePassword(), generated: true };
  if (password.length < 8 || password.length > 1024)
    throw new StartError('The password must have 8 to 1024 characters; nothing was changed.');
  if (!fromStdin && (await terminal.askHidden('The same again: ')) !== password)
    throw new StartError('The two passwords differ; nothing was changed.');
  return { password, generated: false };
}

async function record(database: Database, action: string, subject: string, detail: Record<string, unknown>) {
  await recordAuditEvent(database, {
    actorUserId: null,
    actorName: `operator ${accountName()}`,
    action,
    subject,
    outcome: 'allowed',
    address: null,
    detail,
  });
}

/** A container's uid may have no name. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
