/**
 * Two witnesses of one execution: what they may differ in, and the row that the execution becomes. The wire's word is the
 * row's wherever there is one; every difference is a finding, and nothing is repaired in silence.
 */
import type { api } from '@shaparak/contract';
import type { FinishedHalf, OpenExecution, SensorKind } from './open-execution.js';

export interface Finding {
  kind: api.FindingKind;
  msgId: string | null;
  occurrence: number | null;
  /** never code: administrators read it */
  evidence: Record<string, string | number | boolean | null>;
  /** told one time for each value */
  once?: string;
}

/** What the log already holds of a msg_id. */
export interface SettledExecution {
  executionId: number;
  /** when it ended, as PostgreSQL writes it */
  timestamp: string;
  msgId: string;
  occurrence: number;
  evidence: api.Evidence;
  outcome: api.Outcome;
  codeDigest: string;
  /** a second witness has spoken already, after the execution was settled */
  witnessed: boolean;
}

/** Kernel and gateway run on one machine: more is a clock that was changed, or a record that was made up. */
const clockToleranceMs = 5_000;

export function compareCode(
  known: { msgId: string; occurrence: number; codeDigest: string },
  digest: string,
  secondWitness: SensorKind,
): Finding | null {
  if (known.codeDigest === digest) return null;
  const { msgId, occurrence } = known;
  return { kind: 'code-differs', msgId, occurrence, evidence: { second_witness: secondWitness } };
}

/** For an execution that is about to be settled. */
export function compareOutcomes({ msgId, occurrence, finished, instances }: OpenExecution): Finding | null {
  const { wire, kernel } = finished;
  if (wire && kernel) {
    if (wire.outcome === kernel.outcome && wire.error_name === kernel.error_name) return null;
    return { kind: 'outcome-differs', msgId, occurrence, evidence: { wire: told(wire), kernel: told(kernel) } };
  }
  // A death has no end that the kernel could tell.
  if (instances.wire === null || instances.kernel === null || wire?.outcome === 'lost' || (!wire && !kernel))
    return null;
  return { kind: 'end-unwitnessed', msgId, occurrence, evidence: { missing: wire ? 'kernel' : 'wire' } };
}

/** Told once for a kernel's sensor: a wrong clock is wrong in every record. */
export function compareClocks({ msgId, occurrence, finished, instances }: OpenExecution): Finding | null {
  const { wire, kernel } = finished;
  if (!wire || !kernel || wire.outcome === 'lost') return null;
  const difference = Date.parse(kernel.finished_at) - Date.parse(wire.finished_at);
  if (Math.abs(difference) <= clockToleranceMs) return null;
  const evidence = { kernel_ahead_ms: difference };
  return { kind: 'clock-difference', msgId, occurrence, evidence, once: instances.kernel ?? '' };
}

/** An execution that only one of its expected witnesses saw; told when the grace is over. */
export function missingWitness(
  { msgId, occurrence, instances }: OpenExecution,
  expectsKernelSensor: boolean,
): Finding | null {
  if (instances.wire === null) return { kind: 'kernel-only', msgId, occurrence, evidence: {} };
  if (instances.kernel === null && expectsKernelSensor) return { kind: 'wire-only', msgId, occurrence, evidence: {} };
  return null;
}

/** A word about an end that the log has already: a `lost` one is amended by it, any other stands. */
export function lateOutcome(
  settled: SettledExecution,
  half: FinishedHalf,
  kind: SensorKind,
): { finding: Finding | null; amends: boolean } {
  if (half.outcome === settled.outcome || half.outcome === 'lost') return { finding: null, amends: false };
  const { msgId, occurrence, outcome } = settled;
  const evidence = { log: outcome, [kind]: told(half), late: true };
  return { finding: { kind: 'outcome-differs', msgId, occurrence, evidence }, amends: outcome === 'lost' };
}

/** An error's name is the person's own word at times, so it is cut short. */
const told = ({ outcome, error_name }: FinishedHalf) =>
  error_name === null ? outcome : `${outcome} (${error_name.slice(0, 100)})`;

/** The row of the log that an open execution becomes; `lost` where no sensor told an outcome. */
export function settle({ finished, instances, startedAt, cellNumber }: OpenExecution, now: Date) {
  const half = finished.wire ?? finished.kernel;
  const evidence: api.Evidence = instances.wire ? (instances.kernel ? 'both' : 'wire') : 'kernel';
  const isLost = half === null || half.outcome === 'lost';
  return {
    timestamp: half?.finished_at ?? now.toISOString(),
    startedAt: isLost ? startedAt : beginningOf(half, startedAt),
    outcome: half?.outcome ?? ('lost' as const),
    evidence,
    executionTimeMs: isLost ? null : Math.min(Math.round(half.duration_us / 1_000), 2_147_483_647),
    cellNumber: finished.wire?.cell_number ?? finished.kernel?.cell_number ?? cellNumber,
    errorName: isLost ? 'KernelDied' : half.error_name,
    errorMessage: isLost ? 'KernelDied: the kernel ended before it reported an outcome' : half.error_message,
  };
}

/** A request may have waited behind others: it began its duration before its end, and never before it was asked for. */
function beginningOf({ finished_at, duration_us }: FinishedHalf, askedAt: string): string {
  const began = Date.parse(finished_at) - duration_us / 1_000;
  return began > Date.parse(askedAt) ? new Date(began).toISOString() : askedAt;
}
