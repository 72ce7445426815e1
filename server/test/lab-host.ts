/** A gateway on free ports with doubles around it: the Hub, one user's server on a unix socket, sessions in memory. */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { pino } from 'pino';
import { type Gateway, type GatewayDeps, openGateway } from '../src/gateway/gateway.js';
import { createSessionCookie } from '../src/gateway/sessions/session-cookie.js';
import { createHubClient, createTicketIssuer } from '../src/lab/index.js';
import { HubDouble } from './hub-double.js';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string | undefined>;
  body?: string;
  cookie?: string | null;
}

const publicUrl = 'http://portal.test:8001';
const cookieKey = randomBytes(32).toString('hex');

export class LabHost {
  readonly hub = new HubDouble();
  readonly seen: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[] = [];
  readonly audit: Parameters<GatewayDeps['recordAuditEvent']>[0][] = [];
  /** what was told of kernels: name of the call and its arguments */
  readonly told: unknown[][] = [];
  readonly watch: GatewayDeps['kernelWatch'] = {
    answered: (...args) => void this.told.push(['answered', ...args]),
    ended: (...args) => void this.told.push(['ended', ...args]),
    sessionEnded: (...args) => void this.told.push(['sessionEnded', ...args]),
    restarted: (...args) => void this.told.push(['restarted', ...args]),
    interrupted: (...args) => void this.told.push(['interrupted', ...args]),
  };
  readonly sessions = new Map<string, { userId: number; username: string }>();
  readonly publicUrl = publicUrl;
  readonly keys = generateKeyPairSync('ed25519');
  databaseAway = false;
  answerAs: ((request: IncomingMessage, response: import('node:http').ServerResponse, body: string) => void) | null =
    null;
  gateway!: Gateway;
  upstreamSockets = new Set<Duplex>();
  #upstream: Server | null = null;
  #spent = new Set<string>();
  readonly session: string = randomUUID();

  static async open(overrides: Partial<GatewayDeps> = {}): Promise<LabHost> {
    const host = new LabHost();
    await host.hub.listen();
    host.sessions.set(host.session, { userId: 7, username: 'ann' });
    await host.openGateway(overrides);
    return host;
  }

  get url(): string {
    return `http://127.0.0.1:${this.gateway.port}`;
  }

  async openGateway(overrides: Partial<GatewayDeps> = {}): Promise<void> {
    const guarded = <T>(value: () => T): Promise<T> =>
      this.databaseAway
        ? Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }))
        : Promise.resolve(value());
    this.gateway = await openGateway({
      config: { bind: '127.0.0.1', labPort: 0, labUrl: 'http://127.0.0.1:8002', publicUrl },
      cookieKey,
      ticketPublicKey: this.keys.publicKey.export({ format: 'jwk' }),
      proxyApi: { port: 0, token: 'proxy-token' },
      hub: createHubClient({ socket: this.hub.socket, token: 'service-token' }),
      kernelSpecs: new Map([['python3', true]]),
      kernelWatch: this.watch,
      log: pino({ level: 'silent' }),
      findSession: (id) => guarded(() => this.sessions.get(id) ?? null),
      spendTicket: (jti) => guarded(() => !this.#spent.has(jti) && Boolean(this.#spent.add(jti))),
      captureStatus: (_user, kernel) =>
        guarded(() => ({ reporting: true, instance: `i-${kernel.slice(0, 4)}`, reason: null })),
      recordAuditEvent: (event) => guarded(() => void this.audit.push(event)),
      routeRoundMs: 20,
      ...overrides,
    });
  }

  /** A user's server, registered as the Hub does it: with the port that a unix socket has not. */
  async startServer(username = 'ann'): Promise<string> {
    const socket = join(this.hub.directory, `${username}.sock`);
    this.#upstream = createServer((request, response) => void this.#serve(request, response));
    this.#upstream.on('upgrade', (request: IncomingMessage, duplex: Duplex) => this.#accept(request, duplex));
    await new Promise<void>((resolve) => this.#upstream?.listen(socket, resolve));
    this.hub.user(username, 'ready', new Date().toISOString());
    await this.addRoute(`/user/${username}/`, `http+unix://${encodeURIComponent(socket)}:80`);
    return socket;
  }

  async addRoute(prefix: string, target: string): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.gateway.proxyApiPort}/api/routes${prefix}`, {
      method: 'POST',
      headers: { authorization: 'token proxy-token' },
      body: JSON.stringify({ target, user: 'x' }),
    });
    if (answer.status !== 201) throw new Error(`route refused: ${answer.status}`);
  }

  async stopServer(): Promise<void> {
    const server = this.#upstream;
    this.#upstream = null;
    if (server === null) return;
    for (const socket of this.upstreamSockets) socket.destroy();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async cookie(session = this.session, username = 'ann', userId = 7): Promise<string> {
    const issued = await createSessionCookie(cookieKey, false).issue({ userId, username, sessionId: session });
    return issued.split(';', 1)[0] ?? '';
  }

  issueTicket = (holder = { userId: 7, username: 'ann', sessionId: this.session }, now = new Date()) =>
    createTicketIssuer({
      privateKey: this.keys.privateKey.export({ format: 'jwk' }),
      labUrl: this.url,
      clock: { now: () => now },
    })(holder);

  /** Raw, because fetch cleans addresses and sets headers of its own. */
  async ask(path: string, { method = 'GET', headers = {}, body, cookie }: Ask = {}): Promise<Answer> {
    const outgoing = httpRequest({
      host: '127.0.0.1',
      port: this.gateway.port,
      path,
      method,
      agent: false,
      headers: await this.#headers(headers, cookie),
    });
    outgoing.end(body);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks).toString() };
  }

  /** A WebSocket handshake: the open socket, or the status of the refusal. */
  async upgrade(path: string, { headers = {}, cookie }: Ask = {}): Promise<{ status: number; socket: Duplex | null }> {
    const outgoing = httpRequest({
      host: '127.0.0.1',
      port: this.gateway.port,
      path,
      agent: false,
      headers: await this.#headers(
        {
          origin: this.url,
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
          'sec-websocket-extensions': 'permessage-deflate',
          ...headers,
        },
        cookie,
      ),
    });
    outgoing.end();
    return new Promise((resolve, reject) => {
      outgoing.once('upgrade', (_answer, socket: Duplex) => {
        socket.on('error', () => {});
        resolve({ status: 101, socket });
      });
      outgoing.once('response', (answer) => {
        answer.resume();
        resolve({ status: answer.statusCode ?? 0, socket: null });
      });
      outgoing.once('error', reject);
    });
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await this.stopServer();
    await this.hub.close();
  }

  async #headers(headers: Record<string, string | undefined>, cookie: string | null | undefined) {
    const own = cookie === null ? {} : { cookie: cookie ?? (await this.cookie()) };
    return Object.fromEntries(Object.entries({ ...own, ...headers }).filter(([, value]) => value !== undefined));
  }

  async #serve(request: IncomingMessage, response: import('node:http').ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    this.seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    if (this.answerAs !== null) return this.answerAs(request, response, body);
    response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'evil=1', 'clear-site-data': '"*"' });
    response.end(JSON.stringify({ page_config_token: request.headers.authorization?.replace('token ', '') }));
  }

  #accept(request: IncomingMessage, socket: Duplex): void {
    this.seen.push({ method: 'UPGRADE', url: request.url ?? '', headers: request.headers, body: '' });
    this.upstreamSockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.upstreamSockets.delete(socket));
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nset-cookie: evil=1\r\n\r\n',
    );
    socket.pipe(socket);
  }
}
