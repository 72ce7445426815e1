/**
 * How observations of both sensors become executions: a pure function over what is known of the requests they name.
 *
 * An execution is named by (kernel_id, msg_id, occurrence). Its life:
 *
 *   (nothing) --started by a first sensor--> open --each awaited sensor finished--> settled (one row in the log)
 *                                             |--one finished, the other still awaited--> settles when the grace is over
 *                                             `--its kernel's sensor stopped or was followed by a new one--> lost, after the grace
 *   settled --a late or differing word--> stays as it is; the word is appended as a witness
 *
 * What must always be true: an observation changes exactly one of these or is quarantined; a request that never ran is
 * kept apart and is no execution; a msg_id that is sent again opens a new occurrence and leaves a finding.
 */
import type { api, capture } from '@shaparak/contract';

export type SensorKind = capture.Sensor['kind'];

/** Grace for the second witness, milliseconds (DESIGN: the way of one execution). */
export const graceMs = 2_000;

export interface FinishedHalf {
  outcome: 'success' | 'error' | 'interrupted';
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

/** What the log already holds of a msg_id. */
export interface SettledExecution {
  msgId: string;
  occurrence: number;
  evidence: api.Evidence;
}

export interface MergeInput {
  sensor: { kind: SensorKind; instance: string };
  open: OpenExecution[];
  settled: SettledExecution[];
  observations: capture.Observation[];
  /** sensors that deliver for this kernel; an execution that one of them saw start is awaited from all of them */
  awaited: SensorKind[];
  now: Date;
}

interface Finding {
  kind: 'msg-id-reused' | 'sensor-gap';
  msgId: string | null;
  occurrence: number | null;
  evidence: Record<string, unknown>;
}

export interface MergeResult {
  /** still running or in grace: to be stored as they are now */
  open: OpenExecution[];
  /** ready for the log, in the order in which they ended */
  settled: OpenExecution[];
  notRun: capture.ExecutionNotRun[];
  witnesses: { msgId: string; occurrence: number; body: capture.Observation }[];
  findings: Finding[];
  quarantined: { observation: capture.Observation; reason: string }[];
  lost: number;
  stopped: boolean;
}

export function mergeObservations(input: MergeInput): MergeResult {
  const state = new Merge(input);
  for (const observation of input.observations) state.take(observation);
  return state.result();
}

class Merge {
  private readonly open: OpenExecution[];
  private readonly outcome: Omit<MergeResult, 'open' | 'settled'> = {
    notRun: [],
    witnesses: [],
    findings: [],
    quarantined: [],
    lost: 0,
    stopped: false,
  };
  private readonly input: MergeInput;

  constructor(input: MergeInput) {
    this.input = input;
    this.open = [...input.open];
  }

  take(observation: capture.Observation): void {
    switch (observation.type) {
      case 'sensor_started':
        return;
      case 'sensor_stopped':
        this.outcome.stopped = true;
        return;
      case 'gap':
        this.outcome.lost += observation.count;
        this.outcome.findings.push({
          kind: 'sensor-gap',
          msgId: null,
          occurrence: null,
          evidence: { count: observation.count, reason: observation.reason },
        });
        return;
      case 'execution_started':
        this.start(observation);
        return;
      case 'execution_finished':
        this.finish(observation);
        return;
      case 'execution_not_run':
        this.neverRan(observation);
        return;
    }
  }

  private start(seen: capture.ExecutionStarted): void {
    const { kind, instance } = this.input.sensor;
    const awaiting = this.open.find((row) => row.msgId === seen.msg_id && row.instances[kind] === null);
    if (awaiting) {
      awaiting.instances[kind] = instance;
      awaiting.cellNumber ??= seen.cell_number;
      return;
    }
    const other = kind === 'kernel' ? 'wire' : 'kernel';
    const late = this.input.settled.find((row) => row.msgId === seen.msg_id && row.evidence === other);
    if (late) {
      this.outcome.witnesses.push({ msgId: seen.msg_id, occurrence: late.occurrence, body: seen });
      return;
    }
    const occurrence = this.nextOccurrence(seen.msg_id);
    if (occurrence > 1)
      this.outcome.findings.push({ kind: 'msg-id-reused', msgId: seen.msg_id, occurrence, evidence: {} });
    this.open.push({
      msgId: seen.msg_id,
      occurrence,
      code: seen.code,
      codeTruncated: seen.code_truncated,
      snippetId: null,
      startedAt: this.clamp(seen.observed_at),
      cellNumber: seen.cell_number,
      cellId: seen.cell_id,
      notebookPath: seen.notebook_path,
      clientSession: seen.client_session,
      silent: seen.silent,
      storeHistory: seen.store_history,
      instances: { kernel: null, wire: null, [kind]: instance },
      finished: { kernel: null, wire: null },
      settleAfter: null,
    });
  }

  private nextOccurrence(msgId: string): number {
    const known = [...this.open, ...this.input.settled].filter((row) => row.msgId === msgId);
    return Math.max(0, ...known.map((row) => row.occurrence)) + 1;
  }

  private finish(seen: capture.ExecutionFinished): void {
    const { kind, instance } = this.input.sensor;
    const row = this.open.find(
      (candidate) =>
        candidate.msgId === seen.msg_id && candidate.instances[kind] === instance && candidate.finished[kind] === null,
    );
    if (row) {
      row.finished[kind] = {
        outcome: seen.outcome,
        cell_number: seen.cell_number,
        duration_us: seen.duration_us,
        error_name: seen.error_name,
        error_message: seen.error_message,
        finished_at: this.clamp(seen.observed_at),
      };
      return;
    }
    const settled = this.input.settled.findLast((candidate) => candidate.msgId === seen.msg_id);
    if (settled) this.outcome.witnesses.push({ msgId: seen.msg_id, occurrence: settled.occurrence, body: seen });
    else this.outcome.quarantined.push({ observation: seen, reason: 'finished without a start' });
  }

  /** A request that a sensor saw start and the kernel then aborted is closed without a row in the log. */
  private neverRan(seen: capture.ExecutionNotRun): void {
    const index = this.open.findIndex((row) => row.msgId === seen.msg_id && row.finished.kernel === null);
    if (index >= 0) this.open.splice(index, 1);
    this.outcome.notRun.push(seen);
  }

  result(): MergeResult {
    const settled: OpenExecution[] = [];
    const open: OpenExecution[] = [];
    for (const row of this.open) {
      if (this.outcome.stopped && row.instances[this.input.sensor.kind] === this.input.sensor.instance)
        row.settleAfter ??= this.afterGrace();
      const witnesses = this.input.awaited.filter((kind) => row.finished[kind] === null);
      const anyFinished = row.finished.kernel !== null || row.finished.wire !== null;
      if (anyFinished && witnesses.length === 0) settled.push(row);
      else {
        if (anyFinished) row.settleAfter ??= this.afterGrace();
        open.push(row);
      }
    }
    settled.sort((a, b) => (endOf(a) < endOf(b) ? -1 : endOf(a) > endOf(b) ? 1 : 0));
    return { ...this.outcome, open, settled };
  }

  private afterGrace(): string {
    return new Date(this.input.now.getTime() + graceMs).toISOString();
  }

  /** A sensor's clock is never believed about the future. */
  private clamp(observedAt: string): string {
    const now = this.input.now.toISOString();
    return Date.parse(observedAt) > this.input.now.getTime() ? now : observedAt;
  }
}

const endOf = (row: OpenExecution) => (row.finished.wire ?? row.finished.kernel)?.finished_at ?? '';

/** The row of the log that an open execution becomes; `lost` where no sensor told an outcome. */
export function settle(row: OpenExecution, now: Date) {
  const half = row.finished.wire ?? row.finished.kernel;
  const evidence: api.Evidence =
    row.finished.wire && row.finished.kernel
      ? 'both'
      : row.instances.wire && row.instances.kernel
        ? 'both'
        : row.instances.wire
          ? 'wire'
          : 'kernel';
  return {
    timestamp: half?.finished_at ?? now.toISOString(),
    startedAt: row.startedAt,
    outcome: (half?.outcome ?? 'lost') as api.Outcome,
    evidence,
    executionTimeMs: half ? Math.min(Math.round(half.duration_us / 1_000), 2_147_483_647) : null,
    cellNumber: half?.cell_number ?? row.cellNumber,
    errorName: half ? half.error_name : 'KernelDied',
    errorMessage: half ? half.error_message : 'KernelDied: the kernel ended before it reported an outcome',
  };
}
