import type { api } from '@shaparak/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useClient } from '../../connection/connection';

const LAB = ['lab'];
// the live stream tells each change; while something moves we ask as well, so that a lost stream costs no waiting
const WHILE_MOVING_MS = 1_000;

/** The state of the caller's JupyterLab. */
export function useLabQuery() {
  const client = useClient();
  return useQuery({
    queryKey: LAB,
    queryFn: ({ signal }) => client.get<api.LabState>('/api/lab', signal),
    refetchInterval: ({ state: { data } }) =>
      data?.state === 'starting' || data?.state === 'stopping' ? WHILE_MOVING_MS : false,
  });
}

export function useStartLab() {
  return useLabCommand('/api/lab/start');
}

export function useStopLab() {
  return useLabCommand('/api/lab/stop');
}

function useLabCommand(path: string) {
  const client = useClient();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      await cache.cancelQueries({ queryKey: LAB }); // an answer from before the command must not arrive after it
      return client.post<api.LabState>(path);
    },
    onSuccess: (state) => cache.setQueryData(LAB, state),
  });
}

export function useLabTicket() {
  const client = useClient();
  return useMutation({ mutationFn: () => client.post<api.LabTicket>('/api/lab/ticket') });
}
