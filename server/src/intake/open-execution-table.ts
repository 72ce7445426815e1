/** The table of what runs now: durable, small, one row an execution until it is settled. */
import { fromStored, toStored } from '../log/text.js';
import type { Transaction } from '../platform/postgres.js';
import { graceMs } from './merge.js';
import type { FinishedHalf, OpenExecution } from './open-execution.js';
import type { SettledExecution } from './witnesses.js';

export interface StoredOpenExecution {
  userId: number;
  kernelId: string;
  msgId: string;
  occurrence: number;
  snippetId: number;
  codeDigest: string;
  startedAt: Date;
  cellNumber: number | null;
  cellId: string | null;
  notebookPath: string | null;
  clientSession: string;
  silent: boolean;
  storeHistory: boolean;
  kernelInstance: string | null;
  wireInstance: string | null;
  kernelFinished: FinishedHalf | null;
  wireFinished: FinishedHalf | null;
  settleAfter: Date | null;
}

export const openColumns = `user_id as "userId", kernel_id as "kernelId", msg_id as "msgId", occurrence,
  snippet_id as "snippetId", (select encode(s.digest, 'hex') from snippet s
    where s.user_id = open_execution.user_id and s.id = snippet_id) as "codeDigest", started_at as "startedAt", cell_number as "cellNumber", cell_id as "cellId",
  notebook_path as "notebookPath", client_session as "clientSession", silent, store_history as "storeHistory",
  kernel_instance as "kernelInstance", wire_instance as "wireInstance", kernel_finished as "kernelFinished",
  wire_finished as "wireFinished", settle_after as "settleAfter"`;

export function fromRow(row: StoredOpenExecution): OpenExecution {
  return {
    msgId: fromStored(row.msgId),
    occurrence: row.occurrence,
    code: null,
    codeTruncated: undefined,
    codeDigest: row.codeDigest,
    snippetId: row.snippetId,
    startedAt: row.startedAt.toISOString(),
    cellNumber: row.cellNumber,
    cellId: mapped(row.cellId, fromStored),
    notebookPath: mapped(row.notebookPath, fromStored),
    clientSession: fromStored(row.clientSession),
    silent: row.silent,
    storeHistory: row.storeHistory,
    instances: { kernel: row.kernelInstance, wire: row.wireInstance },
    finished: { kernel: halfWith(row.kernelFinished, fromStored), wire: halfWith(row.wireFinished, fromStored) },
    settleAfter: row.settleAfter?.toISOString() ?? null,
  };
}

const mapped = (text: string | null, map: (text: string) => string) => (text === null ? null : map(text));

/** The finished half lies in jsonb, which refuses what text refuses. */
function halfWith(half: FinishedHalf | null, map: (text: string) => string): FinishedHalf | null {
  if (half === null) return null;
  return { ...half, error_name: mapped(half.error_name, map), error_message: mapped(half.error_message, map) };
}

/** Locks and reads the open executions of some messages, and all of an instance that says it stops. */
export async function readOpen(
  transaction: Transaction,
  userId: number,
  kernelId: string,
  messageIds: string[],
  stoppingInstance: string | null,
): Promise<OpenExecution[]> {
  const rows = await transaction<StoredOpenExecution[]>`
    select ${transaction.unsafe(openColumns)} from open_execution
    where user_id = ${userId} and kernel_id = ${kernelId}
      and (msg_id = any(${messageIds}::text[]) or kernel_instance = ${stoppingInstance} or wire_instance = ${stoppingInstance})
    order by msg_id, occurrence for update`;
  return rows.map(fromRow);
}

/**
 * What the log holds of these messages, with what was amended and witnessed since. Most messages are new to it, so their
 * keys are asked for first: joined at once, a log without statistics yet was read from end to end for each delivery.
 */
export async function readSettled(
  transaction: Transaction,
  userId: number,
  kernelId: string,
  messageIds: string[],
): Promise<SettledExecution[]> {
  if (messageIds.length === 0) return [];
  const keys = await transaction<{ id: number; timestamp: string }[]>`
    select execution_id as id, "timestamp"::text as "timestamp" from execution_key
    where user_id = ${userId} and kernel_id = ${kernelId} and msg_id = any(${messageIds}::text[])`;
  if (keys.length === 0) return [];
  const rows = await transaction<SettledExecution[]>`
    select e.id as "executionId", e."timestamp"::text as "timestamp", e.msg_id as "msgId", e.occurrence,
      e.evidence, coalesce(a.outcome, e.outcome) as outcome, encode(s.digest, 'hex') as "codeDigest",
      exists (select from witness w where w.user_id = e.user_id and w.kernel_id = e.kernel_id and w.msg_id = e.msg_id
        and w.occurrence = e.occurrence and w.body ->> 'type' = 'execution_started') as witnessed
    from unnest(${keys.map(({ id }) => id)}::bigint[], ${keys.map(({ timestamp }) => timestamp)}::text[]::timestamptz[])
      as k(id, "timestamp")
    join execution e on e.user_id = ${userId} and e."timestamp" = k."timestamp" and e.id = k.id
    join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
    left join amendment a on a.user_id = e.user_id and a.execution_id = e.id
    order by e.occurrence`;
  return rows.map((row) => ({ ...row, msgId: fromStored(row.msgId) }));
}

/** Does this kernel bring a sensor of its own? Only the gateway knows; until it has told, the answer is yes. */
export async function readExpectation(transaction: Transaction, userId: number, kernelId: string): Promise<boolean> {
  const [row] = await transaction<{ expected: boolean | null }[]>`
    select expects_kernel_sensor as expected from sensor
    where user_id = ${userId} and kernel_id = ${kernelId} and kind = 'wire' and expects_kernel_sensor is not null
    order by started_at desc limit 1`;
  return row?.expected ?? true;
}

export async function saveOpen(
  transaction: Transaction,
  userId: number,
  kernelId: string,
  rows: OpenExecution[],
): Promise<void> {
  if (rows.length === 0) return;
  const stored = rows.map((row) => ({
    msg_id: toStored(row.msgId),
    occurrence: row.occurrence,
    snippet_id: row.snippetId,
    started_at: row.startedAt,
    cell_number: row.cellNumber,
    cell_id: mapped(row.cellId, toStored),
    notebook_path: mapped(row.notebookPath, toStored),
    client_session: toStored(row.clientSession),
    silent: row.silent,
    store_history: row.storeHistory,
    kernel_instance: row.instances.kernel,
    wire_instance: row.instances.wire,
    kernel_finished: halfWith(row.finished.kernel, toStored),
    wire_finished: halfWith(row.finished.wire, toStored),
    settle_after: row.settleAfter,
  }));
  await transaction`
    insert into open_execution (user_id, kernel_id, msg_id, occurrence, snippet_id, started_at, cell_number, cell_id,
      notebook_path, client_session, silent, store_history, kernel_instance, wire_instance, kernel_finished,
      wire_finished, settle_after)
    select ${userId}, ${kernelId}, r.* from jsonb_to_recordset(${JSON.stringify(stored)}::text::jsonb) as r(
      msg_id text, occurrence int, snippet_id bigint, started_at timestamptz, cell_number int, cell_id text,
      notebook_path text, client_session text, silent boolean, store_history boolean, kernel_instance uuid,
      wire_instance uuid, kernel_finished jsonb, wire_finished jsonb, settle_after timestamptz)
    on conflict (user_id, kernel_id, msg_id, occurrence) do update set
      cell_number = excluded.cell_number, kernel_instance = excluded.kernel_instance,
      wire_instance = excluded.wire_instance, kernel_finished = excluded.kernel_finished,
      wire_finished = excluded.wire_finished, settle_after = excluded.settle_after`;
}

export async function deleteOpen(
  transaction: Transaction,
  userId: number,
  kernelId: string,
  rows: OpenExecution[],
): Promise<void> {
  if (rows.length === 0) return;
  await transaction`
    delete from open_execution o
    using unnest(${rows.map((row) => toStored(row.msgId))}::text[], ${rows.map((row) => row.occurrence)}::int[])
      as gone(msg_id, occurrence)
    where o.user_id = ${userId} and o.kernel_id = ${kernelId} and o.msg_id = gone.msg_id
      and o.occurrence = gone.occurrence`;
}

/**
 * A kernel that starts anew has ended whatever its earlier process was running. Asked after each delivery of a kernel: the
 * last records of a killed process come later than the first ones of its successor.
 */
export async function loseOlderInstances(
  transaction: Transaction,
  userId: number,
  kernelId: string,
  now: Date,
): Promise<void> {
  await transaction`
    update open_execution set settle_after = ${new Date(now.getTime() + graceMs)}
    where user_id = ${userId} and kernel_id = ${kernelId} and settle_after is null
      and kernel_instance in (
        select older.instance from sensor older
        where older.user_id = ${userId} and older.kernel_id = ${kernelId} and older.kind = 'kernel'
          and exists (select from sensor newer where newer.user_id = older.user_id
            and newer.kernel_id = older.kernel_id and newer.kind = 'kernel' and newer.started_at > older.started_at))`;
}
