/**
 * The lab's host: takes tickets, answers for itself, and hands everything below /user/<name>/ to the lab traffic.
 * It has three servers' worth of duties but two sockets: this one for browsers, and the route API for JupyterHub.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Config } from '../config.js';
import type { HubClient } from '../lab/index.js';
import { type CarryKernelChannel, passThrough } from './kernels/kernel-channels.js';
import type { KernelSpecs } from './kernels/kernel-specs.js';
import type { KernelWatch } from './kernels/kernel-watch.js';
import { createLabProxy, type LabProxy } from './lab-proxy.js';
import { createLabTraffic } from './lab-traffic.js';
import { createOwnRoutes, type OwnRouteDeps } from './own-routes.js';
import { createAnswers } from './refusals/refusal-answers.js';
import { type AuditEvent, createRefusals } from './refusals/refusals.js';
import { keepRouteTable } from './route-table.js';
import { admit } from './sessions/admission.js';
import { createHubTokens } from './sessions/hub-tokens.js';
import { createLiveSessions, type LiveSessions } from './sessions/live-sessions.js';
import { createOpenWork } from './sessions/open-work.js';
import { createSessionCookie } from './sessions/session-cookie.js';
import { createTicketDesk } from './sessions/ticket-desk.js';

export interface GatewayDeps {
  config: Pick<Config, 'bind' | 'labPort' | 'labUrl' | 'publicUrl'>;
  cookieKey: string;
  ticketPublicKey: Parameters<typeof createTicketDesk>[0]['publicKey'];
  proxyApi: { port: number; token: string };
  hub: HubClient;
  kernelSpecs: KernelSpecs;
  kernelWatch: KernelWatch;
  log: Logger;
  findSession: Parameters<typeof createLiveSessions>[0]['find'];
  spendTicket(jti: string): Promise<boolean>;
  captureStatus: OwnRouteDeps['captureStatus'];
  recordAuditEvent(event: AuditEvent): Promise<void>;
  /** replaces the plain pass-through of kernel WebSockets */
  carryKernelChannel?: (proxy: LabProxy) => CarryKernelChannel;
  routeRoundMs?: number;
}

export interface Gateway {
  port: number;
  proxyApiPort: number;
  sessions: LiveSessions;
  /** open WebSockets and answers under way */
  openCount(): number;
  close(): Promise<void>;
}

const drainMs = 3000;

/** Listens on both sockets before it resolves. */
export async function openGateway(deps: GatewayDeps): Promise<Gateway> {
  const { config, hub, log } = deps;
  let labUrl = config.labUrl;
  const openWork = createOpenWork();
  const sessions = createLiveSessions({
    find: deps.findSession,
    onEnd: openWork.end,
    isInUse: openWork.has,
    now: Date.now,
  });
  const cookie = createSessionCookie(deps.cookieKey, labUrl.startsWith('https:'));
  const answers = createAnswers(config.publicUrl);
  const refusals = createRefusals({ record: deps.recordAuditEvent, log });
  const proxy = createLabProxy(deps.proxyApi.token, log);
  await listen(proxy.routes.apiServer, deps.proxyApi.port, '127.0.0.1');
  const routeTable = keepRouteTable({
    hub,
    log,
    isEmpty: async () => Object.keys(await proxy.routes._routes.getAll()).length === 0,
    ...(deps.routeRoundMs === undefined ? {} : { roundMs: deps.routeRoundMs }),
  });
  const traffic = createLabTraffic({
    answers,
    carryKernelChannel: (deps.carryKernelChannel ?? passThrough)(proxy),
    hub,
    kernelSpecs: deps.kernelSpecs,
    kernelWatch: deps.kernelWatch,
    labUrl: () => labUrl,
    log,
    openWork,
    proxy,
    refusals,
    routeTable,
    sessions,
    tokens: createHubTokens(hub, Date.now),
  });
  const desk = createTicketDesk({ publicKey: deps.ticketPublicKey, spend: deps.spendTicket, sessions });
  const own = createOwnRoutes({ ...deps, answers, cookie, desk, refusals });

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (await own.open(request, response)) return;
    const admission = await admit({ cookie, sessions }, request);
    if (admission.kind === 'unknown') return answers.send(request, response, 'database-away');
    if (admission.kind === 'nobody') return answers.send(request, response, 'not-logged-in');
    if (await own.private(request, response, admission.caller)) return;
    await traffic.handle(request, response, admission.caller);
  };
  const handleUpgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket')
      return answers.sendUpgrade(socket, 'body-unreadable');
    const admission = await admit({ cookie, sessions }, request);
    if (admission.kind === 'unknown') return answers.sendUpgrade(socket, 'database-away');
    if (admission.kind === 'nobody') return answers.sendUpgrade(socket, 'not-logged-in');
    await traffic.handleUpgrade(request, socket, head, admission.caller);
  };

  const server = createServer((request, response) => {
    response.on('error', () => {}); // the browser went away
    handle(request, response).catch((error: unknown) => {
      log.error({ err: error }, 'a lab request failed');
      answers.send(request, response, 'server-died');
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // From here on the socket is ours: without a listener its reset would end the process.
    socket.on('error', () => socket.destroy());
    handleUpgrade(request, socket, head).catch((error: unknown) => {
      log.error({ err: error }, 'a lab WebSocket failed');
      socket.destroy();
    });
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    else socket.destroy();
  });
  await listen(server, config.labPort, config.bind);
  const { port } = server.address() as AddressInfo;
  if (config.labPort === 0) labUrl = `http://127.0.0.1:${port}`;

  return {
    port,
    proxyApiPort: (proxy.routes.apiServer.address() as AddressInfo).port,
    sessions,
    openCount: openWork.count,
    async close() {
      routeTable.close();
      // A WebSocket would outlast any patience; its page connects again to whoever listens next.
      openWork.endAll((work) => !(work instanceof ServerResponse));
      await stop(server, () => openWork.endAll());
      await stop(proxy.routes.apiServer, () => proxy.routes.apiServer.closeAllConnections());
      await refusals.close(drainMs);
    },
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Accepts nothing new, lets answers under way finish for a moment, then ends what is left. */
async function stop(server: Server, cut: () => void): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    cut();
    server.closeAllConnections();
  }, drainMs);
  await closed;
  clearTimeout(timer);
}
