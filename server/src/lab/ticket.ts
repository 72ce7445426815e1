/**
 * One-time tickets that carry a session of the portal over to the lab's host. Signed with Ed25519 so that the gateway can
 * verify them but not make them; short-lived because they travel through a form of the browser.
 */
import { type JsonWebKey, randomUUID } from 'node:crypto';
import type { api } from '@shaparak/contract';
import { importJWK, SignJWT } from 'jose';
import type { Clock } from '../platform/clock.js';

interface TicketHolder {
  userId: number;
  username: string;
  sessionId: string;
}

export type IssueTicket = (holder: TicketHolder) => Promise<api.LabTicket>;

const validSeconds = 30;

export function createTicketIssuer(deps: { privateKey: JsonWebKey; labUrl: string; clock: Clock }): IssueTicket {
  const key = importJWK(deps.privateKey, 'EdDSA');
  key.catch(() => {}); // reported to the first who asks for a ticket
  return async ({ userId, username, sessionId }) => {
    const issuedAt = Math.floor(deps.clock.now().getTime() / 1000);
    const ticket = await new SignJWT({ uid: userId, sid: sessionId })
      .setProtectedHeader({ alg: 'EdDSA' })
      .setSubject(username)
      .setAudience('lab')
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + validSeconds)
      .sign(await key);
    return { action: `${deps.labUrl}/ticket`, ticket };
  };
}
