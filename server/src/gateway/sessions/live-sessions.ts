/**
 * Which sessions still hold, without a query per request.
 *
 * A session is asked for in the database when it is first seen, then remembered as live until its end is heard: by the
 * bell (NOTIFY), or at the latest by the check that runs every 10 s and after each new connection of the bell. An end is
 * final. While the database is away nothing changes: known sessions go on, unknown ones are neither live nor ended.
 */
type SessionStatus = 'live' | 'ended' | 'unknown';

interface SessionHolder {
  sessionId: string;
  userId: number;
  username: string;
}

export interface LiveSessions {
  status(holder: SessionHolder): Promise<SessionStatus>;
  /** true as soon as the end is known; without a query */
  hasEnded(sessionId: string): boolean;
  end(sessionId: string): void;
  /** asks again for every session that is held to be live */
  check(): Promise<void>;
}

export interface LiveSessionsDeps {
  /** null where the session has ended; throws where the database is away */
  find(sessionId: string): Promise<{ userId: number; username: string } | null>;
  onEnd(sessionId: string): void;
  /** true while something of this session is open: it must stay known until that is closed */
  isInUse(sessionId: string): boolean;
  now(): number;
}

const forgottenAfterMs = 10 * 60 * 1000;
const endsKept = 10_000;

export function createLiveSessions(deps: LiveSessionsDeps): LiveSessions {
  const live = new Map<string, { seenAt: number }>();
  const ended = new Set<string>();

  const end = (sessionId: string) => {
    live.delete(sessionId);
    ended.add(sessionId);
    // The oldest go first; a forgotten one is asked for in the database again.
    for (const oldest of ended) {
      if (ended.size <= endsKept) break;
      ended.delete(oldest);
    }
    deps.onEnd(sessionId);
  };

  return {
    hasEnded: (sessionId) => ended.has(sessionId),
    end,
    async status({ sessionId, userId, username }) {
      if (ended.has(sessionId)) return 'ended';
      const known = live.get(sessionId);
      if (known !== undefined) {
        known.seenAt = deps.now();
        return 'live';
      }
      try {
        const found = await deps.find(sessionId);
        if (ended.has(sessionId) || found === null) return 'ended';
        if (found.userId !== userId || found.username !== username) return 'ended';
        live.set(sessionId, { seenAt: deps.now() });
        return 'live';
      } catch {
        return 'unknown';
      }
    },
    async check() {
      for (const [sessionId, { seenAt }] of [...live]) {
        if (deps.now() - seenAt > forgottenAfterMs && !deps.isInUse(sessionId)) {
          live.delete(sessionId);
          continue;
        }
        try {
          if ((await deps.find(sessionId)) === null) end(sessionId);
        } catch {
          return; // database away: the next check comes
        }
      }
    },
  };
}
