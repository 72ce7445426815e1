/** Is a kernel's sensor really reporting? Answers the banner's last line and `doctor`. */
import type { capture } from '@shaparak/contract';
import { toStored } from '../log/text.js';
import type { Database } from '../platform/postgres.js';

/** Three missed heartbeats of 15 s. */
const silentAfterSeconds = 45;

export async function captureStatus(
  database: Database,
  userId: number,
  kernelId: string,
): Promise<Pick<capture.CaptureStatus, 'reporting' | 'instance' | 'reason'>> {
  const [row] = await database<{ instance: string; stopped: boolean; heard: boolean }[]>`
    select instance, stopped_at is not null as stopped,
      last_heard_at > now() - ${silentAfterSeconds} * interval '1 second' as heard
    from sensor
    where user_id = ${userId} and kernel_id = ${toStored(kernelId)} and kind = 'kernel'
    order by started_at desc limit 1`;
  if (!row || row.stopped) return { reporting: false, instance: row?.instance ?? null, reason: 'no-sensor' };
  return { reporting: row.heard, instance: row.instance, reason: row.heard ? null : 'silent' };
}
