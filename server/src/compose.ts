/** Builds the portal process by hand, in order, and closes it in reverse. The gateway composes itself in gateway/. */
import { randomBytes } from 'node:crypto';
import { activityRoutes, LiveFeed } from './activity/index.js';
import { recordAuditEvent } from './audit/index.js';
import { createGuards, hashPassword, identityRoutes } from './identity/index.js';
import { CaptureSockets, createSweep, forgetExpired, Readiness } from './intake/index.js';
import { createHubClient, createLab, createTicketIssuer, labRoutes } from './lab/index.js';
import { logRoutes, makeMonthsAhead, SearchIndexes } from './log/index.js';
import { assetRoutes } from './platform/assets.js';
import { createInstantFormat, systemClock } from './platform/clock.js';
import { createHttp } from './platform/http.js';
import type { Logger } from './platform/logging.js';
import { createMetrics } from './platform/metrics.js';
import { connect, connectDirect, type Database } from './platform/postgres.js';
import { describeApi, probeRoutes } from './platform/probes.js';
import { repeat } from './platform/repeat.js';
import type { PortalSettings } from './platform/settings.js';
import { checkSensors, reconcileRoutes } from './reconcile/index.js';

export interface RunningPortal {
  port: number;
  close(): Promise<void>;
}

const version = '0.1.0';

/** Resolves when the portal listens and every known user's capture socket is there. */
export async function startPortal(settings: PortalSettings, log: Logger): Promise<RunningPortal> {
  const { config } = settings;
  const clock = systemClock;
  const { timeZone } = config;
  const formatInstant = createInstantFormat(timeZone);
  const database = connect(settings.database, { applicationName: 'shaparak portal', timeZone });
  const direct = connectDirect(settings.database, { max: 2, applicationName: 'shaparak portal live', timeZone });
  const metrics = createMetrics('portal');
  const http = createHttp({ log, corsOrigins: config.corsOrigins, labUrl: config.labUrl, publicUrl: config.publicUrl });
  describeApi(http, { version, publicUrl: config.publicUrl });

  const capture = new CaptureSockets({
    database,
    clock,
    timeZone,
    log,
    directory: settings.captureDirectory,
    key: settings.captureKey,
    observe: (receipt) => {
      for (const outcome of ['accepted', 'duplicate', 'quarantined'] as const)
        metrics.observations.inc({ outcome }, receipt[outcome]);
    },
  });
  const hub = createHubClient(settings.hub);
  const lab = createLab({
    hub,
    clock,
    log,
    protections: settings.protections,
    openCaptureSocket: (userId) => capture.open(userId),
  });
  const live = new LiveFeed({ database, direct, formatInstant, log });
  const indexes = new SearchIndexes({ database, budgetBytes: config.searchMemoryMb * 1024 * 1024, log });
  const forgetLab = lab.onChange((userId, state) => live.publishLab(userId, state));
  const guards = createGuards(database);
  const decoyHash = await hashPassword(randomBytes(32).toString('hex'));

  // Inside a plugin, so that the description of the API is there before the routes that it describes.
  http.register(async (routes) => {
    const scope = routes as unknown as typeof http;
    identityRoutes(scope, { database, config, decoyHash }, guards);
    logRoutes(scope, { database, timeZone, formatInstant, indexes }, guards);
    activityRoutes(scope, { database, timeZone, formatInstant, live }, guards);
    reconcileRoutes(scope, { database, timeZone, formatInstant }, guards);
    labRoutes(
      scope,
      {
        lab,
        issueTicket: createTicketIssuer({ privateKey: settings.ticketPrivateKey, labUrl: config.labUrl, clock }),
        recordAuditEvent: (event) => recordAuditEvent(database, event),
      },
      guards,
    );
    assetRoutes(scope, {
      directory: settings.assetsDirectory,
      publicUrl: config.publicUrl,
      labUrl: config.labUrl,
    });
    probeRoutes(scope, {
      metrics,
      checks: {
        database: async () => void (await database`select 1`),
        hub: async () => void (await hub.call('GET', '/')),
      },
      apiDescription: () => http.swagger(),
    });
  });

  await live.open();
  await makeMonthsAhead(database, timeZone, clock.now());
  await openKnownSockets(database, capture);
  const readiness = new Readiness({
    clock,
    onTurned: (ms) => void noteTurnedClock(database, log, ms),
  });
  const jobs = [
    repeat('sweep', 500, createSweep({ database, clock, timeZone }, readiness), log),
    repeat('sensor checks', 1_000, () => checkSensors(database, readiness.forMs()), log),
    repeat('maintenance', 3_600_000, () => maintain(database, timeZone, clock.now()), log),
    repeat(
      'metrics',
      5_000,
      async () => {
        metrics.liveStreams.set(live.size);
        metrics.searchUsers.set(indexes.users);
        metrics.searchBytes.set(indexes.heldBytes);
      },
      log,
    ),
  ];
  await http.listen({ port: config.port, host: config.bind });
  const address = http.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : config.port,
    async close() {
      await Promise.all(jobs.map((job) => job.close()));
      forgetLab();
      lab.close();
      await live.close();
      await http.close();
      await indexes.close();
      await capture.close();
      await Promise.all([database.end({ timeout: 3 }), direct.end({ timeout: 3 })]);
    },
  };
}

/** Kernels outlive a portal: their sockets are there again before the first of them asks. */
async function openKnownSockets(database: Database, capture: CaptureSockets): Promise<void> {
  const users = await database<{ id: number }[]>`select distinct user_id as id from sensor where stopped_at is null`;
  for (const { id } of users) await capture.open(id);
}

/** A log whose clock was turned says so: its times before and after can't be compared. */
async function noteTurnedClock(database: Database, log: Logger, ms: number): Promise<void> {
  log.warn({ ms }, 'The clock of the machine was turned');
  await recordAuditEvent(database, {
    actorUserId: null,
    actorName: null,
    action: 'clock-turned',
    subject: null,
    outcome: 'allowed',
    address: null,
    detail: { ms },
  }).catch((error) => log.error({ err: error }, 'A turned clock could not be written down'));
}

async function maintain(database: Database, timeZone: string, now: Date): Promise<void> {
  await makeMonthsAhead(database, timeZone, now);
  await forgetExpired(database);
}
