/**
 * The lab's host: takes tickets, answers for itself, and hands everything below /user/<name>/ to the lab traffic.
 * It has three servers' worth of duties but two sockets: this one for browsers, and the route API for JupyterHub.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { capture } from '@shaparak/contract';
import type { Logger } from 'pino';
import type { Config } from '../config.js';
import { type HubClient, readHubUser } from '../lab/index.js';
import { admit, comesFromPortal } from './admission.js';
import { createHubTokens } from './hub-tokens.js';
import { type CarryKernelChannel, passThrough } from './kernel-channels.js';
import { createLabProxy, type LabProxy } from './lab-proxy.js';
import { createLabTraffic, noteRefusal } from './lab-traffic.js';
import { createLiveSessions, type LiveSessions } from './live-sessions.js';
import { createOpenWork } from './open-work.js';
import { commonHeaders, createAnswers } from './refusal-answers.js';
import { type AuditEvent, createRefusals } from './refusals.js';
import { readBody } from './request-body.js';
import { keepRouteTable } from './route-table.js';
import { type Caller, createSessionCookie, type SessionCookie } from './session-cookie.js';
import { createTicketDesk } from './ticket-desk.js';

type CaptureStatus = capture.CaptureStatus;

export interface GatewayDeps {
  config: Pick<Config, 'bind' | 'labPort' | 'labUrl' | 'publicUrl'>;
  cookieKey: string;
  ticketPublicKey: Parameters<typeof createTicketDesk>[0]['publicKey'];
  proxyApi: { port: number; token: string };
  hub: HubClient;
  kernelSpecs: ReadonlySet<string>;
  log: Logger;
  findSession: Parameters<typeof createLiveSessions>[0]['find'];
  spendTicket(jti: string): Promise<boolean>;
  captureStatus(userId: number, kernelId: string): Promise<Pick<CaptureStatus, 'reporting' | 'instance' | 'reason'>>;
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
const kernelIdText = /^[0-9a-f-]{36}$/;

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

interface OwnRouteDeps extends Pick<GatewayDeps, 'captureStatus' | 'config' | 'hub'> {
  answers: ReturnType<typeof createAnswers>;
  cookie: SessionCookie;
  desk: ReturnType<typeof createTicketDesk>;
  refusals: ReturnType<typeof createRefusals>;
}

/** What the gateway answers itself; each says whether it did. */
function createOwnRoutes(deps: OwnRouteDeps) {
  const { answers } = deps;
  const takeTicket = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'POST') return answers.send(request, response, 'method-refused');
    const refuse = (name: 'origin-refused' | 'ticket-refused', reason: string) => {
      noteRefusal(deps.refusals, request, null, name, reason);
      answers.send(request, response, name);
    };
    if (!comesFromPortal(request, deps.config.publicUrl)) return refuse('origin-refused', 'origin');
    const body = await readBody(request, 8192);
    if (body.kind !== 'text') return answers.send(request, response, 'body-too-large');
    const outcome = await deps.desk.take(new URLSearchParams(body.text).get('ticket') ?? '');
    if (outcome.kind === 'database-away') return answers.send(request, response, 'database-away');
    if (outcome.kind === 'refused') return refuse('ticket-refused', outcome.reason);
    const location = `/user/${outcome.caller.username}/lab`;
    const setCookie = await deps.cookie.issue(outcome.caller);
    response.writeHead(303, { ...commonHeaders, location, 'set-cookie': setCookie, 'content-length': 0 }).end();
  };

  return {
    async open(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
      const path = (request.url ?? '').split('?', 1)[0];
      if (path === '/healthz') sendJson(request, response, { status: 'ok' });
      else if (path === '/ticket') await takeTicket(request, response);
      else if (path === '/favicon.ico') response.writeHead(204, commonHeaders).end();
      else return false;
      return true;
    },
    async private(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<boolean> {
      if (request.method !== 'GET' && request.method !== 'HEAD') return false;
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      const home = `/user/${caller.username}`;
      if (path === '/' || path === home || path === `${home}/`)
        response.writeHead(303, { ...commonHeaders, location: `${home}/lab`, 'content-length': 0 }).end();
      else if (path === '/lab-state') sendJson(request, response, await labState(deps.hub, caller));
      else if (path.startsWith('/capture/'))
        await sendCapture(request, response, caller, path.slice('/capture/'.length));
      else return false;
      return true;
    },
  };

  async function sendCapture(request: IncomingMessage, response: ServerResponse, caller: Caller, kernelId: string) {
    if (!kernelIdText.test(kernelId)) return answers.send(request, response, 'not-found');
    sendJson(request, response, await capturedOrAway(deps, caller, kernelId));
  }
}

/** The banner asks this often and shows the reason; it must never be an error. */
async function capturedOrAway(
  { captureStatus }: OwnRouteDeps,
  caller: Caller,
  kernelId: string,
): Promise<CaptureStatus> {
  const { userId, username } = caller;
  try {
    return { kernel_id: kernelId, username, ...(await captureStatus(userId, kernelId)) };
  } catch {
    return { kernel_id: kernelId, username, reporting: false, instance: null, reason: 'intake-unavailable' };
  }
}

/** For the page that waits for a start. */
async function labState(hub: HubClient, { username }: Caller): Promise<{ state: string; elapsed_ms: number | null }> {
  try {
    const { phase, startedAt } = await readHubUser(hub, username);
    const elapsed = phase === 'starting' && startedAt !== null ? Math.max(0, Date.now() - startedAt.getTime()) : null;
    return { state: phase === 'ready' ? 'running' : phase, elapsed_ms: elapsed };
  } catch {
    return { state: 'starting', elapsed_ms: null }; // the Hub is away for a moment: keep waiting
  }
}

function sendJson(request: IncomingMessage, response: ServerResponse, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(200, {
    ...commonHeaders,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
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
