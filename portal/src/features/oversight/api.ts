import type { api } from '@shaparak/contract';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '../../connection/connection';

// the live stream tells each person's own executions only; the numbers about everybody are asked for
const REFRESH_MS = 15_000;

export function useUsersActivityQuery() {
  const client = useClient();
  return useQuery({
    queryKey: ['oversight', 'users'],
    queryFn: async ({ signal }) =>
      (await client.get<api.AllUsersActivity>('/api/admin/all-users-activity', signal)).users_activity,
    refetchInterval: REFRESH_MS,
  });
}

export function useSystemStatsQuery() {
  const client = useClient();
  return useQuery({
    queryKey: ['oversight', 'system'],
    queryFn: ({ signal }) => client.get<api.SystemStats>('/api/admin/system-stats', signal),
    refetchInterval: REFRESH_MS,
  });
}
