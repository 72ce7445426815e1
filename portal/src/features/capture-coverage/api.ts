import type { api } from '@shaparak/contract';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useClient } from '../../connection/connection';
import type { FindingKind } from './findings';

// the live stream tells each person's own executions only; what concerns everybody is asked for
const REFRESH_MS = 5_000;
const PAGE = 20;

export function useCoverageQuery(days: number) {
  const client = useClient();
  return useQuery({
    queryKey: ['coverage', 'shares', days],
    queryFn: ({ signal }) => client.get<api.Coverage>(`/api/admin/coverage?days=${days}`, signal),
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  });
}

interface FindingFilter {
  kind: FindingKind | undefined;
  user: string | undefined;
}

/** Pages of findings. They refresh while one page is shown; cards that somebody reads further down do not move. */
export function useFindingsQuery(filter: FindingFilter) {
  const client = useClient();
  return useInfiniteQuery({
    queryKey: ['coverage', 'findings', filter],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      client.get<api.Findings>(`/api/admin/findings?${parameters(filter, PAGE, pageParam)}`, signal),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: ({ state: { data } }) => (data && data.pages.length > 1 ? false : REFRESH_MS),
    placeholderData: keepPreviousData,
  });
}

/** How many findings there are of each kind, whichever kind is looked at. */
export function useFindingCountsQuery(user: string | undefined) {
  const client = useClient();
  return useQuery({
    queryKey: ['coverage', 'counts', user ?? ''],
    queryFn: async ({ signal }) => {
      const query = parameters({ kind: undefined, user }, 1);
      const { by_kind, total } = await client.get<api.Findings>(`/api/admin/findings?${query}`, signal);
      return { by_kind, total };
    },
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  });
}

function parameters({ kind, user }: FindingFilter, limit: number, cursor = '') {
  const query = new URLSearchParams({ limit: String(limit) });
  if (kind) query.set('kind', kind);
  if (user) query.set('username', user);
  if (cursor) query.set('cursor', cursor);
  return query;
}
