/** What is open for whom: WebSockets and answers under way, so that the end of a session ends them too. */
import type { EventEmitter } from 'node:events';

interface Closable extends Pick<EventEmitter, 'once'> {
  destroy(): unknown;
}

export interface OpenWork {
  /** Counts until the work emits "close". */
  add(sessionId: string, work: Closable): void;
  end(sessionId: string): void;
  /** all of it, or only what the test picks */
  endAll(picks?: (work: Closable) => boolean): void;
  has(sessionId: string): boolean;
  count(): number;
}

export function createOpenWork(): OpenWork {
  const bySession = new Map<string, Set<Closable>>();
  const end = (sessionId: string) => {
    for (const work of [...(bySession.get(sessionId) ?? [])]) work.destroy();
  };
  return {
    add(sessionId, work) {
      const open = bySession.get(sessionId) ?? new Set();
      bySession.set(sessionId, open.add(work));
      work.once('close', () => {
        open.delete(work);
        if (open.size === 0 && bySession.get(sessionId) === open) bySession.delete(sessionId);
      });
    },
    end,
    endAll(picks = () => true) {
      for (const open of [...bySession.values()]) for (const work of [...open]) if (picks(work)) work.destroy();
    },
    has: (sessionId) => bySession.has(sessionId),
    count: () => [...bySession.values()].reduce((sum, open) => sum + open.size, 0),
  };
}
