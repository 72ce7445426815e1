/** What belongs to an execution and is no row of the log: requests that never ran, late words, input, files. */
import type { capture } from '@shaparak/contract';
import { redact } from '../log/redact.js';
import { storeSnippets } from '../log/snippets.js';
import { toStored } from '../log/text.js';
import type { Transaction } from '../platform/postgres.js';
import type { MergeResult } from './merge.js';
import { storedJson } from './stored-json.js';

export async function keepAside(
  transaction: Transaction,
  userId: number,
  sensor: capture.Sensor,
  key: Buffer,
  merged: MergeResult,
): Promise<void> {
  const kernelId = toStored(sensor.kernel_id);
  await keepNotRun(transaction, userId, sensor, key, merged.notRun);
  for (const { msgId, occurrence, body } of merged.witnesses)
    await transaction`
      insert into witness (user_id, kernel_id, msg_id, occurrence, kind, instance, body)
      values (${userId}, ${kernelId}, ${toStored(msgId)}, ${occurrence}, ${sensor.kind}, ${sensor.instance},
        ${storedJson(body)}::text::jsonb)`;
  // Kept whole as a witness of nothing: the text is the kernel's own word.
  for (const body of merged.unasked)
    await transaction`
      insert into witness (user_id, kernel_id, msg_id, occurrence, kind, instance, body)
      values (${userId}, ${kernelId}, ${toStored(body.msg_id)}, 0, ${sensor.kind}, ${sensor.instance},
        ${storedJson(body)}::text::jsonb)`;
  for (const given of merged.inputs)
    await transaction`
      insert into execution_input (user_id, kernel_id, msg_id, given_at, prompt, password, text, length)
      values (${userId}, ${kernelId}, ${toStored(given.msg_id)}, ${given.observed_at}, ${toStored(redact(given.prompt))},
        ${given.password}, ${given.password || given.text === null ? null : toStored(redact(given.text))}, ${given.length})`;
  for (const file of merged.files)
    await transaction`
      insert into file_run (user_id, kernel_id, msg_id, run_at, path, bytes, sha256)
      values (${userId}, ${kernelId}, ${toStored(file.msg_id)}, ${file.observed_at}, ${toStored(file.path)}, ${file.bytes},
        decode(${file.sha256}::text, 'hex'))`;
  if (merged.lost > 0 || merged.stopped)
    await transaction`
      update sensor set lost_count = lost_count + ${merged.lost},
        stopped_at = case when ${merged.stopped} then coalesce(stopped_at, now()) else stopped_at end
      where user_id = ${userId} and instance = ${sensor.instance}`;
}

async function keepNotRun(
  transaction: Transaction,
  userId: number,
  sensor: capture.Sensor,
  key: Buffer,
  requests: capture.ExecutionNotRun[],
): Promise<void> {
  if (requests.length === 0) return;
  const texts = requests.map(({ code, code_truncated }) => ({ code, truncated: code_truncated }));
  const ids = await storeSnippets(transaction, userId, key, texts);
  for (const [index, request] of requests.entries())
    await transaction`
      insert into request_not_run (user_id, kernel_id, msg_id, requested_at, snippet_id, cell_id, notebook_path,
        client_session, reason, kind)
      values (${userId}, ${toStored(sensor.kernel_id)}, ${toStored(request.msg_id)}, ${request.observed_at},
        ${ids[index] as number}, ${storedOrNull(request.cell_id)}, ${storedOrNull(request.notebook_path)},
        ${toStored(request.client_session)}, ${toStored(request.reason)}, ${sensor.kind})`;
}

const storedOrNull = (text: string | null) => (text === null ? null : toStored(text));
