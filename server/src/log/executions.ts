/** Rows of the log as the API shows them. */
import type { api } from '@shaparak/contract';
import type { Database } from '../platform/postgres.js';
import { fromStored, previewOf } from './text.js';

/** e: execution; a: its amendment, by amendmentJoin. A `lost` execution shows the outcome that was told later. */
export const executionColumns = `e.id, e.user_seq as "userSeq", e."timestamp", e.started_at as "startedAt",
  coalesce(a.outcome, e.outcome) as outcome, e.evidence,
  coalesce(a.execution_time_ms, e.execution_time_ms) as "executionTimeMs", e.cell_number as "cellNumber", e.kernel_id as "kernelId",
  e.notebook_path as "notebookPath", e.cell_id as "cellId",
  case when a.outcome is null then e.error_message else a.error_message end as "errorMessage"`;

export const amendmentJoin = 'left join amendment a on a.user_id = e.user_id and a.execution_id = e.id';

export interface ExecutionRow {
  id: number;
  userSeq: number;
  timestamp: Date;
  startedAt: Date | null;
  outcome: api.Outcome;
  evidence: api.Evidence;
  executionTimeMs: number | null;
  cellNumber: number | null;
  kernelId: string | null;
  notebookPath: string | null;
  cellId: string | null;
  errorMessage: string | null;
  code: string;
}

const plain = (text: string | null) => (text === null ? null : fromStored(text));

function contextOf(row: ExecutionRow, format: (instant: Date) => string) {
  return {
    id: row.id,
    timestamp: format(row.timestamp),
    cell_number: row.cellNumber,
    execution_time_ms: row.executionTimeMs,
    status: row.outcome === 'success' ? ('success' as const) : ('error' as const),
    started_at: row.startedAt === null ? null : format(row.startedAt),
    outcome: row.outcome,
    evidence: row.evidence,
    kernel_id: plain(row.kernelId),
    notebook_path: plain(row.notebookPath),
    cell_id: plain(row.cellId),
  };
}

export function toActivity(row: ExecutionRow, format: (instant: Date) => string): api.Activity {
  return { ...contextOf(row, format), code: fromStored(row.code), error_message: plain(row.errorMessage) };
}

export function toLogEntry(row: ExecutionRow, format: (instant: Date) => string): api.LogEntry {
  return {
    ...contextOf(row, format),
    code_preview: previewOf(row.code),
    error_preview: row.errorMessage === null ? null : previewOf(row.errorMessage),
  };
}

/** `where` clause for the optional filter by status; a closed list, no text of the caller. */
export function statusCondition(database: Database, status: api.Status | undefined) {
  if (status === undefined) return database``;
  // The first condition is the partial index's; an amended row is a `lost` one, so it is among the errors there.
  return status === 'success'
    ? database`and coalesce(a.outcome, e.outcome) = 'success'`
    : database`and e.outcome <> 'success' and a.outcome is distinct from 'success'`;
}
