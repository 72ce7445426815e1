/**
 * The WebSocket bridge of kernel channels: takes a tab's handshake, opens a connection of its own to the person's server,
 * and puts the two together, again for a tab that comes back with the same session.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { KernelOwner } from '../kernel-sensor.js';
import type { Kernels } from '../kernels.js';
import { v1Protocol } from '../message.js';
import { Connection } from './connection.js';
import { ReplayBudget } from './replay.js';
import { Traffic, type TrafficDeps } from './traffic.js';

export interface Channel {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  owner: KernelOwner;
  kernelId: string;
  /** where the person's server listens, http://… or http+unix://…, and the token that it takes */
  target: string;
  token: string;
  onFailure(error: NodeJS.ErrnoException): void;
  onTokenRefused(): void;
  /** the person does something */
  onActivity(): void;
}

export interface BridgeDeps extends Omit<TrafficDeps, 'onActivity'> {
  kernels: Kernels;
  /** learns what this gateway did not see: the kernel's spec and notebook */
  onUnknownKernel(channel: Channel): void;
  replayBytes?: number;
  patienceMs?: number;
}

const largestFromClient = 64 * 1024 * 1024;
const pingMs = 30_000;

export class Bridge {
  private readonly deps: BridgeDeps;
  private readonly connections = new Map<string, Connection>();
  private readonly replays: ReplayBudget;
  /** what a handshake was told to speak, until `ws` asks for it */
  private readonly chosenProtocols = new WeakMap<IncomingMessage, string>();
  private readonly server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: largestFromClient,
    handleProtocols: (_offered, request) => this.chosenProtocols.get(request) ?? false,
  });

  constructor(deps: BridgeDeps) {
    this.deps = deps;
    this.replays = new ReplayBudget(deps.replayBytes ?? 256 * 1024 * 1024);
  }

  get size(): number {
    return this.connections.size;
  }

  carry(channel: Channel): void {
    const session = new URL(channel.request.url ?? '/', 'http://lab').searchParams.get('session_id') ?? '';
    const key = `${channel.owner.userId} ${channel.kernelId} ${session}`;
    const known = session === '' ? undefined : this.connections.get(key);
    if (known?.isOpen) {
      this.accept(channel, known);
      return;
    }
    const offered = (channel.request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/).filter(Boolean);
    const kernelSide = new WebSocket(addressOf(channel), offered, {
      perMessageDeflate: false,
      maxPayload: 0,
      skipUTF8Validation: true,
      headers: { authorization: `token ${channel.token}`, host: 'localhost' },
    });
    const fail = (error: NodeJS.ErrnoException) => {
      kernelSide.removeAllListeners();
      kernelSide.on('error', () => {});
      kernelSide.terminate();
      channel.onFailure(error);
    };
    kernelSide.once('error', fail);
    kernelSide.once('unexpected-response', (_request, response) => {
      if (response.statusCode === 403) channel.onTokenRefused();
      fail(Object.assign(new Error(`the server answered ${response.statusCode}`), { code: 'REFUSED' }));
    });
    kernelSide.once('open', () => {
      kernelSide.off('error', fail);
      if (channel.socket.destroyed) return kernelSide.close();
      this.accept(channel, this.open(channel, key, kernelSide));
    });
  }

  private accept(channel: Channel, connection: Connection): void {
    const { protocol } = connection;
    if (protocol !== '') this.chosenProtocols.set(channel.request, protocol);
    this.server.handleUpgrade(channel.request, channel.socket, channel.head, (client) => {
      keepAlive(client);
      connection.join(client);
    });
    // A handshake that `ws` refuses joins nobody: its connection must not stay for ever.
    connection.settle();
  }

  private open(channel: Channel, key: string, kernelSide: WebSocket): Connection {
    const { kernels, patienceMs = 600_000 } = this.deps;
    const sensor = kernels.get(channel.owner, channel.kernelId);
    if (sensor.connections.size === 0 && !sensor.isDescribed) this.deps.onUnknownKernel(channel);
    const { onActivity } = channel;
    const traffic = new Traffic({ ...this.deps, onActivity }, sensor, kernelSide.protocol === v1Protocol);
    const connection: Connection = new Connection({
      kernelSide,
      replay: this.replays.open(),
      patienceMs,
      fromClient: (data, isBinary) => traffic.fromClient(data, isBinary),
      fromKernel: (data, isBinary) => {
        traffic.fromKernel(data, isBinary);
        if (!connection.isJoined) connection.settle();
      },
      isBusy: () => sensor.requests.isAwaitedBy(connection),
      onClosed: () => {
        if (this.connections.get(key) === connection) this.connections.delete(key);
        sensor.connections.delete(connection);
        sensor.requests.connectionEnded(connection, sensor.connections.size > 0);
        if (sensor.connections.size === 0) kernels.left(sensor);
      },
    });
    traffic.connection = connection;
    sensor.connections.add(connection);
    this.connections.set(key, connection);
    return connection;
  }

  /** A request of the REST interface interrupts or restarts: what is held for a record is not run afterwards. */
  releaseHeld(owner: KernelOwner, kernelId: string): void {
    this.deps.kernels.find(owner, kernelId)?.dropHeld();
  }

  close(): void {
    for (const connection of [...this.connections.values()]) connection.terminate();
    this.server.close();
  }
}

function addressOf({ target, request }: Channel): string {
  const socket = /^(?:http\+unix|unix\+http):\/\/([^/:]+)/.exec(target)?.[1];
  if (socket !== undefined) return `ws+unix:${decodeURIComponent(socket)}:${request.url}`;
  return `${target.replace(/^http/, 'ws').replace(/\/$/, '')}${request.url}`;
}

/** A closed lid sends nothing: after three unanswered pings its connection is one without a client. */
function keepAlive(client: WebSocket): void {
  let unanswered = 0;
  client.on('pong', () => {
    unanswered = 0;
  });
  const timer = setInterval(() => {
    unanswered += 1;
    if (unanswered > 3) client.terminate();
    else client.ping();
  }, pingMs);
  client.once('close', () => clearInterval(timer));
}
