/**
 * Hears the ends of sessions from PostgreSQL. The driver gives a LISTEN up without a word when the server is not back at
 * its first retry, so every round also sends a ping to itself: a ping that has not come back by the next round means a
 * new connection.
 */
import { randomBytes } from 'node:crypto';
import type { Database } from '../../platform/postgres.js';

export interface SessionBell {
  close(): Promise<void>;
}

export interface SessionBellDeps {
  /** a direct connection, past any pooler */
  open(): Database;
  onEnd(sessionId: string): void;
  /** after each new connection, and every round: what was missed must be asked for */
  onRound(): Promise<void>;
  roundMs?: number;
}

export function startSessionBell({ open, onEnd, onRound, roundMs = 10_000 }: SessionBellDeps): SessionBell {
  const own = `shaparak_gateway_${randomBytes(6).toString('hex')}`;
  let connection: Database | null = null;
  let heard = false;
  let busy: Promise<void> = Promise.resolve();
  let closed = false;

  const connect = async () => {
    await connection?.end({ timeout: 1 }).catch(() => {});
    if (closed) return;
    connection = open();
    await connection.listen('shaparak_session', onEnd);
    await connection.listen(own, () => {
      heard = true;
    });
    await connection.notify(own, '');
  };
  const round = async () => {
    if (closed) return;
    try {
      if (connection === null || !heard) await connect();
      else {
        heard = false;
        await connection.notify(own, '');
      }
    } catch {
      heard = false; // database away: the next round connects
    }
    await onRound();
  };
  const next = () => {
    busy = busy.then(round).catch(() => {});
  };
  next();
  const timer = setInterval(next, roundMs);
  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await connection?.end({ timeout: 1 }).catch(() => {});
      await busy;
      // a round that was under way may have opened another one
      await connection?.end({ timeout: 1 }).catch(() => {});
    },
  };
}
