/**
 * What is wrong with the sensors themselves: records that are missing between others, a kernel that runs and is silent, a
 * kernel that nobody saw start, a request that only the gateway says was given up. Each is told once, as a finding, and
 * none while what is missed may only be late: after an outage sensors come back within their longest backoff.
 */
import { type Finding, recordFindings } from '../intake/index.js';
import { fromStored } from '../log/index.js';
import type { Database } from '../platform/postgres.js';

interface Suspicion {
  userId: number;
  kernelId: string;
  instance: string | null;
  finding: Finding;
}

/** A kernel's sensor tries again after 10 s at most. */
const sensorsReturnMs = 15_000;
/** Three signs of life. */
const silentMs = 45_000;

/**
 * @param readyForMs how long deliveries have been taken without a break
 * @returns how many suspicions there are now, told before or not
 */
export async function checkSensors(database: Database, readyForMs: number): Promise<number> {
  if (readyForMs < sensorsReturnMs) return 0;
  const suspicions = [
    ...(await holes(database)),
    ...(readyForMs < silentMs ? [] : await silentSensors(database)),
    ...(await unregisteredKernels(database)),
    ...(await unconfirmedAborts(database)),
  ];
  for (const { userId, kernelId, instance, finding } of suspicions)
    await database.begin((transaction) => recordFindings(transaction, userId, kernelId, instance, [finding]));
  return suspicions.length;
}

/** Records are delivered in order; a hole that is three seconds old is not a delivery on its way. */
async function holes(database: Database): Promise<Suspicion[]> {
  const rows = await database<{ userId: number; kernelId: string; instance: string; kind: string; missing: string }[]>`
    select user_id as "userId", kernel_id as "kernelId", instance, kind,
      (int8multirange(int8range(1, upper(received))) - received)::text as missing
    from sensor
    where hole_since < now() - interval '3 seconds'
      and not exists (select from finding f where f.user_id = sensor.user_id and f.kind = 'sequence-gap'
        and f.once = sensor.instance || ' ' || (int8multirange(int8range(1, upper(received))) - received)::text)
    limit 100`;
  return rows.map(({ userId, kernelId, instance, kind, missing }) => ({
    userId,
    kernelId,
    instance,
    finding: {
      kind: 'sequence-gap',
      msgId: null,
      occurrence: null,
      evidence: { sensor: kind, missing: missing.slice(0, 1_000) },
      once: `${instance} ${missing}`,
    },
  }));
}

/** A kernel that the gateway still sees, whose newest sensor has missed three signs of life. */
async function silentSensors(database: Database): Promise<Suspicion[]> {
  const rows = await database<{ userId: number; kernelId: string; instance: string; heardAt: string }[]>`
    select k.user_id as "userId", k.kernel_id as "kernelId", k.instance, k.last_heard_at::text as "heardAt"
    from sensor w
    join lateral (select * from sensor k where k.user_id = w.user_id and k.kernel_id = w.kernel_id and k.kind = 'kernel'
      order by k.started_at desc limit 1) as k on true
    where w.kind = 'wire' and w.stopped_at is null and w.last_heard_at > now() - interval '60 seconds'
      and w.expects_kernel_sensor and k.stopped_at is null and k.last_heard_at < now() - ${silentMs} * interval '1 millisecond'
    limit 100`;
  return rows.map(({ userId, kernelId, instance, heardAt }) => ({
    userId,
    kernelId,
    instance,
    finding: {
      kind: 'sensor-silent',
      msgId: null,
      occurrence: null,
      evidence: { last_heard_at: heardAt },
      once: `${instance} ${heardAt}`,
    },
  }));
}

/** Kernels start over the gateway; a sensor of one that it never saw start runs in a kernel that somebody made. */
async function unregisteredKernels(database: Database): Promise<Suspicion[]> {
  const rows = await database<{ userId: number; kernelId: string; instance: string }[]>`
    select k.user_id as "userId", k.kernel_id as "kernelId", k.instance
    from sensor k
    where k.kind = 'kernel' and k.first_heard_at between now() - interval '1 hour' and now() - interval '3 seconds'
      and not exists (select from sensor w where w.user_id = k.user_id and w.kernel_id = k.kernel_id and w.saw_start)
      and exists (select from wire_progress where told_at > now() - interval '30 seconds' and caught_up_to > k.first_heard_at)
      and not exists (select from finding f where f.user_id = k.user_id and f.kind = 'unregistered-kernel' and f.once = k.kernel_id)
    limit 100`;
  return rows.map(({ userId, kernelId, instance }) => ({
    userId,
    kernelId,
    instance,
    finding: { kind: 'unregistered-kernel', msgId: null, occurrence: null, evidence: {}, once: fromStored(kernelId) },
  }));
}

/** "Never ran" is the reply of a process that the user controls: the kernel's sensor has to say so too. */
async function unconfirmedAborts(database: Database): Promise<Suspicion[]> {
  const rows = await database<{ userId: number; kernelId: string; msgId: string }[]>`
    select n.user_id as "userId", n.kernel_id as "kernelId", n.msg_id as "msgId"
    from request_not_run n
    where n.kind = 'wire' and n.requested_at between now() - interval '10 minutes' and now() - interval '4 seconds'
      and not exists (select from request_not_run k where k.user_id = n.user_id and k.kernel_id = n.kernel_id
        and k.msg_id = n.msg_id and k.kind = 'kernel')
      and n.reason = 'aborted'
      and coalesce((select expects_kernel_sensor from sensor w where w.user_id = n.user_id and w.kernel_id = n.kernel_id
        and w.kind = 'wire' and w.expects_kernel_sensor is not null order by w.started_at desc limit 1), true)
      and not exists (select from finding f where f.user_id = n.user_id and f.kind = 'wire-only'
        and f.once = n.kernel_id || ' ' || n.msg_id)
    order by n.requested_at limit 100`;
  return rows.map(({ userId, kernelId, msgId }) => ({
    userId,
    kernelId,
    instance: null,
    finding: {
      kind: 'wire-only',
      // Ids come as they are stored, and are stored again: twice escaped they would never be found as told.
      msgId: fromStored(msgId),
      occurrence: null,
      evidence: { never_ran: true },
      once: `${fromStored(kernelId)} ${fromStored(msgId)}`,
    },
  }));
}
