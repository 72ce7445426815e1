import type { api } from '@shaparak/contract';
import type { StreamEvent } from './event-stream';

/**
 * Live events, with one stream for all tabs of the browser.
 *
 * Every tab asks for the same Web Lock. Who holds it is the leader and keeps the stream; it tells the other tabs each
 * event and its status over a BroadcastChannel. When the leader's tab goes away, the browser gives the lock to the next
 * tab, which resumes after the last event that *it* heard (Last-Event-ID), so nothing falls between two leaders.
 *
 * leader:  connecting → live → (stream ends) → waiting → connecting …
 * status:  `connecting` until the first answer and for the moment after a stream ended, `live` while one is open,
 *          `polling` after a failed attempt: the screens then ask every five seconds. A stream that was silent for 45 s is given up: pings come more often.
 * Every passage to `live` is announced, so that the screens read once what happened before the stream was open.
 */
export type LiveStatus = 'connecting' | 'live' | 'polling';
export type LiveEvent = { kind: 'activity'; activity: api.LiveActivity } | { kind: 'lab'; lab: api.LabState };

export interface LiveFeed {
  status(): LiveStatus;
  subscribeStatus(listener: () => void): () => void;
  subscribe(listener: (event: LiveEvent) => void): () => void;
  close(): void;
}

/** Opens the stream, calls `opened` when it stands, and resolves when it has ended. */
export type OpenStream = (options: {
  lastEventId: string | undefined;
  signal: AbortSignal;
  opened: () => void;
  onEvent: (event: StreamEvent) => void;
}) => Promise<void>;

export interface LiveFeedDeps {
  openStream: OpenStream;
  /** absent in insecure contexts: then every tab leads itself */
  locks: Pick<LockManager, 'request'> | undefined;
  channel: Pick<BroadcastChannel, 'postMessage' | 'onmessage' | 'close'>;
  timer: { set(task: () => void, ms: number): number; clear(id: number): void };
}

type TabMessage = { say: 'event'; event: StreamEvent } | { say: 'status'; status: LiveStatus } | { say: 'who-leads' };
const LOCK = 'shaparak-live';
const SILENCE_MS = 45_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 15_000;

export function createLiveFeed(deps: LiveFeedDeps): LiveFeed {
  let status: LiveStatus = 'connecting';
  let leads = false;
  let lastEventId: string | undefined;
  const closing = new AbortController();
  const events = new Set<(event: LiveEvent) => void>();
  const statuses = new Set<() => void>();

  const move = (next: LiveStatus) => {
    status = next;
    if (leads) deps.channel.postMessage({ say: 'status', status } satisfies TabMessage);
    for (const listener of statuses) listener();
  };

  const take = (event: StreamEvent) => {
    if (event.id) lastEventId = event.id;
    const live = readEvent(event);
    if (live) for (const listener of events) listener(live);
  };

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const done = () => {
        deps.timer.clear(id);
        closing.signal.removeEventListener('abort', done);
        resolve();
      };
      const id = deps.timer.set(done, ms);
      closing.signal.addEventListener('abort', done);
    });

  const streamOnce = async () => {
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    closing.signal.addEventListener('abort', abort);
    let silence = deps.timer.set(abort, SILENCE_MS);
    const heard = () => {
      deps.timer.clear(silence);
      silence = deps.timer.set(abort, SILENCE_MS);
    };
    let stood = false;
    const opened = () => {
      stood = true;
      move('live');
    };
    const onEvent = (event: StreamEvent) => {
      heard();
      deps.channel.postMessage({ say: 'event', event } satisfies TabMessage);
      take(event);
    };
    try {
      await deps.openStream({ lastEventId, signal: attempt.signal, opened, onEvent });
    } catch {
      // why it failed makes no difference here: the screens poll and the next attempt follows
    } finally {
      deps.timer.clear(silence);
      closing.signal.removeEventListener('abort', abort);
    }
    return stood;
  };

  const lead = async () => {
    leads = true;
    let retryMs = RETRY_FIRST_MS;
    while (!closing.signal.aborted) {
      const stood = await streamOnce();
      if (closing.signal.aborted) return;
      retryMs = stood ? RETRY_FIRST_MS : Math.min(retryMs * 2, RETRY_LAST_MS);
      move(stood ? 'connecting' : 'polling');
      await pause(retryMs);
    }
  };

  deps.channel.onmessage = (message: MessageEvent<TabMessage>) => {
    const { data } = message;
    if (data.say === 'who-leads') {
      if (leads) deps.channel.postMessage({ say: 'status', status } satisfies TabMessage);
    } else if (!leads) {
      if (data.say === 'event') take(data.event);
      else move(data.status);
    }
  };

  deps.channel.postMessage({ say: 'who-leads' } satisfies TabMessage);
  if (deps.locks) {
    // rejects only because close() aborted the wait
    deps.locks.request(LOCK, { signal: closing.signal }, lead).catch(() => undefined);
  } else {
    void lead();
  }

  return {
    status: () => status,
    subscribeStatus(listener) {
      statuses.add(listener);
      return () => statuses.delete(listener);
    },
    subscribe(listener) {
      events.add(listener);
      return () => events.delete(listener);
    },
    close() {
      closing.abort();
      deps.channel.close();
      events.clear();
      statuses.clear();
    },
  };
}

function readEvent({ type, data }: StreamEvent): LiveEvent | null {
  if (type === 'activity') return { kind: 'activity', activity: JSON.parse(data) as api.LiveActivity };
  if (type === 'lab') return { kind: 'lab', lab: JSON.parse(data) as api.LabState };
  return null;
}
