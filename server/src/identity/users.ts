/** People: added, listed, disabled, given passwords. Used by the CLI and at the first start. */
import { randomBytes } from 'node:crypto';
import type { api } from '@shaparak/contract';
import type { Database, Transaction } from '../platform/postgres.js';
import { hashPassword } from './passwords.js';

/** 1 to 64 of a-z, 0-9, dot, dash and underscore, starting with a letter or digit: also safe as a folder and in a URL. */
export const usernamePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;

interface User {
  id: number;
  username: string;
  role: api.Role;
  disabled: boolean;
  imported: boolean;
  /** false for a name that came with an import and nobody has adopted */
  canLogIn: boolean;
  createdAt: Date;
}

interface NewUser {
  username: string;
  role: api.Role;
  password: string;
}

/**
 * `adopted`: the name came with an import; its history now belongs to a person who can log in.
 * @throws RangeError for a name outside usernamePattern
 */
export async function addUser(
  database: Database,
  { username, role, password }: NewUser,
): Promise<{ kind: 'created' | 'adopted' | 'exists' }> {
  if (!usernamePattern.test(username))
    throw new RangeError(
      'A user name has 1 to 64 of a-z, 0-9, dot, dash and underscore, and starts with a letter or digit.',
    );
  const passwordHash = await hashPassword(password);
  const [row] = await database<{ created: boolean }[]>`
    insert into users (username, role, password_hash, digest_key)
    values (${username}, ${role}, ${passwordHash}, ${randomBytes(32)})
    on conflict (username) do update
      set password_hash = excluded.password_hash, role = excluded.role, disabled_at = null
      where users.password_hash is null
    returning not imported as created`;
  if (!row) return { kind: 'exists' };
  return { kind: row.created ? 'created' : 'adopted' };
}

export async function listUsers(database: Database): Promise<User[]> {
  return await database<User[]>`
    select id, username, role, disabled_at is not null as disabled, imported,
      password_hash is not null as "canLogIn", created_at as "createdAt"
    from users order by username`;
}

/** Disabling ends the person's sessions at once. @returns false where there is no such user */
export async function setDisabled(database: Database, username: string, disabled: boolean): Promise<boolean> {
  return await database.begin(async (transaction) => {
    const [user] = await transaction<{ id: number }[]>`
      update users set disabled_at = ${disabled ? transaction`coalesce(disabled_at, now())` : null}
      where username = ${username} returning id`;
    if (user && disabled) await endSessions(transaction, user.id);
    return user !== undefined;
  });
}

/** A new password ends the sessions that were opened with the old one. @returns false where nobody of that name can log in */
export async function setPassword(database: Database, username: string, password: string): Promise<boolean> {
  const passwordHash = await hashPassword(password);
  return await database.begin(async (transaction) => {
    const [user] = await transaction<{ id: number }[]>`
      update users set password_hash = ${passwordHash}
      where username = ${username} and password_hash is not null returning id`;
    if (user) await endSessions(transaction, user.id);
    return user !== undefined;
  });
}

/** Users that an import brought: disabled, without a password. @returns ids by name */
export async function ensureImportedUsers(transaction: Transaction, usernames: string[]): Promise<Map<string, number>> {
  await transaction`
    insert into users (username, imported, disabled_at, digest_key)
    select name, true, now(), decode(key, 'hex')
    from unnest(${usernames}::text[], ${usernames.map(() => randomBytes(32).toString('hex'))}::text[]) as new(name, key)
    on conflict (username) do nothing`;
  const rows = await transaction<{ id: number; username: string }[]>`
    select id, username from users where username = any(${usernames}::text[])`;
  return new Map(rows.map((row) => [row.username, row.id]));
}

async function endSessions(transaction: Transaction, userId: number): Promise<void> {
  await transaction`
    with ended as (
      update session set ended_at = now() where user_id = ${userId} and ended_at is null returning id)
    select pg_notify('shaparak_session', id::text) from ended`;
}
