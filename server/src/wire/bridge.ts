/**
 * The WebSocket bridge of kernel channels: takes a tab's handshake, opens a connection of its own to the person's server,
 * and hands every message on. What may not pass: frames that can't be read the way the server reads them, and types of
 * messages that run code and are no execution.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '../platform/logging.js';
import { Connection } from './connection.js';
import type { KernelOwner, KernelSensor } from './kernel-sensor.js';
import type { Kernels } from './kernels.js';
import { type KernelMessage, readMessage, text, UnreadableFrame, v1Protocol } from './message.js';
import { refuseDebugging, refuseExecution } from './refused.js';
import { ReplayBudget } from './replay.js';

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

export interface BridgeDeps {
  kernels: Kernels;
  log: Logger;
  /** strict: no code reaches a kernel before its record is durable */
  policy: 'open' | 'strict';
  noteRefusal(owner: KernelOwner, kernelId: string, reason: string): void;
  /** learns what this gateway did not see: the kernel's spec and notebook */
  onUnknownKernel(channel: Channel): void;
  replayBytes?: number;
  patienceMs?: number;
  strictPatienceMs?: number;
}

/** Everything else that ipykernel would take runs code that is no execution, or is of no use over this way. */
const passable: ReadonlySet<string> = new Set([
  'execute_request',
  'complete_request',
  'inspect_request',
  'history_request',
  'is_complete_request',
  'comm_info_request',
  'comm_open',
  'comm_msg',
  'comm_close',
  'kernel_info_request',
  'connect_request',
  'interrupt_request',
  'shutdown_request',
  'input_reply',
  'create_subshell_request',
  'delete_subshell_request',
  'list_subshell_request',
  'usage_request',
]);
const heard: ReadonlySet<string> = new Set(['status', 'execute_input', 'execute_reply', 'input_request', 'error']);
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
    if (sensor.connections.size === 0) this.deps.onUnknownKernel(channel);
    const traffic = new Traffic(this.deps, channel, sensor, kernelSide.protocol === v1Protocol);
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

/** Both directions of one connection as the sensor sees them. */
class Traffic {
  connection!: Connection;
  private readonly deps: BridgeDeps;
  private readonly channel: Channel;
  private readonly sensor: KernelSensor;
  private readonly isV1: boolean;

  constructor(deps: BridgeDeps, channel: Channel, sensor: KernelSensor, isV1: boolean) {
    this.deps = deps;
    this.channel = channel;
    this.sensor = sensor;
    this.isV1 = isV1;
  }

  fromClient(data: Buffer, isBinary: boolean): boolean | Promise<boolean> {
    this.channel.onActivity();
    try {
      return this.judge(readMessage(data, isBinary, this.isV1));
    } catch (error) {
      // What we can't read the server might, differently: it would run unseen.
      if (!(error instanceof UnreadableFrame)) this.deps.log.error({ err: error }, 'A client frame could not be read');
      return this.refuse('unreadable');
    }
  }

  private judge(message: KernelMessage): boolean | Promise<boolean> {
    const type = text(message.header.msg_type);
    if (!passable.has(type)) {
      if (type === 'debug_request') for (const part of refuseDebugging(message, this.isV1)) this.connection.say(part);
      return this.refuse(type.slice(0, 100) || 'no type');
    }
    if (type === 'interrupt_request' || type === 'shutdown_request') this.sensor.dropHeld();
    if (type === 'input_reply') this.sensor.requests.answerInput(message);
    if (type === 'execute_request') return this.execute(message);
    return message.channel === 'shell' && this.sensor.isHolding ? this.sensor.heldTurn() : true;
  }

  private execute(message: KernelMessage): boolean | Promise<boolean> {
    this.sensor.requests.ask(message, this.connection);
    if (this.deps.policy === 'open') return true;
    return this.sensor.hold(this.deps.strictPatienceMs ?? 5_000).then((isDurable) => {
      if (isDurable) return true;
      this.sensor.requests.drop(message, 'not-recorded');
      for (const part of refuseExecution(message, this.isV1)) this.connection.say(part);
      return false;
    });
  }

  private refuse(reason: string): false {
    this.deps.noteRefusal(this.channel.owner, this.channel.kernelId, reason);
    return false;
  }

  fromKernel(data: Buffer, isBinary: boolean): void {
    try {
      const message = readMessage(data, isBinary, this.isV1);
      if (heard.has(text(message.header.msg_type))) this.sensor.requests.hear(message, this.connection);
    } catch (error) {
      if (!(error instanceof UnreadableFrame)) this.deps.log.error({ err: error }, 'A kernel frame could not be read');
    }
  }
}
