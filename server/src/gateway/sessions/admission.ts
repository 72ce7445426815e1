/** Who asks, and whether a page of ours asks: the questions before any route. */
import type { IncomingMessage } from 'node:http';
import type { LiveSessions } from './live-sessions.js';
import type { Caller, SessionCookie } from './session-cookie.js';

export type Admission = { kind: 'caller'; caller: Caller } | { kind: 'nobody' } | { kind: 'unknown' };

export interface AdmissionDeps {
  cookie: SessionCookie;
  sessions: Pick<LiveSessions, 'status'>;
}

/** `unknown` where the database is away and this session has not been seen before. */
export async function admit({ cookie, sessions }: AdmissionDeps, request: IncomingMessage): Promise<Admission> {
  const caller = await cookie.read(request.headers.cookie);
  if (caller === null) return { kind: 'nobody' };
  const status = await sessions.status(caller);
  if (status === 'unknown') return { kind: 'unknown' };
  return status === 'live' ? { kind: 'caller', caller } : { kind: 'nobody' };
}

/**
 * A request that changes something, and a WebSocket, must name the lab's own origin. Every browser sends it with these;
 * a program that has the cookie sets it itself. A missing one is refused: it is not worth guessing who leaves it out.
 */
export function comesFromLab(request: IncomingMessage, labUrl: string): boolean {
  return request.headers.origin === labUrl;
}

/** Ticket forms come from the portal's page; a client without a browser sends no Origin and has no cookies to abuse. */
export function comesFromPortal(request: IncomingMessage, publicUrl: string): boolean {
  return request.headers.origin === undefined || request.headers.origin === publicUrl;
}

/** True for requests that only read. */
export function onlyReads(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
