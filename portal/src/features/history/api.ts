import type { api } from '@shaparak/contract';
import { keepPreviousData, queryOptions, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ApiClient } from '../../connection/api-client';
import { useClient } from '../../connection/connection';

export const PAGE = 20;
export const SEARCH_MAX = 1_000;

/**
 * The log in pages by cursor. `firstPage` is as long as what the address says was shown, so that a reload, or a way
 * back, finds the same place.
 */
export function useLogsQuery(status: api.Status | undefined, firstPage: number, isEnabled: boolean) {
  const client = useClient();
  return useInfiniteQuery({
    queryKey: ['activity', 'logs', status ?? 'all'],
    enabled: isEnabled,
    initialPageParam: { cursor: '', limit: Math.min(firstPage, SEARCH_MAX) },
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: String(pageParam.limit) });
      if (pageParam.cursor) query.set('cursor', pageParam.cursor);
      if (status) query.set('status', status);
      return client.get<api.Logs>(`/api/logs?${query}`, signal);
    },
    getNextPageParam: (last) => (last.next_cursor ? { cursor: last.next_cursor, limit: PAGE } : undefined),
    staleTime: Number.POSITIVE_INFINITY, // cards must not move under the reader; new ones are offered by a button
  });
}

/** Search has no cursor: "more" asks for more of the newest. */
export function useSearchQuery(text: string, status: api.Status | undefined, limit: number) {
  const client = useClient();
  return useQuery({
    queryKey: ['activity', 'search', text, status ?? 'all', limit],
    enabled: text.length >= 2,
    queryFn: ({ signal }) => {
      const query = new URLSearchParams({ query: text, limit: String(Math.min(limit, SEARCH_MAX)) });
      if (status) query.set('status', status);
      return client.get<api.SearchResults>(`/api/activity/search?${query}`, signal);
    },
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** One own execution with its full code and what belongs to it. */
export function useExecutionQuery(id: number, isEnabled: boolean) {
  return useQuery({ ...executionOptions(useClient(), id), enabled: isEnabled });
}

/** The same, for who needs it once: the copy button of a preview. */
export function useReadExecution() {
  const client = useClient();
  const cache = useQueryClient();
  return (id: number) => cache.fetchQuery(executionOptions(client, id));
}

const executionOptions = (client: ApiClient, id: number) =>
  queryOptions({
    queryKey: ['execution', id],
    queryFn: ({ signal }) => client.get<api.ActivityDetails>(`/api/activity/${id}`, signal),
    staleTime: 60_000,
  });
