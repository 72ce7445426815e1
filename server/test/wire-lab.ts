/**
 * The bridge with real sockets around it: tabs on one side, a person's server on a unix socket on the other, and a spool
 * in memory whose records become durable when a test says so.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { capture } from '@shaparak/contract';
import { pino } from 'pino';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { Bridge, type BridgeDeps } from '../src/wire/bridge/bridge.js';
import { Kernels } from '../src/wire/kernels.js';
import { v1Protocol } from '../src/wire/message.js';
import type { SpoolEntry, WireSpool } from '../src/wire/spool/spool.js';
import { createWireClock } from '../src/wire/wire-clock.js';

export interface Frame {
  data: Buffer;
  isBinary: boolean;
}

/** One end of a WebSocket, with what came over it. */
export class End {
  readonly received: Frame[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  private waiting: (() => void)[] = [];
  private taken = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('message', (data: Buffer, isBinary) => {
      this.received.push({ data, isBinary });
      for (const wake of this.waiting.splice(0)) wake();
    });
    this.closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
  }

  /** the next frame that no test has taken yet */
  async next(): Promise<Frame> {
    while (this.received.length <= this.taken) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.taken += 1;
    return this.received[this.taken - 1] as Frame;
  }

  async take(count: number): Promise<Frame[]> {
    const frames: Frame[] = [];
    while (frames.length < count) frames.push(await this.next());
    return frames;
  }

  send = (data: Buffer | string) => this.socket.send(data, { binary: typeof data !== 'string' });
}

/** Keeps records; `durable` says what becomes of their promises. */
export class SpoolDouble {
  readonly entries: SpoolEntry[] = [];
  durable: 'at once' | 'later' | 'never' = 'at once';
  private readonly waiting: ((reached: boolean) => void)[] = [];

  append(entry: SpoolEntry): { reached: Promise<boolean> } {
    this.entries.push(entry);
    if (this.durable === 'at once') return { reached: Promise.resolve(true) };
    return { reached: new Promise((resolve) => this.waiting.push(resolve)) };
  }

  settle(reached: boolean): void {
    for (const resolve of this.waiting.splice(0)) resolve(reached);
  }

  get observations(): capture.Observation[] {
    return this.entries.map(({ observation }) => observation);
  }
  types = () => this.observations.map(({ type }) => type).filter((type) => type !== 'sensor_started');
}

export const kernelId = '11111111-2222-4333-8444-555555555555';

export class WireLab {
  readonly spool = new SpoolDouble();
  readonly refusals: string[] = [];
  readonly failures: string[] = [];
  tokensRefused = 0;
  unknownKernels = 0;
  /** what the person's server answers a handshake with; 101 is to accept it */
  serverAnswers: number | 'reset' | 'later' = 101;
  /** handshakes that wait for their answer */
  readonly held: (() => void)[] = [];
  readonly handshakes: Record<string, string | string[] | undefined>[] = [];
  readonly kernels: Kernels;
  readonly bridge: Bridge;
  readonly owner = { userId: 7, username: 'ann' };
  readonly uncaught: unknown[] = [];
  private readonly directory = mkdtempSync(join(tmpdir(), 'wire-'));
  private readonly gateway: Server;
  private readonly server: Server;
  private readonly kernelEnds = new Map<string, End>();
  private readonly clients: WebSocket[] = [];
  private readonly duplexes = new Set<Duplex>();

  constructor(change: Partial<BridgeDeps> = {}) {
    const log = pino({ level: 'silent' });
    this.kernels = new Kernels({
      spool: this.spool as unknown as WireSpool,
      log,
      version: 'test',
      bringsSensor: () => true,
      now: createWireClock(),
    });
    this.bridge = new Bridge({
      kernels: this.kernels,
      log,
      policy: 'open',
      noteRefusal: (_owner, _kernel, reason) => void this.refusals.push(reason),
      onUnknownKernel: () => {
        this.unknownKernels += 1;
      },
      ...change,
    });
    this.server = this.makeServer();
    this.gateway = createServer();
    this.gateway.on('upgrade', (request, socket, head) => {
      this.keep(socket);
      this.bridge.carry({
        request,
        socket,
        head,
        owner: this.owner,
        kernelId,
        target: `http+unix://${encodeURIComponent(this.socketPath)}`,
        token: 'secret',
        onFailure: (error) => {
          this.failures.push(error.code ?? error.message);
          socket.destroy();
        },
        onTokenRefused: () => {
          this.tokensRefused += 1;
        },
        onActivity: () => {},
      });
    });
    process.on('uncaughtException', this.onUncaught);
    process.on('unhandledRejection', this.onUncaught);
  }

  private readonly onUncaught = (error: unknown) => void this.uncaught.push(error);

  /** It would compress, if anybody asked it to. */
  private makeServer(): Server {
    const sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: { threshold: 0 },
      skipUTF8Validation: true,
      handleProtocols: (offered) => (offered.has(v1Protocol) ? v1Protocol : false),
    });
    const server = createServer();
    server.on('upgrade', (request, socket, head) => {
      this.keep(socket);
      const accept = () =>
        sockets.handleUpgrade(request, socket, head, (one) =>
          this.kernelEnds.set(sessionOf(request.url), new End(one)),
        );
      this.handshakes.push({ ...request.headers, url: request.url });
      if (this.serverAnswers === 'reset') socket.destroy();
      else if (this.serverAnswers === 101) accept();
      else if (this.serverAnswers === 'later') this.held.push(accept);
      else socket.end(`HTTP/1.1 ${this.serverAnswers} No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    });
    return server;
  }

  private keep(socket: Duplex): void {
    socket.on('error', () => {});
    this.duplexes.add(socket);
    socket.once('close', () => this.duplexes.delete(socket));
  }

  get socketPath(): string {
    return join(this.directory, 'server.sock');
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(this.socketPath, resolve));
    await new Promise<void>((resolve) => this.gateway.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.gateway.address() as AddressInfo).port;
  }

  path = (session: string) => `/user/ann/api/kernels/${kernelId}/channels?session_id=${session}`;

  /** a tab's handshake, whether or not it will be taken */
  dial(session = 'tab', protocols: string[] = [v1Protocol], options: ClientOptions = {}): WebSocket {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}${this.path(session)}`, protocols, options);
    this.clients.push(socket);
    return socket;
  }

  /** A tab and, for a new session, the kernel's end of it. */
  async tab(session?: string, protocols?: string[]): Promise<End> {
    const end = new End(this.dial(session, protocols));
    await once(end.socket, 'open');
    return end;
  }

  /** the server's end of the newest connection of a session */
  kernelEnd(session = 'tab'): End {
    const end = this.kernelEnds.get(session);
    if (!end) throw new Error('the bridge opened no connection');
    return end;
  }

  /** has the bridge stopped reading one of its sockets? */
  get isAnyPaused(): boolean {
    const connections = [...this.kernels.get(this.owner, kernelId).connections] as unknown as {
      client: WebSocket | null;
      deps: { kernelSide: WebSocket };
    }[];
    return connections.some(({ client, deps }) => client?.isPaused || deps.kernelSide.isPaused);
  }

  /** how many connections have a tab */
  get tabsJoined(): number {
    const connections = [...this.kernels.get(this.owner, kernelId).connections] as { isJoined: boolean }[];
    return connections.filter(({ isJoined }) => isJoined).length;
  }

  get kernelEndsOpen(): number {
    return [...this.kernelEnds.values()].filter(({ socket }) => socket.readyState === socket.OPEN).length;
  }

  /** A tab without any library, that has asked for its handshake. */
  async rawDial(session = 'raw', headers: string[] = [], cut = 10_000): Promise<{ socket: Socket }> {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => {});
    this.duplexes.add(socket);
    await once(socket, 'connect');
    const handshake = rawHandshake(this.path(session), headers).slice(0, cut);
    await new Promise<void>((resolve) => socket.write(handshake, () => resolve()));
    return { socket };
  }

  /** … and that has its answer. */
  async rawTab(session?: string, headers?: string[]): Promise<{ socket: Socket; answer: string }> {
    const { socket } = await this.rawDial(session, headers);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return { socket, answer: answer.toString('latin1') };
  }

  /** how many sockets servers have open */
  get openSockets(): number {
    return [...this.duplexes].filter((socket) => !socket.destroyed).length;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.terminate();
    this.bridge.close();
    for (const socket of this.duplexes) socket.destroy();
    await Promise.all([this.gateway, this.server].map((server) => new Promise((resolve) => server.close(resolve))));
    rmSync(this.directory, { recursive: true, force: true });
    process.off('uncaughtException', this.onUncaught);
    process.off('unhandledRejection', this.onUncaught);
  }
}

const sessionOf = (url = '') => new URL(url, 'http://lab').searchParams.get('session_id') ?? '';

export const rawHandshake = (path: string, headers: string[] = []): string =>
  [
    `GET ${path} HTTP/1.1`,
    'host: lab',
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(headers.some((one) => one.startsWith('sec-websocket-version')) ? [] : ['sec-websocket-version: 13']),
    ...headers,
    '\r\n',
  ].join('\r\n');

/** One masked frame as a client writes it; `opcode` and the flag of the last fragment are the caller's. */
export function rawFrame(
  opcode: number,
  payload: Buffer,
  { fin = true, masked = true, declared = payload.length } = {},
) {
  const length =
    declared < 126
      ? Buffer.from([declared])
      : declared < 65_536
        ? Buffer.from([126, declared >> 8, declared & 255])
        : Buffer.concat([Buffer.from([127]), bigEndian(declared)]);
  length[0] = (length[0] as number) | (masked ? 0x80 : 0);
  const mask = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0);
  const body = masked ? payload.map((byte, index) => byte ^ (mask[index % 4] as number)) : payload;
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode]), length, mask, body]);
}

function bigEndian(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer;
}
