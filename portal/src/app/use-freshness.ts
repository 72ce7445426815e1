import { useThrottledCallback } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import { useLiveEvents, useLiveStatus } from '../connection/connection';
import type { LiveEvent } from '../connection/live-feed';

// a notebook's "run all" brings a burst: one reading for each half second keeps the tiles within two seconds
const AT_MOST_EVERY_MS = 500;
const POLL_MS = 5_000;
const FOLLOWS_EXECUTIONS = ['dashboard', 'recent', 'running', 'stats'];

/** Keeps what is on the screen true: live events first, and asking every five seconds while there are none. */
export function useFreshness() {
  const cache = useQueryClient();
  const status = useLiveStatus();

  const readAgain = useCallback(() => {
    for (const name of FOLLOWS_EXECUTIONS) void cache.invalidateQueries({ queryKey: ['activity', name] });
  }, [cache]);
  const readSoon = useThrottledCallback(readAgain, AT_MOST_EVERY_MS);

  useLiveEvents(
    useCallback(
      (event: LiveEvent) => {
        if (event.kind === 'lab') cache.setQueryData(['lab'], event.lab);
        else readSoon();
      },
      [cache, readSoon],
    ),
  );

  useEffect(() => {
    if (status === 'live') {
      // what happened before the stream stood is in no event
      readAgain();
      void cache.invalidateQueries({ queryKey: ['lab'] });
    }
    if (status !== 'polling') return;
    const id = setInterval(() => {
      if (document.hidden) return;
      readAgain();
      void cache.invalidateQueries({ queryKey: ['lab'] });
    }, POLL_MS);
    return () => clearInterval(id);
  }, [status, cache, readAgain]);
}
