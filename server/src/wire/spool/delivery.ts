/**
 * Brings the spool's records to the intake, in their order, and tells how far it has come: what the gateway has not
 * delivered yet is late, not missing. Away means waiting (0.25 s to 5 s); a record that the database refuses for what it
 * holds goes to quarantine, so that it never blocks its neighbours.
 */
import type { capture } from '@shaparak/contract';
import type { Logger } from '../../platform/logging.js';
import { isUnavailable } from '../../platform/postgres.js';
import type { SpoolEntry, WireSpool } from './spool.js';

export interface DeliveryDeps {
  spool: WireSpool;
  log: Logger;
  receive(userId: number, delivery: capture.Delivery): Promise<capture.Receipt>;
  quarantine(userId: number, instance: string, observation: capture.Observation, reason: string): Promise<void>;
  /** delivered is everything that was seen up to this instant */
  tellProgress(until: Date): Promise<void>;
  now(): Date;
}

/**
 * From the first record that waits to its delivery. Start and end of a short cell are one delivery then: each is a
 * transaction, on the cores that run the cells; and a person sees a cell that ended well within the 100 ms that feel instant.
 */
const gatherMs = 30;
/** While cells come one after the other: a delivery keeps both cores busy for about as long as three short cells. */
const spacingMs = 100;
const firstPauseMs = 250;
const longestPauseMs = 5_000;
const progressEveryMs = 1_000;
const triesBeforeSingles = 3;

export class WireDelivery {
  private readonly deps: DeliveryDeps;
  private stopped = false;
  private endPause: () => void = () => {};
  private wake: () => void = () => {};
  private hasNews = false;
  private readonly running: Promise<void>;
  private toldAt = Number.NEGATIVE_INFINITY;
  private deliveredAt = Number.NEGATIVE_INFINITY;
  private until: Date;

  constructor(deps: DeliveryDeps) {
    this.deps = deps;
    this.until = deps.now();
    deps.spool.onEntries = () => {
      this.hasNews = true;
      this.wake();
    };
    this.running = this.run();
  }

  private async run(): Promise<void> {
    let pause = firstPauseMs;
    while (!this.stopped) {
      try {
        const delivered = await this.deliverBatch();
        await this.progress(delivered);
        pause = firstPauseMs;
        if (delivered === null && !this.hasNews) await this.idle(progressEveryMs);
        if (!this.hasNews) continue;
        await this.pause(Math.max(gatherMs, this.deliveredAt + spacingMs - performance.now()));
        this.hasNews = false;
      } catch (error) {
        if (!isUnavailable(error)) this.deps.log.error({ err: error }, 'Records of the wire could not be delivered');
        // Deaf to news, which changes nothing about an intake that is away.
        await this.pause(pause);
        pause = Math.min(pause * 2, longestPauseMs);
      }
    }
  }

  /** @returns when the newest delivered record was made, or null where there was none */
  private async deliverBatch(): Promise<Date | null> {
    const batch = await this.deps.spool.next();
    if (batch === null) return null;
    for (const group of bySensor(batch.entries)) await this.deliverGroup(group);
    await batch.done();
    this.deliveredAt = performance.now();
    const last = batch.entries.at(-1);
    return new Date(last?.observation.observed_at ?? this.deps.now());
  }

  private async deliverGroup(group: SpoolEntry[]): Promise<void> {
    const [first] = group as [SpoolEntry, ...SpoolEntry[]];
    const delivery = { sensor: first.sensor, observations: group.map(({ observation }) => observation) };
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.receive(first.userId, delivery);
        return;
      } catch (error) {
        if (isUnavailable(error) || this.stopped) throw error;
        this.deps.log.warn({ err: error, attempt }, 'The intake failed on records of the wire');
        if (attempt < triesBeforeSingles) continue;
        await this.deliverSingly(first.userId, delivery);
        return;
      }
    }
  }

  /** A receipt that does not say of each record what became of it acknowledges none. */
  private async receive(userId: number, delivery: capture.Delivery): Promise<void> {
    const { received, accepted, duplicate, quarantined } = await this.deps.receive(userId, delivery);
    const sent = delivery.observations.length;
    if (received !== sent || accepted + duplicate + quarantined !== sent)
      throw new Error(`The receipt of the intake does not add up to the ${sent} records that were delivered`);
  }

  private async deliverSingly(userId: number, { sensor, observations }: capture.Delivery): Promise<void> {
    for (const observation of observations as capture.Observation[])
      try {
        await this.receive(userId, { sensor, observations: [observation] });
      } catch (error) {
        if (isUnavailable(error)) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        await this.deps.quarantine(userId, sensor.instance, observation, reason);
      }
  }

  private async progress(delivered: Date | null): Promise<void> {
    if (delivered !== null && performance.now() - this.toldAt < progressEveryMs) return;
    this.toldAt = performance.now();
    // A record is in the spool in the turn in which it is seen: where that is empty, everything was delivered.
    if (this.deps.spool.isEmpty) this.until = this.deps.now();
    else if (delivered !== null) this.until = delivered;
    await this.deps.tellProgress(this.until);
  }

  /** @param shortenedBy takes what ends it early */
  private rest(ms: number, shortenedBy: (end: () => void) => void): Promise<void> {
    if (this.stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      shortenedBy(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Only the end shortens it. */
  private pause(ms: number): Promise<void> {
    return this.rest(ms, (end) => {
      this.endPause = end;
    });
  }

  private idle(ms: number): Promise<void> {
    return this.rest(ms, (end) => {
      this.wake = end;
    });
  }

  /** One more attempt for what waits, for at most so long; the rest stays in the spool. */
  async close(patienceMs: number): Promise<void> {
    this.stopped = true;
    this.endPause();
    this.wake();
    await this.running;
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      const delivered = await this.deliverBatch().catch(() => null);
      if (delivered === null) return;
    }
  }
}

/** Records of one sensor instance are one delivery; the order within it is the spool's. */
function bySensor(entries: SpoolEntry[]): SpoolEntry[][] {
  const groups = new Map<string, SpoolEntry[]>();
  for (const entry of entries) {
    const key = `${entry.userId} ${entry.sensor.instance}`;
    const group = groups.get(key);
    if (group) group.push(entry);
    else groups.set(key, [entry]);
  }
  return [...groups.values()];
}
