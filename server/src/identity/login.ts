/**
 * Login. A wrong name and a wrong password are one answer in the same time: a hash is verified in both cases.
 *
 * Failures slow a guesser down and never lock a person out for ever: the windows slide, and a name under attack from one
 * address stays open to its owner at another one until the attack is spread over many.
 */
import { createHash } from 'node:crypto';
import { recordAuditEvent } from '../audit/index.js';
import type { Database } from '../platform/postgres.js';
import { problem } from '../platform/problems.js';
import { verifyPassword } from './passwords.js';
import { type OpenedSession, openSession } from './sessions.js';
import { usernamePattern } from './users.js';

const windowSeconds = 300;
const limits = { sameNameAndAddress: 10, sameAddress: 100, sameName: 100 };
const longestPassword = 1_024;

export interface LoginInput {
  username: string;
  password: string;
  address: string;
  userAgent: string | null;
}

export interface LoginDependencies {
  database: Database;
  /** hash of a password that nobody has, verified where the name is unknown */
  decoyHash: string;
}

/** @throws ProblemError credentials-wrong or login-throttled */
export async function login(deps: LoginDependencies, input: LoginInput): Promise<OpenedSession> {
  const nameDigest = createHash('sha256').update(input.username.toWellFormed()).digest();
  await refuseGuessers(deps.database, nameDigest, input.address);
  const user = await findUser(deps.database, input.username);
  const password = input.password.length > longestPassword ? '' : input.password;
  const right = await verifyPassword(user?.passwordHash ?? deps.decoyHash, password);
  if (!user || !right || password === '') {
    await deps.database`
      insert into login_failure (username_digest, address) values (${nameDigest}, ${input.address})`;
    await record(deps.database, input, user?.id ?? null, 'refused');
    throw problem('credentials-wrong');
  }
  await deps.database`
    delete from login_failure where username_digest = ${nameDigest} and address = ${input.address}`;
  await record(deps.database, input, user.id, 'allowed');
  return openSession(deps.database, user.id, input);
}

async function findUser(
  database: Database,
  username: string,
): Promise<{ id: number; passwordHash: string } | undefined> {
  if (!usernamePattern.test(username)) return undefined;
  const [user] = await database<{ id: number; passwordHash: string }[]>`
    select id, password_hash as "passwordHash" from users
    where username = ${username} and disabled_at is null and password_hash is not null`;
  return user;
}

async function refuseGuessers(database: Database, nameDigest: Buffer, address: string): Promise<void> {
  const [row] = await database<{ both: number; address: number; name: number }[]>`
    select count(*) filter (where username_digest = ${nameDigest} and address = ${address})::int as both,
      count(*) filter (where address = ${address})::int as address,
      count(*) filter (where username_digest = ${nameDigest})::int as name
    from login_failure
    where (username_digest = ${nameDigest} or address = ${address})
      and failed_at > now() - ${windowSeconds} * interval '1 second'`;
  if (!row) return;
  const { sameNameAndAddress, sameAddress, sameName } = limits;
  if (row.both >= sameNameAndAddress || row.address >= sameAddress || row.name >= sameName)
    throw problem('login-throttled', { retryAfter: windowSeconds });
}

async function record(
  database: Database,
  input: LoginInput,
  actorUserId: number | null,
  outcome: 'allowed' | 'refused',
): Promise<void> {
  // A name that is nobody's may be a password typed into the wrong field: it is not written down.
  const actorName = actorUserId === null ? null : input.username;
  await recordAuditEvent(database, {
    actorUserId,
    actorName,
    action: 'login',
    subject: actorName,
    outcome,
    address: input.address,
    detail: {},
  });
}
