/** Findings are added and never changed; one with a `once` is told a single time. */
import { toStored } from '../log/text.js';
import type { Transaction } from '../platform/postgres.js';
import { storedJson } from './stored-json.js';
import type { Finding } from './witnesses.js';

export async function recordFindings(
  transaction: Transaction,
  userId: number,
  kernelId: string | null,
  instance: string | null,
  findings: Finding[],
): Promise<void> {
  for (const { kind, msgId, occurrence, evidence, once } of findings)
    await transaction`
      insert into finding (user_id, kind, kernel_id, msg_id, occurrence, instance, evidence, once)
      values (${userId}, ${kind}, ${kernelId}, ${msgId === null ? null : toStored(msgId)}, ${occurrence}, ${instance},
        ${storedJson(evidence)}::text::jsonb, ${once === undefined ? null : toStored(once)})
      on conflict (user_id, kind, once) do nothing`;
}
