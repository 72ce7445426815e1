import type { api } from '@shaparak/contract';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '../connection/connection';

/** Name, role and the deployment's zone of who is logged in. */
export function useMeQuery() {
  const client = useClient();
  return useQuery({
    queryKey: ['me'],
    queryFn: ({ signal }) => client.get<api.Me>('/api/me', signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export const canOversee = (role: api.Role | undefined) => role === 'administrator';
