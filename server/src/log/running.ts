/** What the caller's kernels run now, and what waits behind it; counted nowhere else. */
import type { api } from '@shaparak/contract';
import type { Actor } from '../identity/index.js';
import type { ReadDependencies } from './recent.js';
import { fromStored } from './text.js';

interface RunningRow {
  state: 'queued' | 'running';
  startedAt: Date;
  elapsedMs: number;
  code: string;
  cellNumber: number | null;
  kernelId: string;
  notebookPath: string | null;
  cellId: string | null;
}

/** A request that the kernel has not begun yet is queued; a kernel without a sensor never tells, so it counts as running. */
export async function runningActivity(
  { database, formatInstant }: ReadDependencies,
  actor: Actor,
): Promise<api.RunningActivity> {
  const rows = await database<RunningRow[]>`
    select case when o.kernel_instance is null and coalesce(w.expects, true) then 'queued' else 'running' end as state,
      o.started_at as "startedAt", o.cell_number as "cellNumber", o.kernel_id as "kernelId",
      o.notebook_path as "notebookPath", o.cell_id as "cellId", s.code,
      greatest(0, extract(epoch from now() - o.started_at) * 1000)::bigint as "elapsedMs"
    from open_execution o
    join snippet s on s.user_id = o.user_id and s.id = o.snippet_id
    left join lateral (select expects_kernel_sensor as expects from sensor
      where user_id = o.user_id and instance = o.wire_instance) as w on true
    where o.user_id = ${actor.userId} and o.wire_finished is null and o.kernel_finished is null
    order by o.started_at, o.msg_id limit 1000`;
  const plain = (text: string | null) => (text === null ? null : fromStored(text));
  return {
    running: rows.map((row) => ({
      state: row.state,
      started_at: formatInstant(row.startedAt),
      elapsed_ms: row.elapsedMs,
      code: fromStored(row.code),
      cell_number: row.cellNumber,
      kernel_id: fromStored(row.kernelId),
      notebook_path: plain(row.notebookPath),
      cell_id: plain(row.cellId),
    })),
    count: rows.length,
  };
}
