import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import type { ApiClient } from './api-client';
import type { LiveEvent, LiveFeed, LiveStatus } from './live-feed';
import type { Session } from './session';

export interface Connection {
  session: Session;
  client: ApiClient;
  /** Live events; made anew for each login, closed with it. */
  openFeed: () => LiveFeed;
}

const ConnectionContext = createContext<Connection | null>(null);
const FeedContext = createContext<LiveFeed | null>(null);

export function ConnectionProvider({ connection, children }: { connection: Connection; children: ReactNode }) {
  return <ConnectionContext.Provider value={connection}>{children}</ConnectionContext.Provider>;
}

export function useConnection(): Connection {
  const connection = useContext(ConnectionContext);
  if (!connection) throw new Error('useConnection needs a ConnectionProvider above it');
  return connection;
}

export function useClient(): ApiClient {
  return useConnection().client;
}

export function useSessionPhase() {
  const { session } = useConnection();
  return useSyncExternalStore(session.subscribe, session.phase);
}

/** Keeps the live feed open as long as what is inside is on the screen. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const { openFeed } = useConnection();
  const [feed, setFeed] = useState<LiveFeed | null>(null);
  useEffect(() => {
    const opened = openFeed();
    setFeed(opened);
    return () => opened.close();
  }, [openFeed]);
  return <FeedContext.Provider value={feed}>{children}</FeedContext.Provider>;
}

const nothingToStop = () => undefined;

export function useLiveStatus(): LiveStatus {
  const feed = useContext(FeedContext);
  return useSyncExternalStore(
    (listener) => feed?.subscribeStatus(listener) ?? nothingToStop,
    () => feed?.status() ?? 'connecting',
  );
}

/** Calls `onEvent` for every live event; give it a stable function. */
export function useLiveEvents(onEvent: (event: LiveEvent) => void) {
  const feed = useContext(FeedContext);
  useEffect(() => feed?.subscribe(onEvent), [feed, onEvent]);
}
