/**
 * A login opens a session; a session hands out access tokens. Both secrets are random and only their digests are stored:
 * a signed token would still need a look at the session on each request, because disabling a person takes effect at once.
 *
 * Renewal is not rotated: several tabs may renew at the same time, and the cookie is HttpOnly and bound to one path.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { api } from '@shaparak/contract';
import type { Database } from '../platform/postgres.js';

/** Who asks. Every read of somebody's rows takes one. */
export interface Actor {
  userId: number;
  username: string;
  role: api.Role;
  sessionId: string;
  /** what is open for the actor then, such as the live stream, ends */
  sessionEndsAt: Date;
}

/** seconds */
const tokenLifetime = 3_600;
/** A working day; seconds. */
export const sessionLifetime = 12 * 3_600;

const digest = (secret: string) => createHash('sha256').update(secret).digest();
const newSecret = () => randomBytes(32).toString('base64url');

export interface IssuedToken {
  accessToken: string;
  /** seconds */
  expiresIn: number;
}

export interface OpenedSession extends IssuedToken {
  sessionId: string;
  renewal: string;
}

export async function openSession(
  database: Database,
  userId: number,
  client: { address: string; userAgent: string | null },
): Promise<OpenedSession> {
  const renewal = newSecret();
  const [row] = await database<{ id: string }[]>`
    insert into session (user_id, renewal_digest, expires_at, address, user_agent)
    values (${userId}, ${digest(renewal)}, now() + ${sessionLifetime} * interval '1 second', ${client.address},
      ${client.userAgent})
    returning id`;
  if (!row) throw new Error('The database stored no session');
  return { sessionId: row.id, renewal, ...(await issueToken(database, row.id)) };
}

/** A token never outlives its session. */
async function issueToken(database: Database, sessionId: string): Promise<IssuedToken> {
  const token = newSecret();
  const [row] = await database<{ seconds: number }[]>`
    insert into access_token (digest, session_id, expires_at)
    select ${digest(token)}, id, least(expires_at, now() + ${tokenLifetime} * interval '1 second')
    from session where id = ${sessionId}
    returning floor(extract(epoch from expires_at - now()))::int as seconds`;
  return { accessToken: token, expiresIn: row?.seconds ?? 0 };
}

/** @returns null where the session has ended, expired, or its owner is disabled */
export async function renewSession(database: Database, renewal: string): Promise<IssuedToken | null> {
  const [row] = await database<{ id: string }[]>`
    select s.id from session s join users u on u.id = s.user_id
    where s.renewal_digest = ${digest(renewal)} and s.ended_at is null and s.expires_at > now() and u.disabled_at is null`;
  return row ? issueToken(database, row.id) : null;
}

export async function authenticate(database: Database, token: string): Promise<Actor | null> {
  const [row] = await database<Actor[]>`
    select u.id as "userId", u.username, u.role, s.id as "sessionId",
      s.expires_at as "sessionEndsAt"
    from access_token t join session s on s.id = t.session_id join users u on u.id = s.user_id
    where t.digest = ${digest(token)} and t.expires_at > now() and s.ended_at is null and s.expires_at > now()
      and u.disabled_at is null`;
  return row ?? null;
}

/** For the gateway, which knows sessions and not tokens. */
export async function findLiveSession(
  database: Database,
  sessionId: string,
): Promise<Pick<Actor, 'userId' | 'username' | 'role'> | null> {
  const [row] = await database<Pick<Actor, 'userId' | 'username' | 'role'>[]>`
    select u.id as "userId", u.username, u.role from session s join users u on u.id = s.user_id
    where s.id = ${sessionId} and s.ended_at is null and s.expires_at > now() and u.disabled_at is null`;
  return row ?? null;
}

export async function endSession(database: Database, sessionId: string): Promise<void> {
  await database`
    with ended as (
      update session set ended_at = now() where id = ${sessionId} and ended_at is null returning id)
    select pg_notify('shaparak_session', id::text) from ended`;
}
