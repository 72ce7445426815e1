/**
 * Both directions of one connection as the sensor sees them, and what may not pass to a kernel: frames that can't be read
 * the way its server reads them, and types of messages that run code and are no execution.
 */
import type { Logger } from '../../platform/logging.js';
import type { KernelOwner, KernelSensor } from '../kernel-sensor.js';
import { type KernelMessage, readMessage, text, UnreadableFrame } from '../message.js';
import type { Connection } from './connection.js';
import { refuseDebugging, refuseExecution } from './refused.js';

export interface TrafficDeps {
  log: Logger;
  /** strict: no code reaches a kernel before its record is durable */
  policy: 'open' | 'strict';
  noteRefusal(owner: KernelOwner, kernelId: string, reason: string): void;
  /** the person does something */
  onActivity(): void;
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
export class Traffic {
  connection!: Connection;
  private readonly deps: TrafficDeps;
  private readonly sensor: KernelSensor;
  private readonly isV1: boolean;

  constructor(deps: TrafficDeps, sensor: KernelSensor, isV1: boolean) {
    this.deps = deps;
    this.sensor = sensor;
    this.isV1 = isV1;
  }

  fromClient(data: Buffer, isBinary: boolean): boolean | Promise<boolean> {
    this.deps.onActivity();
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
    this.deps.noteRefusal(this.sensor.owner, this.sensor.sensor.kernel_id, reason);
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
