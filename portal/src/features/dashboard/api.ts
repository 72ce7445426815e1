import type { api } from '@shaparak/contract';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useClient } from '../../connection/connection';

const RECENT = 5;

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
