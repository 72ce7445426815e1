/** The wire sensor: what the gateway sees of kernels, recorded durably and delivered to the intake. */
import { randomUUID } from 'node:crypto';
import type { Config } from '../config.js';
import { quarantineObservation, receive, tellWireProgress, tellWireSigns } from '../intake/index.js';
import { systemClock } from '../platform/clock.js';
import type { Logger } from '../platform/logging.js';
import type { Database } from '../platform/postgres.js';
import { repeat } from '../platform/repeat.js';
import { Bridge, type BridgeDeps, type Channel } from './bridge/bridge.js';
import { Kernels } from './kernels.js';
import { WireDelivery } from './spool/delivery.js';
import { WireSpool } from './spool/spool.js';
import { createWireClock } from './wire-clock.js';

export type { Channel } from './bridge/bridge.js';
export type { KernelOwner } from './kernel-sensor.js';

export interface WireOptions {
  database: Database;
  config: Pick<Config, 'timeZone' | 'capturePolicy'>;
  spoolDirectory: string;
  version: string;
  log: Logger;
  bringsSensor(spec: string): boolean;
  noteRefusal: BridgeDeps['noteRefusal'];
  describeKernel(channel: Channel): Promise<unknown[]>;
}

export interface Wire {
  bridge: Bridge;
  kernels: Kernels;
  close(): Promise<void>;
}

/** What a power failure may cost of this gateway's last records; the kernels' own are synced at their delivery. */
const openSyncAfterMs = 100;
const signsEveryMs = 15_000;
const closePatienceMs = 2_000;

export async function openWire(options: WireOptions): Promise<Wire> {
  const { database, config, log, version } = options;
  const intake = { database, clock: systemClock, timeZone: config.timeZone };
  const gateway = randomUUID();
  // Strict: somebody waits for the sync. Otherwise the intake, which makes a record durable too, is given the time to be first.
  const syncAfterMs = config.capturePolicy === 'strict' ? 0 : openSyncAfterMs;
  const spool = new WireSpool({ directory: options.spoolDirectory, log, syncAfterMs });
  await spool.open();
  const kernels = new Kernels({
    spool,
    log,
    version,
    bringsSensor: options.bringsSensor,
    now: createWireClock(),
  });
  const bridge = new Bridge({
    kernels,
    log,
    policy: config.capturePolicy,
    noteRefusal: options.noteRefusal,
    onUnknownKernel: (channel) => {
      options.describeKernel(channel).then(
        (models) => {
          for (const model of models) kernels.answered(channel.owner, model, false);
        },
        (error: unknown) => log.info({ err: error }, 'A kernel could not be described'),
      );
    },
  });
  const delivery = new WireDelivery({
    spool,
    log,
    receive: (userId, one) => receive(intake, userId, one),
    quarantine: (userId, instance, observation, reason) =>
      quarantineObservation(database, userId, instance, observation, reason),
    tellProgress: (until) => tellWireProgress(database, gateway, until),
    now: () => systemClock.now(),
  });
  const signs = repeat('signs of the wire', signsEveryMs, () => tellWireSigns(database, kernels.living()), log);
  return {
    bridge,
    kernels,
    async close() {
      bridge.close();
      await signs.close();
      await delivery.close(closePatienceMs);
      await spool.close();
    },
  };
}
