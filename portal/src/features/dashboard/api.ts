import type { api } from '@shaparak/contract';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useClient } from '../../connection/connection';

const RECENT = 5;
// the live stream tells the end of an execution, not its start
const RUNNING_MS = 2_000;

export function useDashboardQuery() {
  const client = useClient();
  return useQuery({
    queryKey: ['activity', 'dashboard'],
    queryFn: async ({ signal }) => (await client.get<api.Dashboard>('/api/dashboard', signal)).stats,
  });
}

export function useRecentQuery() {
  const client = useClient();
  return useQuery({
    queryKey: ['activity', 'recent', RECENT],
    queryFn: ({ signal }) => client.get<api.RecentActivity>(`/api/activity/recent?limit=${RECENT}`, signal),
  });
}

/** What runs or waits now. Only a tab that is seen asks; react-query rests in the others. */
export function useRunningQuery() {
  const client = useClient();
  return useQuery({
    queryKey: ['activity', 'running'],
    queryFn: ({ signal }) => client.get<api.RunningActivity>('/api/activity/running', signal),
    refetchInterval: RUNNING_MS,
  });
}

/** Daily statistics, newest day first. */
export function useStatsQuery(days: number) {
  const client = useClient();
  return useQuery({
    queryKey: ['activity', 'stats', days],
    queryFn: async ({ signal }) =>
      (await client.get<api.DailyStats>(`/api/activity/stats?days=${days}`, signal)).daily_stats,
    placeholderData: keepPreviousData,
  });
}
