/**
 * How observations of both sensors become executions: a pure function over what is known of the requests they name.
 *
 * An execution is named by (kernel_id, msg_id, occurrence). Its life:
 *
 *   (nothing) --started by a first sensor--> open --all expected sensors told its end--> settled (one row in the log)
 *                                             |--one told it, another is still expected--> settles when the grace is over
 *                                             `--its kernel ended, or nobody is heard of it any more--> lost, after the grace
 *   settled --a late or differing word--> stays as it is; the word is appended as a witness, and may amend a `lost`
 *
 * What must always be true: an observation changes exactly one of these or is quarantined; a request that never ran is
 * kept apart and is no execution; a msg_id that is sent again opens a new occurrence and leaves a finding; where two
 * witnesses differ, the wire's word is the row's and a finding says so.
 */
import type { capture } from '@shaparak/contract';
import type { CodeText } from '../log/snippets.js';
import type { FinishedHalf, OpenExecution, SensorKind } from './open-execution.js';
import {
  compareClocks,
  compareCode,
  compareOutcomes,
  type Finding,
  lateOutcome,
  type SettledExecution,
} from './witnesses.js';

/** Grace for the second witness, milliseconds (DESIGN: the way of one execution). */
export const graceMs = 2_000;
/** A killed kernel's last records are delivered by its server, which looks every 3 s. */
const graceAfterDeathMs = 8_000;

export interface MergeInput {
  sensor: { kind: SensorKind; instance: string };
  open: OpenExecution[];
  settled: SettledExecution[];
  observations: capture.Observation[];
  /** false for kernels of a language that brings no sensor: the wire is their only witness */
  expectsKernelSensor: boolean;
  digest(text: CodeText): string;
  now: Date;
}

interface Amendment {
  execution: SettledExecution;
  half: FinishedHalf;
}

export interface MergeResult {
  /** still running or in grace: to be stored as they are now */
  open: OpenExecution[];
  /** ready for the log, in the order in which they ended */
  settled: OpenExecution[];
  notRun: capture.ExecutionNotRun[];
  inputs: capture.InputGiven[];
  files: capture.FileRun[];
  unasked: capture.OutputWithoutRequest[];
  /** `completes`: the settled execution that this word gave its second witness */
  witnesses: { msgId: string; occurrence: number; body: capture.Observation; completes: SettledExecution | null }[];
  amendments: Amendment[];
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
    inputs: [],
    files: [],
    unasked: [],
    witnesses: [],
    amendments: [],
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
        this.gap(observation);
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
      case 'input_given':
        this.outcome.inputs.push(observation);
        return;
      case 'file_run':
        this.outcome.files.push(observation);
        return;
      case 'output_without_request':
        this.unasked(observation);
    }
  }

  private gap({ count, reason }: Extract<capture.Observation, { type: 'gap' }>): void {
    this.outcome.lost += count;
    this.find({ kind: 'sensor-gap', msgId: null, occurrence: null, evidence: { count, reason } });
  }

  private start(seen: capture.ExecutionStarted): void {
    const { kind, instance } = this.input.sensor;
    const digest = this.input.digest({ code: seen.code, truncated: seen.code_truncated });
    const awaiting = this.open.find((row) => row.msgId === seen.msg_id && row.instances[kind] === null);
    if (awaiting) {
      awaiting.instances[kind] = instance;
      awaiting.cellNumber ??= seen.cell_number;
      this.find(compareCode(awaiting, digest, kind));
      // Both texts are kept: the row has the first one, the witness the other.
      if (awaiting.codeDigest !== digest) this.witness(awaiting, seen);
      return;
    }
    const other = kind === 'kernel' ? 'wire' : 'kernel';
    const late = this.input.settled.find(
      (row) => row.msgId === seen.msg_id && row.evidence === other && !row.witnessed,
    );
    if (late) {
      late.witnessed = true;
      this.witness(late, seen, late);
      this.find(compareCode(late, digest, kind));
      return;
    }
    this.openNew(seen, digest);
  }

  private openNew(seen: capture.ExecutionStarted, codeDigest: string): void {
    const { kind, instance } = this.input.sensor;
    const occurrence = this.nextOccurrence(seen.msg_id);
    if (occurrence > 1) this.find({ kind: 'msg-id-reused', msgId: seen.msg_id, occurrence, evidence: {} });
    this.open.push({
      msgId: seen.msg_id,
      occurrence,
      code: seen.code,
      codeTruncated: seen.code_truncated,
      codeDigest,
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
    const half = this.half(seen);
    const row = this.open.find(
      (candidate) =>
        candidate.msgId === seen.msg_id && candidate.instances[kind] === instance && candidate.finished[kind] === null,
    );
    if (row) {
      row.finished[kind] = half;
      return;
    }
    const settled = this.input.settled.findLast((candidate) => candidate.msgId === seen.msg_id);
    if (!settled && kind === 'wire') {
      // A gateway was killed before its start was written, and the next one heard the end. The kernel's word, which tells
      // of the execution, may be still on its way.
      this.witness({ msgId: seen.msg_id, occurrence: 1 }, seen);
      return;
    }
    if (!settled) {
      this.outcome.quarantined.push({ observation: seen, reason: 'finished without a start' });
      return;
    }
    this.witness(settled, seen);
    const late = lateOutcome(settled, half, kind);
    this.find(late.finding);
    if (late.amends) {
      settled.outcome = half.outcome;
      this.outcome.amendments.push({ execution: settled, half });
    }
  }

  private half(seen: capture.ExecutionFinished): FinishedHalf {
    return {
      outcome: seen.outcome,
      cell_number: seen.cell_number,
      duration_us: seen.duration_us,
      error_name: seen.error_name,
      error_message: seen.error_message,
      finished_at: this.clamp(seen.observed_at),
    };
  }

  /**
   * A request that was asked for and then given up is closed without a row in the log. The kernel's word alone does not
   * close what the wire saw, and the wire's does not close what the kernel began: either could hide an execution.
   */
  private neverRan(seen: capture.ExecutionNotRun): void {
    const { kind } = this.input.sensor;
    this.outcome.notRun.push(seen);
    const row = this.open.find((one) => one.msgId === seen.msg_id && one.finished[kind] === null);
    if (!row) return;
    if (kind === 'wire' && row.instances.kernel !== null) {
      const evidence = { wire: 'not run', kernel: 'started' };
      this.find({ kind: 'outcome-differs', msgId: row.msgId, occurrence: row.occurrence, evidence });
      row.finished.wire = givenUp(seen, this.clamp(seen.observed_at));
    } else if (kind === 'wire' || row.instances.wire === null) this.open.splice(this.open.indexOf(row), 1);
  }

  private unasked(seen: capture.OutputWithoutRequest): void {
    const isKnown = [...this.open, ...this.input.settled].some((row) => row.msgId === seen.msg_id);
    if (isKnown) return;
    this.outcome.unasked.push(seen);
    this.find({ kind: 'forged-output', msgId: seen.msg_id, occurrence: null, evidence: {}, once: seen.msg_id });
  }

  private witness(
    of: { msgId: string; occurrence: number },
    body: capture.Observation,
    completes: SettledExecution | null = null,
  ) {
    this.outcome.witnesses.push({ msgId: of.msgId, occurrence: of.occurrence, body, completes });
  }

  private find(finding: Finding | null): void {
    if (finding) this.outcome.findings.push(finding);
  }

  result(): MergeResult {
    const settled: OpenExecution[] = [];
    const open: OpenExecution[] = [];
    for (const row of this.open) {
      if (this.outcome.stopped && row.instances[this.input.sensor.kind] === this.input.sensor.instance)
        row.settleAfter ??= this.afterGrace(row);
      if (this.isComplete(row)) settled.push(row);
      else {
        if (row.finished.kernel ?? row.finished.wire) row.settleAfter ??= this.afterGrace(row);
        open.push(row);
      }
    }
    for (const row of settled) {
      this.find(compareOutcomes(row));
      this.find(compareClocks(row));
    }
    settled.sort((a, b) => (endOf(a) < endOf(b) ? -1 : endOf(a) > endOf(b) ? 1 : 0));
    return { ...this.outcome, open, settled };
  }

  private isComplete({ finished, instances }: OpenExecution): boolean {
    if (finished.wire && finished.kernel) return true;
    return finished.wire !== null && instances.kernel === null && !this.input.expectsKernelSensor;
  }

  private afterGrace({ finished }: OpenExecution): string {
    const grace = finished.wire?.outcome === 'lost' ? graceAfterDeathMs : graceMs;
    return new Date(this.input.now.getTime() + grace).toISOString();
  }

  /** A sensor's clock is never believed about the future. */
  private clamp(observedAt: string): string {
    const now = this.input.now.toISOString();
    return Date.parse(observedAt) > this.input.now.getTime() ? now : observedAt;
  }
}

const givenUp = ({ reason }: capture.ExecutionNotRun, at: string): FinishedHalf => ({
  outcome: 'error',
  cell_number: null,
  duration_us: 0,
  error_name: 'NotRun',
  error_message: `NotRun: ${reason}`,
  finished_at: at,
});

const endOf = (row: OpenExecution) => (row.finished.wire ?? row.finished.kernel)?.finished_at ?? '';
