/** Takes the portal's one-time tickets. */
import type { JsonWebKey } from 'node:crypto';
import { importJWK, jwtVerify } from 'jose';
import type { LiveSessions } from './live-sessions.js';
import { type Caller, toCaller } from './session-cookie.js';

type TicketOutcome =
  | { kind: 'accepted'; caller: Caller }
  | { kind: 'refused'; reason: 'invalid' | 'used' | 'session-ended'; claimedName: string | null }
  | { kind: 'database-away' };

export interface TicketDesk {
  take(ticket: string): Promise<TicketOutcome>;
}

export interface TicketDeskDeps {
  publicKey: JsonWebKey;
  /** true the first time; the database decides, so that it holds for several gateways. Throws where it is away. */
  spend(jti: string): Promise<boolean>;
  sessions: Pick<LiveSessions, 'status'>;
}

export function createTicketDesk({ publicKey, spend, sessions }: TicketDeskDeps): TicketDesk {
  const key = importJWK(publicKey, 'EdDSA');
  key.catch(() => {}); // every ticket is refused then
  return {
    async take(ticket) {
      const claims = await verify(ticket, key);
      if (claims === null) return { kind: 'refused', reason: 'invalid', claimedName: null };
      const { caller, jti } = claims;
      try {
        if (!(await spend(jti))) return { kind: 'refused', reason: 'used', claimedName: caller.username };
      } catch {
        return { kind: 'database-away' };
      }
      const status = await sessions.status(caller);
      if (status === 'unknown') return { kind: 'database-away' };
      if (status === 'ended') return { kind: 'refused', reason: 'session-ended', claimedName: caller.username };
      return { kind: 'accepted', caller };
    },
  };
}

async function verify(
  ticket: string,
  key: ReturnType<typeof importJWK>,
): Promise<{ caller: Caller; jti: string } | null> {
  try {
    const { payload } = await jwtVerify(ticket, await key, {
      audience: 'lab',
      algorithms: ['EdDSA'],
      requiredClaims: ['exp', 'jti', 'sub'],
      maxTokenAge: 60,
    });
    const caller = toCaller(payload);
    return caller === null || payload.jti === undefined ? null : { caller, jti: payload.jti };
  } catch {
    return null;
  }
}
