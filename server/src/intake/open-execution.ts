/** An execution between its first witness and its row in the log. */
import type { api, capture } from '@shaparak/contract';

export type SensorKind = capture.Sensor['kind'];

export interface FinishedHalf {
  outcome: api.Outcome;
  cell_number: number | null;
  duration_us: number;
  error_name: string | null;
  error_message: string | null;
  finished_at: string;
}

export interface OpenExecution {
  msgId: string;
  occurrence: number;
  code: capture.ExecutionStarted['code'] | null;
  codeTruncated: capture.Truncation | undefined;
  /** keyed digest of the code, hex */
  codeDigest: string;
  /** null until the code is stored */
  snippetId: number | null;
  startedAt: string;
  cellNumber: number | null;
  cellId: string | null;
  notebookPath: string | null;
  clientSession: string;
  silent: boolean;
  storeHistory: boolean;
  instances: Record<SensorKind, string | null>;
  finished: Record<SensorKind, FinishedHalf | null>;
  settleAfter: string | null;
}
