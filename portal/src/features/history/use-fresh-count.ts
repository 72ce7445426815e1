import type { api } from '@shaparak/contract';
import { useCallback, useEffect, useState } from 'react';
import { useLiveEvents } from '../../connection/connection';
import type { LiveEvent } from '../../connection/live-feed';
import { findMatches } from '../../ui/matches';

/** How many executions that belong into the list came in since it was read. */
export function useFreshCount(status: api.Status | undefined, query?: string) {
  const [count, setCount] = useState(0);
  const onEvent = useCallback(
    (event: LiveEvent) => {
      if (event.kind !== 'activity') return;
      const { activity } = event.activity;
      if (status && activity.status !== status) return;
      if (query && findMatches(activity.code, query).length === 0) return;
      setCount((before) => before + 1);
    },
    [status, query],
  );
  useLiveEvents(onEvent);
  const reset = useCallback(() => setCount(0), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list starts counting anew
  useEffect(() => setCount(0), [status, query]);
  return { count, reset };
}
