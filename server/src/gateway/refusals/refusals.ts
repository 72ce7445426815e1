/**
 * Writes refused requests to the audit trail without making anybody wait. The queue is bounded: what does not fit while
 * the database is away is counted, and the count is recorded when it is back. Silence is never an outcome.
 */
import type { Caller } from '../sessions/session-cookie.js';

export interface AuditEvent {
  actorUserId: number | null;
  actorName: string | null;
  action: string;
  subject: string | null;
  outcome: 'refused';
  address: string | null;
  detail: Record<string, string | number>;
}

export interface Refusals {
  note(refusal: {
    caller: Caller | null;
    action: string;
    subject: string;
    address: string | null;
    reason: string;
  }): void;
  /** Writes what is queued, for at most so long; what is left is logged as a count. */
  close(patienceMs: number): Promise<void>;
}

export interface RefusalsDeps {
  record(event: AuditEvent): Promise<void>;
  log: { warn(fields: object, message: string): void };
  capacity?: number;
  retryMs?: number;
}

const longestSubject = 500;

export function createRefusals({ record, log, capacity = 1000, retryMs = 2000 }: RefusalsDeps): Refusals {
  const queue: AuditEvent[] = [];
  let lost = 0;
  let writing: Promise<void> | null = null;
  let closing = false;
  let wake: () => void = () => {};

  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, retryMs);
      timer.unref();
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const countLost = () => {
    if (lost === 0 || queue.length >= capacity) return;
    queue.push({
      actorUserId: null,
      actorName: null,
      action: 'lab.refusals-lost',
      subject: null,
      outcome: 'refused',
      address: null,
      detail: { count: lost },
    });
    lost = 0;
  };
  const drain = async () => {
    for (let event = queue[0]; event !== undefined; event = queue[0]) {
      try {
        await record(event);
        queue.shift();
        countLost();
      } catch (error) {
        if (closing) return;
        log.warn({ err: error, queued: queue.length, lost }, 'refused requests wait for the database');
        await pause();
      }
    }
  };
  const start = () => {
    writing ??= drain().finally(() => {
      writing = null;
    });
  };

  return {
    note({ caller, action, subject, address, reason }) {
      if (queue.length >= capacity) {
        lost += 1;
        return;
      }
      queue.push({
        actorUserId: caller?.userId ?? null,
        actorName: caller?.username ?? null,
        action,
        subject: subject.slice(0, longestSubject),
        outcome: 'refused',
        address,
        detail: { reason },
      });
      start();
    },
    async close(patienceMs) {
      closing = true;
      wake();
      const timeout = new Promise<void>((resolve) => setTimeout(resolve, patienceMs).unref());
      await Promise.race([writing ?? Promise.resolve(), timeout]);
      if (queue.length + lost > 0) log.warn({ count: queue.length + lost }, 'refused requests were not recorded');
    },
  };
}
