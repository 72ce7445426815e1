import type { api } from '@shaparak/contract';
import { type ApiProblem, networkProblem, problemOf } from './api-problem';

/**
 * The session of this tab.
 *
 * checking    → the page was loaded and may have a session: the HttpOnly cookie is being traded for a token
 * open        → a token is in memory (never in storage); it is renewed one minute before its end
 * unreachable → no answer to the first renewal; tried again with growing pauses, never taken for a logout
 * ended       → there is no session: logged out here or in another tab, or the server said 401
 *
 * Only a 401 ends a session: a server that restarts or a laptop that sleeps must not throw people out. Each tab renews
 * for itself. At most one renewal of a tab is under way; whoever needs a token meanwhile waits for that one.
 * A hint in storage says that a session may exist, so that a first visit asks nothing and logs no 401.
 */
type SessionPhase = 'checking' | 'open' | 'unreachable' | 'ended';

export interface Session {
  phase(): SessionPhase;
  /** Counts logins: what was kept for one person must not be shown to the next. */
  generation(): number;
  subscribe(listener: () => void): () => void;
  /** Takes up a session that the browser may still have. */
  resume(): Promise<void>;
  login(username: string, password: string): Promise<void>;
  logout(): Promise<void>;
  /** A usable token, renewed when `refused` is the one we have; null when the session has ended. */
  token(refused?: string): Promise<string | null>;
  close(): void;
}

export interface SessionDeps {
  fetch: typeof fetch;
  channel: Pick<BroadcastChannel, 'postMessage' | 'onmessage' | 'close'>;
  hint: { get(): boolean; set(value: boolean): void };
  timer: { set(task: () => void, ms: number): number; clear(id: number): void };
}

type TabMessage = 'login' | 'logout';
const RENEW_BEFORE_END_S = 60;
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 30_000;

export function createSession(deps: SessionDeps): Session {
  let phase: SessionPhase = deps.hint.get() ? 'checking' : 'ended';
  let token: string | null = null;
  let generation = 0;
  let renewal: Promise<string | null> | null = null;
  let timer: number | undefined;
  let retryMs = RETRY_FIRST_MS;
  const listeners = new Set<() => void>();

  const move = (next: SessionPhase) => {
    phase = next;
    for (const listener of listeners) listener();
  };
  const schedule = (task: () => void, ms: number) => {
    if (timer !== undefined) deps.timer.clear(timer);
    timer = deps.timer.set(task, ms);
  };
  const renewInBackground = () => void renew().catch(() => undefined); // a failure has already set its own retry

  const accept = (answer: api.AccessToken) => {
    token = answer.access_token;
    retryMs = RETRY_FIRST_MS;
    deps.hint.set(true);
    // a token shorter than two minutes is renewed at half of its life
    const seconds = Math.max(answer.expires_in - RENEW_BEFORE_END_S, answer.expires_in / 2, 1);
    schedule(renewInBackground, seconds * 1000);
    move('open');
    return token;
  };

  const end = () => {
    if (timer !== undefined) deps.timer.clear(timer);
    timer = undefined;
    token = null;
    deps.hint.set(false);
    move('ended');
  };

  const retryLater = (problem: ApiProblem) => {
    schedule(renewInBackground, retryMs);
    retryMs = Math.min(retryMs * 2, RETRY_LAST_MS);
    if (phase === 'checking') move('unreachable');
    return problem;
  };

  const requestRenewal = async (): Promise<string | null> => {
    const startedIn = generation;
    const response = await deps
      .fetch('/api/session/renew', { method: 'POST', credentials: 'same-origin' })
      .catch((cause: unknown) => Promise.reject(retryLater(networkProblem(cause))));
    if (generation !== startedIn) return token; // somebody logged in or out meanwhile: their word is newer
    if (response.status === 401) {
      end();
      return null;
    }
    if (!response.ok) throw retryLater(await problemOf(response));
    return accept((await response.json()) as api.AccessToken);
  };

  const renew = () => {
    if (renewal) return renewal;
    const current = requestRenewal().finally(() => {
      if (renewal === current) renewal = null;
    });
    renewal = current;
    return current;
  };

  deps.channel.onmessage = (event: MessageEvent<TabMessage>) => {
    generation += 1;
    token = null;
    if (event.data === 'logout') end();
    else {
      // another tab logged in, perhaps as somebody else: the cookie is theirs now
      renewal = null;
      move('checking');
      renewInBackground();
    }
  };

  return {
    phase: () => phase,
    generation: () => generation,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async resume() {
      if (phase !== 'ended') await renew().catch(() => undefined);
    },
    async login(username, password) {
      const response = await deps
        .fetch('/api/login', {
          method: 'POST',
          credentials: 'same-origin',
          body: new URLSearchParams({ username, password }),
        })
        .catch((cause: unknown) => Promise.reject(networkProblem(cause)));
      if (!response.ok) throw await problemOf(response);
      const answer = (await response.json()) as api.AccessToken;
      generation += 1;
      accept(answer);
      deps.channel.postMessage('login' satisfies TabMessage);
    },
    async logout() {
      const ended = token;
      generation += 1;
      end();
      deps.channel.postMessage('logout' satisfies TabMessage);
      if (!ended) return;
      const headers = { Authorization: `Bearer ${ended}` };
      // the person is out on this side whatever the server says; the token itself ends within minutes
      await deps
        .fetch('/api/session', { method: 'DELETE', credentials: 'same-origin', headers })
        .catch(() => undefined);
    },
    async token(refused) {
      if (phase === 'ended') return null;
      if (token && token !== refused) return token;
      return renew();
    },
    close() {
      if (timer !== undefined) deps.timer.clear(timer);
      deps.channel.close();
      listeners.clear();
    },
  };
}
