/** Reads what is known of the requests that a delivery names, merges, and writes what came of it. */
import type { capture } from '@shaparak/contract';
import { appendExecutions, type NewExecution } from '../log/append.js';
import { readDigestKey, storeSnippets } from '../log/snippets.js';
import { toStored } from '../log/text.js';
import type { Transaction } from '../platform/postgres.js';
import { type MergeResult, mergeObservations, type OpenExecution, settle } from './merge.js';
import { deleteOpen, loseOlderInstances, readAwaited, readOpen, readSettled, saveOpen } from './open-executions.js';
import type { IntakeDependencies } from './receive.js';

export async function applyObservations(
  deps: Pick<IntakeDependencies, 'clock' | 'timeZone'>,
  transaction: Transaction,
  userId: number,
  sensor: capture.Sensor,
  observations: capture.Observation[],
): Promise<Pick<MergeResult, 'quarantined'>> {
  if (observations.length === 0) return { quarantined: [] };
  const now = deps.clock.now();
  const kernelId = toStored(sensor.kernel_id);
  const messageIds = [...new Set(observations.flatMap((one) => ('msg_id' in one ? [toStored(one.msg_id)] : [])))];
  const stops = observations.some((one) => one.type === 'sensor_stopped');
  const before = await readOpen(transaction, userId, kernelId, messageIds, stops ? sensor.instance : null);
  const merged = mergeObservations({
    sensor,
    open: before,
    settled: await readSettled(transaction, userId, kernelId, messageIds),
    observations,
    awaited: await readAwaited(transaction, userId, kernelId, sensor.kind),
    now,
  });
  await storeCode(transaction, userId, [...merged.open, ...merged.settled]);
  await deleteOpen(transaction, userId, kernelId, gone(before, merged.open));
  await saveOpen(transaction, userId, kernelId, merged.open);
  await appendSettled(transaction, userId, deps.timeZone, kernelId, merged.settled, now);
  await keepAside(transaction, userId, sensor, merged);
  if (observations.some((one) => one.type === 'sensor_started'))
    await loseOlderInstances(transaction, userId, kernelId, sensor, now);
  return merged;
}

function gone(before: OpenExecution[], after: OpenExecution[]): OpenExecution[] {
  const left = new Set(after);
  return before.filter((row) => !left.has(row));
}

async function storeCode(transaction: Transaction, userId: number, rows: OpenExecution[]): Promise<void> {
  const unstored = rows.filter((row) => row.snippetId === null);
  if (unstored.length === 0) return;
  const key = await readDigestKey(transaction, userId);
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
  now: Date,
): Promise<void> {
  const executions = rows.map(
    (row): NewExecution => ({
      ...settle(row, now),
      snippetId: row.snippetId as number,
      occurrence: row.occurrence,
      kernelId,
      msgId: row.msgId,
      cellId: row.cellId,
      notebookPath: row.notebookPath,
      clientSession: row.clientSession,
    }),
  );
  await appendExecutions(transaction, userId, timeZone, executions);
}

/** Requests that never ran, late words, findings, and what the sensor said of itself. */
async function keepAside(
  transaction: Transaction,
  userId: number,
  sensor: capture.Sensor,
  merged: MergeResult,
): Promise<void> {
  const kernelId = toStored(sensor.kernel_id);
  if (merged.notRun.length > 0) {
    const key = await readDigestKey(transaction, userId);
    const texts = merged.notRun.map(({ code, code_truncated }) => ({ code, truncated: code_truncated }));
    const ids = await storeSnippets(transaction, userId, key, texts);
    for (const [index, request] of merged.notRun.entries())
      await transaction`
        insert into request_not_run (user_id, kernel_id, msg_id, requested_at, snippet_id, cell_id, notebook_path,
          client_session, reason)
        values (${userId}, ${kernelId}, ${toStored(request.msg_id)}, ${request.observed_at}, ${ids[index] as number},
          ${storedOrNull(request.cell_id)}, ${storedOrNull(request.notebook_path)}, ${toStored(request.client_session)},
          ${toStored(request.reason)})`;
  }
  for (const { msgId, occurrence, body } of merged.witnesses)
    await transaction`
      insert into witness (user_id, kernel_id, msg_id, occurrence, kind, instance, body)
      values (${userId}, ${kernelId}, ${toStored(msgId)}, ${occurrence}, ${sensor.kind}, ${sensor.instance},
        ${storedJson(body)}::text::jsonb)`;
  for (const { kind, msgId, occurrence, evidence } of merged.findings)
    await transaction`
      insert into finding (user_id, kind, kernel_id, msg_id, occurrence, instance, evidence)
      values (${userId}, ${kind}, ${kernelId}, ${storedOrNull(msgId)}, ${occurrence}, ${sensor.instance},
        ${storedJson(evidence)}::text::jsonb)`;
  if (merged.lost > 0 || merged.stopped)
    await transaction`
      update sensor set lost_count = lost_count + ${merged.lost},
        stopped_at = case when ${merged.stopped} then coalesce(stopped_at, now()) else stopped_at end
      where user_id = ${userId} and instance = ${sensor.instance}`;
}

const storedOrNull = (text: string | null) => (text === null ? null : toStored(text));

/** jsonb refuses NUL and lone surrogates even as JSON escapes, so they are escaped inside the strings. */
const storedJson = (value: unknown) =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? toStored(part) : part));
