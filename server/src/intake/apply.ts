/** Reads what is known of the requests that a delivery names, merges, and writes what came of it. */
import type { capture } from '@shaparak/contract';
import { amendExecution, countCovered } from '../log/amend.js';
import { appendExecutions, type NewExecution } from '../log/append.js';
import { digestOf, readDigestKey, storeSnippets } from '../log/snippets.js';
import { toStored } from '../log/text.js';
import { type Transaction, together } from '../platform/postgres.js';
import type { IntakeDependencies } from './dependencies.js';
import { recordFindings } from './findings.js';
import { keepAside } from './keep-aside.js';
import { type MergeResult, mergeObservations } from './merge.js';
import type { OpenExecution } from './open-execution.js';
import { deleteOpen, readExpectation, readOpen, readSettled, saveOpen } from './open-execution-table.js';
import { type SettledExecution, settle } from './witnesses.js';

/** What is known before a delivery is merged. */
interface Known {
  key: Buffer;
  open: OpenExecution[];
  settled: SettledExecution[];
  expectsKernelSensor: boolean;
}

/** Takes this kernel's turn, and reads what is known of the requests that the observations name. */
async function readKnown(
  transaction: Transaction,
  userId: number,
  sensor: capture.Sensor,
  observations: capture.Observation[],
): Promise<Known> {
  const kernelId = toStored(sensor.kernel_id);
  const messageIds = [...new Set(observations.flatMap((one) => ('msg_id' in one ? [toStored(one.msg_id)] : [])))];
  const stops = observations.some((one) => one.type === 'sensor_stopped');
  // Both sensors of a kernel deliver at the same time: they take turns, or each would open the same execution.
  await transaction`select pg_advisory_xact_lock(hashtextextended(${`kernel ${kernelId}`}, ${userId}))`;
  const [key, open, settled, expectsKernelSensor] = await together([
    readDigestKey(transaction, userId),
    readOpen(transaction, userId, kernelId, messageIds, stops ? sensor.instance : null),
    readSettled(transaction, userId, kernelId, messageIds),
    readExpectation(transaction, userId, kernelId),
  ]);
  return { key, open, settled, expectsKernelSensor };
}

export async function applyObservations(
  deps: Pick<IntakeDependencies, 'clock' | 'timeZone'>,
  transaction: Transaction,
  userId: number,
  sensor: capture.Sensor,
  observations: capture.Observation[],
): Promise<Pick<MergeResult, 'quarantined'>> {
  if (observations.length === 0) return { quarantined: [] };
  const known = await readKnown(transaction, userId, sensor, observations);
  const { key, open: before, settled, expectsKernelSensor } = known;
  const now = deps.clock.now();
  const kernelId = toStored(sensor.kernel_id);
  const merged = mergeObservations({
    sensor,
    open: before,
    settled,
    observations,
    expectsKernelSensor,
    digest: (text) => digestOf(key, text),
    now,
  });
  await storeCode(transaction, userId, key, [...merged.open, ...merged.settled]);
  await together([
    deleteOpen(transaction, userId, kernelId, gone(before, merged.open)),
    saveOpen(transaction, userId, kernelId, merged.open),
    appendSettled(transaction, userId, deps.timeZone, kernelId, merged.settled, expectsKernelSensor, now),
  ]);
  await keepAside(transaction, userId, sensor, key, merged);
  await applyLateWords(transaction, userId, deps.timeZone, sensor, merged);
  return merged;
}

function gone(before: OpenExecution[], after: OpenExecution[]): OpenExecution[] {
  const left = new Set(after);
  return before.filter((row) => !left.has(row));
}

async function storeCode(transaction: Transaction, userId: number, key: Buffer, rows: OpenExecution[]): Promise<void> {
  const unstored = rows.filter((row) => row.snippetId === null);
  if (unstored.length === 0) return;
  const texts = unstored.map((row) => ({ code: row.code ?? '', truncated: row.codeTruncated }));
  const ids = await storeSnippets(transaction, userId, key, texts);
  unstored.forEach((row, index) => {
    row.snippetId = ids[index] ?? null;
  });
}

/** Turns finished or lost executions into rows of the log. */
export async function appendSettled(
  transaction: Transaction,
  userId: number,
  timeZone: string,
  kernelId: string,
  rows: OpenExecution[],
  expectsKernelSensor: boolean,
  now: Date,
): Promise<void> {
  const executions = rows.map((row): NewExecution => {
    const settled = settle(row, now);
    return {
      ...settled,
      snippetId: row.snippetId as number,
      occurrence: row.occurrence,
      kernelId,
      msgId: row.msgId,
      cellId: row.cellId,
      notebookPath: row.notebookPath,
      clientSession: row.clientSession,
      covered: settled.evidence === 'both' || (settled.evidence === 'wire' && !expectsKernelSensor),
    };
  });
  await appendExecutions(transaction, userId, timeZone, executions);
}

async function applyLateWords(
  transaction: Transaction,
  userId: number,
  timeZone: string,
  sensor: capture.Sensor,
  { witnesses, amendments, findings }: MergeResult,
): Promise<void> {
  for (const { completes } of witnesses)
    if (completes) await countCovered(transaction, userId, timeZone, completes.timestamp);
  for (const { execution, half } of amendments)
    await amendExecution(transaction, userId, timeZone, {
      executionId: execution.executionId,
      timestamp: execution.timestamp,
      instance: sensor.instance,
      outcome: half.outcome,
      executionTimeMs: Math.min(Math.round(half.duration_us / 1_000), 2_147_483_647),
      errorName: half.error_name,
      errorMessage: half.error_message,
    });
  await recordFindings(transaction, userId, toStored(sensor.kernel_id), sensor.instance, findings);
}
