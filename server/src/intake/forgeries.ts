/**
 * Deliveries that are not what they say. Everything in a person's reach can write to the person's socket, so a claim that
 * its sensor can't make is refused and told, with what it claimed and nothing of its records.
 */
import type { capture } from '@shaparak/contract';
import { toStored } from '../log/text.js';
import type { Database } from '../platform/postgres.js';
import { recordFindings } from './findings.js';

export interface Forgery {
  kernelId: string;
  reason: capture.RefusedDelivery['reason'] | 'wire';
  claimedKernelId: string;
  instance: string;
}

/** @returns why this delivery may not come over a person's socket, or null */
export function forgeryIn({ sensor }: capture.Delivery, vouchedKernelId: string | null): Forgery | null {
  const claim = { claimedKernelId: sensor.kernel_id, instance: sensor.instance };
  const kernelId = vouchedKernelId ?? sensor.kernel_id;
  // The wire's word comes from the gateway, which speaks to the database itself.
  if (sensor.kind !== 'kernel') return { kernelId, reason: 'wire', ...claim };
  if (kernelId !== sensor.kernel_id) return { kernelId, reason: 'kernel-id', ...claim };
  return null;
}

export async function recordForgery(database: Database, userId: number, forgery: Forgery): Promise<void> {
  const { kernelId, reason, claimedKernelId, instance } = forgery;
  const finding = {
    kind: 'forged-delivery' as const,
    msgId: null,
    occurrence: null,
    evidence: { reason, claimed_kernel_id: claimedKernelId, claimed_instance: instance },
    once: `${kernelId} ${reason} ${instance}`,
  };
  await database.begin((transaction) => recordFindings(transaction, userId, toStored(kernelId), null, [finding]));
}
