/** What the operator reads when everything runs. */
import type { Config } from '../config.js';
import type { FirstUser } from './first-users.js';
import type { Isolation } from './isolation/isolation.js';

export interface Announcement {
  config: Config;
  data: string;
  isolation: Isolation;
  seconds: number;
}

export function announcement({ config, data, isolation, seconds }: Announcement): string {
  return [
    '',
    `Shaparak is ready (${seconds.toFixed(1)} s)`,
    `  Portal      ${config.publicUrl}/portal`,
    `  Lab         ${config.labUrl} (opened from the portal)`,
    `  Data        ${data}`,
    `  Database    ${config.databaseUrl === null ? 'built in, by its socket only' : 'DATABASE_URL'}`,
    `  Protection  ${protection(isolation)}`,
    ...isolation.missing.map((sentence) => `  ⚠ ${sentence}`),
    `  Users       npx shaparak user add NAME · Check: npx shaparak doctor`,
    'Press Ctrl-C to stop.',
    '',
  ].join('\n');
}

function protection({ kind }: Isolation): string {
  if (kind === 'uid+bubblewrap')
    return 'each user server in a jail of its own, under a uid of its own; each kernel in one more';
  return kind === 'bubblewrap'
    ? 'each user server in a jail of its own, each kernel in one more'
    : 'none for user servers';
}

/** Empty where nobody was added. */
export function firstUsersBox(users: FirstUser[]): string {
  if (users.length === 0) return '';
  const lines = users.map(
    ({ username, role, generatedPassword }) =>
      `${username.padEnd(10)} ${(generatedPassword ?? '(password from the environment)').padEnd(32)} ${role}`,
  );
  if (users.some((user) => user.generatedPassword !== null))
    lines.push('', 'Shown only now. Another one: npx shaparak user passwd NAME');
  const width = Math.max(...lines.map((line) => line.length));
  const title = ' First users ';
  return [
    '',
    `┌─${title}${'─'.repeat(width + 1 - title.length)}┐`,
    ...lines.map((line) => `│ ${line.padEnd(width)} │`),
    `└${'─'.repeat(width + 2)}┘`,
    '',
    '',
  ].join('\n');
}
