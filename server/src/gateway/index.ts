/** The gateway process: the lab's host, the route table that JupyterHub writes, and the wire sensor. */
import { recordAuditEvent } from '../audit/index.js';
import { findLiveSession } from '../identity/index.js';
import { captureStatus } from '../intake/index.js';
import { createHubClient } from '../lab/index.js';
import type { Logger } from '../platform/logging.js';
import { connect, connectDirect } from '../platform/postgres.js';
import type { GatewaySettings } from '../platform/settings.js';
import { openWire, type Wire } from '../wire/index.js';
import { openGateway } from './gateway.js';
import { describeKernel } from './kernels/describe-kernel.js';
import type { CarryKernelChannel } from './kernels/kernel-channels.js';
import { readKernelSpecs } from './kernels/kernel-specs.js';
import type { LabProxy } from './lab-proxy.js';
import { createRefusals } from './refusals/refusals.js';
import { startSessionBell } from './sessions/session-bell.js';

const version = '0.1.0';
const refusalsPatienceMs = 2_000;

/** Resolves when both sockets listen. The Hub and the database may come up later. */
export async function startGateway(
  settings: GatewaySettings,
  log: Logger,
): Promise<{ port: number; proxyApiPort: number; close(): Promise<void> }> {
  const { config, cookieKey, ticketPublicKey, proxyApi } = settings;
  const { timeZone } = config;
  const database = connect(settings.database, { max: 6, applicationName: 'shaparak gateway', timeZone });
  const record = (event: Parameters<typeof recordAuditEvent>[1]) => recordAuditEvent(database, event);
  const kernelSpecs = await readKernelSpecs(settings.kernelSpecsDirectory);
  const refusals = createRefusals({ record, log });
  const wire = await openWire({
    database,
    config,
    spoolDirectory: settings.spoolDirectory,
    version,
    log,
    bringsSensor: (spec) => kernelSpecs.get(spec.toLowerCase()) ?? false,
    describeKernel,
    noteRefusal: ({ userId, username }, kernelId, reason) =>
      refusals.note({
        caller: { userId, username, sessionId: '' },
        action: 'kernel-message-refused',
        subject: `kernel ${kernelId}`,
        address: null,
        reason,
      }),
  });
  const gateway = await openGateway({
    config,
    cookieKey,
    ticketPublicKey,
    proxyApi,
    kernelSpecs,
    log,
    hub: createHubClient(settings.hub),
    findSession: (sessionId) => findLiveSession(database, sessionId),
    spendTicket: async (jti) =>
      (await database`insert into lab_ticket_use (jti) values (${jti}) on conflict do nothing returning jti`).length ===
      1,
    captureStatus: (userId, kernelId) => captureStatus(database, userId, kernelId),
    recordAuditEvent: record,
    kernelWatch: {
      answered: (...args) => wire.kernels.answered(...args),
      ended: (...args) => wire.kernels.ended(...args),
      sessionEnded: (...args) => wire.kernels.sessionEnded(...args),
      restarted: (...args) => wire.kernels.restarted(...args),
      interrupted: (...args) => wire.bridge.releaseHeld(...args),
    },
    carryKernelChannel: (proxy) => carryOver(wire, proxy),
  });
  const bell = startSessionBell({
    open: () => connectDirect(settings.database, { max: 1, applicationName: 'shaparak gateway sessions' }),
    onEnd: gateway.sessions.end,
    onRound: gateway.sessions.check,
  });
  return {
    port: gateway.port,
    proxyApiPort: gateway.proxyApiPort,
    async close() {
      await gateway.close();
      await wire.close();
      await refusals.close(refusalsPatienceMs);
      await bell.close();
      await database.end({ timeout: 2 });
    },
  };
}

const carryOver =
  (wire: Wire, proxy: LabProxy): CarryKernelChannel =>
  ({ request, socket, head, caller, kernelId, to }) =>
    wire.bridge.carry({
      request,
      socket,
      head,
      kernelId,
      owner: caller,
      target: to.target,
      token: to.token,
      onFailure: to.onFailure,
      onTokenRefused: () => void to.onTokenRefused(),
      onActivity: () => proxy.touch(caller.username),
    });
