import { QueryClient } from '@tanstack/react-query';
import { createApiClient } from '../connection/api-client';
import { ApiProblem } from '../connection/api-problem';
import type { Connection } from '../connection/connection';
import { createLiveFeed } from '../connection/live-feed';
import { createLiveStream } from '../connection/live-stream';
import { createSession } from '../connection/session';

const HINT = 'shaparak-session-hint';
const FRESH_MS = 5_000;

/** Builds what stands between the screens and the server from the browser's own parts. */
export function composeConnection(): Connection {
  const send: typeof fetch = (input, init) => fetch(input, init);
  const timer = {
    set: (task: () => void, ms: number) => window.setTimeout(task, ms),
    clear: (id: number) => window.clearTimeout(id),
  };
  const session = createSession({
    fetch: send,
    channel: new BroadcastChannel('shaparak-session'),
    hint: createHint(),
    timer,
  });
  const client = createApiClient({ session, fetch: send });
  const openStream = createLiveStream(client);
  const openFeed = () =>
    createLiveFeed({ openStream, locks: navigator.locks, channel: new BroadcastChannel('shaparak-live'), timer });
  return { session, client, openFeed };
}

export function composeCache(): QueryClient {
  // what the request itself got wrong is not mended by asking again
  const isWorthRetrying = (times: number, error: unknown) =>
    times < 2 && error instanceof ApiProblem && (error.status === 0 || error.status >= 500);
  return new QueryClient({ defaultOptions: { queries: { retry: isWorthRetrying, staleTime: FRESH_MS } } });
}

/** Whether this browser may hold a session; without storage every load asks the server. */
function createHint() {
  return {
    get: () => {
      try {
        return localStorage.getItem(HINT) !== null;
      } catch {
        return true;
      }
    },
    set: (value: boolean) => {
      try {
        if (value) localStorage.setItem(HINT, '1');
        else localStorage.removeItem(HINT);
      } catch {
        // nothing to remember it in
      }
    },
  };
}
