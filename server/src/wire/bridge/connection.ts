/**
 * One connection between a tab and a kernel: the tab's WebSocket (here: the client) and one of our own to the person's
 * server (the kernel side), which stays open while the client is away and executions that it asked for still run.
 *
 *   joined --client leaves--> alone --same session comes back--> joined (with what it missed)
 *     |                         |--nothing runs any more and the patience is over--> closed
 *     `--kernel side ends-------`--> closed
 *
 * Messages are handed on as they came. A slow side stops the other one from being read (16 MiB unsent). What the sensor
 * does with a message happens beside its way: a failure there is counted and never holds or loses a message.
 */
import type { RawData, WebSocket } from 'ws';
import type { Replay } from './replay.js';

export interface ConnectionDeps {
  kernelSide: WebSocket;
  replay: Replay;
  /** @returns whether the message may go to the kernel, now or when the promise says so */
  fromClient(data: Buffer, isBinary: boolean): boolean | Promise<boolean>;
  fromKernel(data: Buffer, isBinary: boolean): void;
  isBusy(): boolean;
  onClosed(): void;
  patienceMs: number;
}

const mostUnsent = 16 * 1024 * 1024;
const noStatus = new Set([1005, 1006, 1015]);

export class Connection {
  private readonly deps: ConnectionDeps;
  private client: WebSocket | null = null;
  private queue: Promise<void> = Promise.resolve();
  private patience: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(deps: ConnectionDeps) {
    this.deps = deps;
    const { kernelSide } = deps;
    kernelSide.on('message', (data, isBinary) => this.toClient(asBuffer(data), isBinary));
    kernelSide.on('close', (code, reason) => this.end(code, reason));
    kernelSide.on('error', () => kernelSide.terminate());
  }

  /** what both sides speak; empty for the old JSON form */
  get protocol(): string {
    return this.deps.kernelSide.protocol;
  }

  /** false while it closes: a tab that comes now gets a new one */
  get isOpen(): boolean {
    return this.deps.kernelSide.readyState === this.deps.kernelSide.OPEN;
  }

  get isJoined(): boolean {
    return this.client !== null;
  }

  /** A client takes the connection up, the first time or again; an older one of the same session gives way. */
  join(client: WebSocket): void {
    clearTimeout(this.patience);
    const older = this.client;
    this.client = client;
    older?.close(1000);
    this.readKernelAgain();
    for (const { data, isBinary } of this.deps.replay.take()) client.send(data, { binary: isBinary });
    client.on('message', (data, isBinary) => this.toKernel(asBuffer(data), isBinary));
    client.on('error', () => client.terminate());
    client.on('close', () => this.leave(client));
  }

  /** Something that the gateway itself has to say to the client. */
  say(data: Buffer | string): void {
    this.client?.send(data, { binary: typeof data !== 'string' });
  }

  /** What was asked for has ended: a connection without a client waits a while for it to come back. */
  settle(): void {
    if (this.client !== null || this.closed || this.deps.isBusy()) return;
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.close(), this.deps.patienceMs);
    this.patience.unref();
  }

  close(): void {
    this.deps.kernelSide.close();
  }

  terminate(): void {
    this.client?.terminate();
    this.deps.kernelSide.terminate();
  }

  private toClient(data: Buffer, isBinary: boolean): void {
    const { client } = this;
    if (client === null) this.deps.replay.keep({ data, isBinary });
    else send(client, this.deps.kernelSide, data, isBinary);
    this.deps.fromKernel(data, isBinary);
  }

  private toKernel(data: Buffer, isBinary: boolean): void {
    const verdict = this.deps.fromClient(data, isBinary);
    // Nothing is held: the usual case goes on at once. Behind a held message the order is kept.
    if (typeof verdict === 'boolean') {
      if (verdict) this.pass(data, isBinary);
      return;
    }
    this.queue = this.queue
      .then(() => verdict)
      .then((mayPass) => {
        if (mayPass) this.pass(data, isBinary);
      })
      .catch(() => {});
  }

  private pass(data: Buffer, isBinary: boolean): void {
    if (this.client) send(this.deps.kernelSide, this.client, data, isBinary);
    else if (this.deps.kernelSide.readyState === this.deps.kernelSide.OPEN)
      this.deps.kernelSide.send(data, { binary: isBinary });
  }

  private leave(client: WebSocket): void {
    if (this.client !== client) return;
    this.client = null;
    this.readKernelAgain();
    this.settle();
  }

  /** A kernel side that was stopped for a slow client: that one has left, or a new one has taken its place. */
  private readKernelAgain(): void {
    if (this.deps.kernelSide.isPaused) this.deps.kernelSide.resume();
  }

  private end(code: number, reason: Buffer): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.patience);
    this.deps.replay.giveUp();
    this.client?.close(noStatus.has(code) ? 1011 : code, reason);
    this.client = null;
    this.deps.onClosed();
  }
}

/** Sends, and stops reading the sender while the receiver has too much before it. */
function send(receiver: WebSocket, sender: WebSocket, data: Buffer, isBinary: boolean): void {
  if (receiver.readyState !== receiver.OPEN) return;
  receiver.send(data, { binary: isBinary }, () => {
    if (sender.isPaused && receiver.bufferedAmount < mostUnsent / 4) sender.resume();
  });
  if (receiver.bufferedAmount > mostUnsent) sender.pause();
}

/** `ws` gives one Buffer, or fragments of a message in a list. */
function asBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
