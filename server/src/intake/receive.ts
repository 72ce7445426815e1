/**
 * One delivery of one sensor, in one transaction: which records are new, what they change, and the receipt.
 * received = accepted + duplicate + quarantined, always; the caller answers the sensor only after the commit.
 */
import type { capture } from '@shaparak/contract';
import { toStored } from '../log/text.js';
import { isRetriable, type Transaction, together } from '../platform/postgres.js';
import { applyObservations } from './apply.js';
import { checkObservation, sequenceOf } from './check.js';
import type { IntakeDependencies } from './dependencies.js';
import { loseOlderInstances } from './open-execution-table.js';

interface Incoming {
  sequence: number | null;
  raw: unknown;
  checked: ReturnType<typeof checkObservation>;
}

/** Delivers a batch of one user's sensor; repeats of it change nothing. Retries only what PostgreSQL says may be retried. */
export async function receive(
  deps: IntakeDependencies,
  userId: number,
  delivery: capture.Delivery,
): Promise<capture.Receipt> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await deps.database.begin((transaction) => receiveOnce(deps, transaction, userId, delivery));
    } catch (error) {
      if (!isRetriable(error) || attempt >= 5) throw error;
    }
  }
}

async function receiveOnce(
  deps: IntakeDependencies,
  transaction: Transaction,
  userId: number,
  { sensor, observations }: capture.Delivery,
): Promise<capture.Receipt> {
  const incoming = observations.map(
    (raw): Incoming => ({ raw, sequence: sequenceOf(raw), checked: checkObservation(raw) }),
  );
  const ranges = await hearSensor(transaction, userId, sensor);
  const seen = new Set<number>();
  const fresh = incoming.filter(({ sequence }) => {
    if (sequence === null) return true;
    if (seen.has(sequence) || ranges.some(([from, to]) => sequence >= from && sequence < to)) return false;
    seen.add(sequence);
    return true;
  });
  await describeKernel(transaction, userId, sensor, fresh);
  const understood = fresh.flatMap(({ checked }) => (checked.kind === 'valid' ? [checked.observation] : []));
  const applied = await applyObservations(deps, transaction, userId, sensor, understood);
  const refused = [
    ...fresh.flatMap(({ checked, raw, sequence }) =>
      checked.kind === 'invalid' ? [{ sequence, reason: checked.reason, body: JSON.stringify(raw) ?? 'null' }] : [],
    ),
    ...applied.quarantined.map(({ observation, reason }) => ({
      sequence: observation.sequence,
      reason,
      body: JSON.stringify(observation),
    })),
  ];
  const [through] = await together([
    markReceived(transaction, userId, sensor.instance, [...seen]),
    quarantine(transaction, userId, sensor.instance, refused),
    sensor.kind === 'kernel' && fresh.length > 0
      ? loseOlderInstances(transaction, userId, toStored(sensor.kernel_id), deps.clock.now())
      : Promise.resolve(),
  ]);
  return {
    received: observations.length,
    accepted: fresh.length - refused.length,
    duplicate: observations.length - fresh.length,
    quarantined: refused.length,
    through,
  };
}

/** Registers or refreshes the sensor and locks its row, so that deliveries of one instance take turns. */
async function hearSensor(
  transaction: Transaction,
  userId: number,
  sensor: capture.Sensor,
): Promise<[number, number][]> {
  const [row] = await transaction<{ received: string }[]>`
    insert into sensor (user_id, instance, kind, kernel_id, language, version, started_at)
    values (${userId}, ${sensor.instance}, ${sensor.kind}, ${toStored(sensor.kernel_id)}, ${toStored(sensor.language)},
      ${toStored(sensor.version)}, ${sensor.started_at})
    on conflict (user_id, instance) do update set last_heard_at = now()
    returning received::text as received`;
  return parseRanges(row?.received ?? '{}');
}

/** The wire sensor's first record of a kernel says how it was started and whether it brings a sensor of its own. */
async function describeKernel(
  transaction: Transaction,
  userId: number,
  { kind, instance }: capture.Sensor,
  fresh: Incoming[],
): Promise<void> {
  if (kind !== 'wire') return;
  for (const { checked } of fresh) {
    if (checked.kind !== 'valid' || checked.observation.type !== 'sensor_started') continue;
    const { spec = null, expects_kernel_sensor: expects = true, saw_start: sawStart = false } = checked.observation;
    await transaction`
      update sensor set spec = ${spec === null ? null : toStored(spec)}, expects_kernel_sensor = ${expects},
        saw_start = saw_start or ${sawStart}
      where user_id = ${userId} and instance = ${instance}`;
  }
}

/** PostgreSQL writes an int8multirange as {[1,5),[7,9)}. */
function parseRanges(text: string): [number, number][] {
  return [...text.matchAll(/\[(\d+),(\d+)\)/g)].map(([, from, to]) => [Number(from), Number(to)]);
}

async function markReceived(
  transaction: Transaction,
  userId: number,
  instance: string,
  sequences: number[],
): Promise<number> {
  // A hole is remembered with the time of its beginning: while it is young, what is missing may only be late.
  const [row] = await transaction<{ received: string }[]>`
    with now_received as (
      select received + coalesce(
        (select range_agg(int8range(s, s + 1)) from unnest(${sequences}::bigint[]) as s), '{}'::int8multirange) as ranges
      from sensor where user_id = ${userId} and instance = ${instance})
    update sensor set received = ranges,
      hole_since = case when ranges = '{}' or ranges = int8multirange(int8range(1, upper(ranges))) then null
        else coalesce(hole_since, now()) end
    from now_received where user_id = ${userId} and instance = ${instance}
    returning received::text as received`;
  const [first] = parseRanges(row?.received ?? '{}');
  return first?.[0] === 1 ? first[1] - 1 : 0;
}

async function quarantine(
  transaction: Transaction,
  userId: number,
  instance: string,
  refused: { sequence: number | null; reason: string; body: string }[],
): Promise<void> {
  if (refused.length === 0) return;
  await transaction`
    insert into quarantine (user_id, instance, sequence, reason, body)
    select ${userId}, ${instance}, * from unnest(${refused.map((one) => one.sequence)}::bigint[],
      ${refused.map((one) => toStored(one.reason))}::text[], ${refused.map((one) => toStored(one.body))}::text[])`;
}
