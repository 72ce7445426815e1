/** The lab host's own cookie: says whose browser this is and by which session; signed, so that it is checked without a query. */
import { jwtVerify, SignJWT } from 'jose';

export interface Caller {
  userId: number;
  username: string;
  sessionId: string;
}

export interface SessionCookie {
  name: string;
  /** value of Set-Cookie */
  issue(caller: Caller): Promise<string>;
  /** null where the request has no cookie of ours that is valid */
  read(cookieHeader: string | undefined): Promise<Caller | null>;
}

const audience = 'shaparak-lab-cookie';
// The session itself ends earlier or is renewed; this only bounds how long a copied cookie is worth a look-up.
const validSeconds = 12 * 60 * 60;

export function createSessionCookie(keyHex: string, secure: boolean): SessionCookie {
  const key = Buffer.from(keyHex, 'hex');
  if (key.length < 32) throw new Error('The key of the lab cookie must have at least 32 bytes.');
  const name = secure ? '__Host-shaparak_lab' : '__shaparak_lab';
  return {
    name,
    async issue({ userId, username, sessionId }) {
      const token = await new SignJWT({ uid: userId, sid: sessionId })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(username)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${validSeconds}s`)
        .sign(key);
      return `${name}=${token}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${validSeconds}${secure ? '; Secure' : ''}`;
    },
    async read(cookieHeader) {
      const token = pick(cookieHeader, name);
      if (token === null) return null;
      try {
        const { payload } = await jwtVerify(token, key, { audience, algorithms: ['HS256'] });
        return toCaller(payload);
      } catch {
        return null;
      }
    },
  };
}

/** The claims that tickets and cookies share. */
export function toCaller(claims: { sub?: string; sid?: unknown; uid?: unknown }): Caller | null {
  const { sub, sid, uid } = claims;
  if (typeof sub !== 'string' || sub === '' || typeof sid !== 'string' || sid === '') return null;
  if (typeof uid !== 'number' || !Number.isSafeInteger(uid)) return null;
  return { userId: uid, username: sub, sessionId: sid };
}

/** The same name twice is nobody's: a cookie of another path or domain could come first. */
function pick(header: string | undefined, name: string): string | null {
  const values = (header ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(`${name}=`))
    .map((part) => part.slice(name.length + 1));
  return values.length === 1 ? (values[0] ?? null) : null;
}
