/** The gateway process: the lab's host, and the route table that JupyterHub writes. */
import { recordAuditEvent } from '../audit/index.js';
import { findLiveSession } from '../identity/index.js';
import { captureStatus } from '../intake/index.js';
import { createHubClient } from '../lab/index.js';
import type { Logger } from '../platform/logging.js';
import { connect, connectDirect } from '../platform/postgres.js';
import type { GatewaySettings } from '../platform/settings.js';
import { openGateway } from './gateway.js';
import { startSessionBell } from './session-bell.js';

// Every kernel spec that the user image installs; jupyter_server itself would start any that it finds on disk.
const kernelSpecs: ReadonlySet<string> = new Set(['python3']);

/** Resolves when both sockets listen. The Hub and the database may come up later. */
export async function startGateway(
  settings: GatewaySettings,
  log: Logger,
): Promise<{ port: number; proxyApiPort: number; close(): Promise<void> }> {
  const { config, cookieKey, ticketPublicKey, proxyApi } = settings;
  const database = connect(settings.database, { max: 4, applicationName: 'shaparak gateway' });
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
    recordAuditEvent: (event) => recordAuditEvent(database, event),
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
      await bell.close();
      await database.end({ timeout: 2 });
    },
  };
}
