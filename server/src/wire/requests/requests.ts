/**
 * What one kernel was asked to run over the gateway, and what it answered; one for all connections to the kernel, because
 * what it publishes comes over each of them.
 *
 *   asked --(busy or execute_input)--> begun --reply--> answered --idle, or half a second--> told
 *     |                                  `--the kernel ended--> told as lost
 *     |--reply "aborted"--> told as never run
 *     |--idle, and no reply for half a minute--> told as lost; a reply that comes after all is told too
 *     `--the connection that asked is gone for good--> told as lost
 *
 * Only what a client sends is evidence of what was asked. What comes back is said by a process that the person controls:
 * it ends an execution and never begins one, and an input that nobody asked for is told as such.
 */
import type { capture } from '@shaparak/contract';
import { boundedName, boundedText } from '../bounded.js';
import { type KernelMessage, text } from '../message.js';
import type { WireClock } from '../wire-clock.js';
import { type Asked, nameOf, placeOf, readAsked } from './asked.js';
import { type Half, halfOf, lostHalf, numberOf } from './half.js';

/** An observation without what its sensor adds to it. */
export type Told = capture.Observation extends infer One
  ? One extends capture.Observation
    ? Omit<One, 'sequence' | 'observed_at'>
    : never
  : never;

export interface RequestsDeps {
  tell(told: Told, at: string): void;
  notebookPath(): string | null;
  now: WireClock;
  /** milliseconds that no change of the clock moves */
  monotonic(): number;
  later(task: () => void, ms: number): void;
}

const idlePatienceMs = 500;
/** An answer behind a flood of output comes late; ipykernel sends none where its own handler failed. */
const answerPatienceMs = 30_000;
const unbegunPatienceMs = 15_000;
const rememberedIds = 10_000;

export class KernelRequests {
  private readonly open = new Map<string, Asked>();
  private readonly told = new Set<string>();
  private readonly unasked = new Set<string>();
  private readonly unanswered = new Set<string>();
  private readonly deps: RequestsDeps;
  private lastAnswerAt = 0;

  constructor(deps: RequestsDeps) {
    this.deps = deps;
  }

  get count(): number {
    return this.open.size;
  }

  /** Does this connection still wait for an answer? */
  isAwaitedBy(connection: object): boolean {
    for (const asked of this.open.values()) if (asked.connection === connection) return true;
    return false;
  }

  /** A request to run code; tells its start. The message must be one that will be handed on. */
  ask(message: KernelMessage, connection: object): void {
    const { store_history: storeHistory } = message.content();
    const asked = readAsked(message, connection, this.deps.monotonic());
    const { msgId, silent } = asked;
    // The same id again: the first request has no name of its own any more, so its end is told now.
    const earlier = this.open.get(msgId);
    if (earlier?.answer) this.finish(earlier);
    else if (earlier) this.close(earlier, lostHalf);
    this.open.set(msgId, asked);
    this.tell({
      type: 'execution_started',
      ...nameOf(asked),
      ...this.placeOf(asked),
      cell_number: null,
      silent,
      store_history: typeof storeHistory === 'boolean' ? storeHistory : !silent,
    });
  }

  /** A request that was held back and dropped: the kernel never saw it. */
  drop(message: KernelMessage, reason: string): void {
    const asked = this.open.get(boundedName(message.header.msg_id));
    if (asked) this.neverRan(asked, reason);
  }

  /** Text that a client gave to input() or to a debugger's prompt. */
  answerInput(message: KernelMessage): void {
    const msgId = boundedName(message.parent().msg_id);
    const asked = this.open.get(msgId) ?? this.waitingForInput(msgId);
    const value = text(message.content().value);
    const prompt = asked?.prompt;
    if (asked) asked.prompt = null;
    // Without its prompt (an earlier gateway saw it) nobody knows whether this is a password.
    const password = prompt?.password ?? true;
    this.tell({
      type: 'input_given',
      msg_id: asked?.msgId ?? msgId,
      client_session: asked?.clientSession ?? boundedName(message.header.session),
      prompt: boundedText(prompt?.text ?? '').text,
      password,
      text: password ? null : boundedText(value).text,
      length: Array.from(value).length,
    });
  }

  /** Lab's reply to a prompt names the prompt's message and not the execution. */
  private waitingForInput(promptId: string): Asked | undefined {
    const waiting = [...this.open.values()].filter((asked) => asked.prompt);
    return waiting.find((asked) => asked.prompt?.msgId === promptId) ?? waiting[0];
  }

  /** What the kernel publishes and answers; the same message comes over several connections, over a slow one much later. */
  hear(message: KernelMessage, connection: object): void {
    const type = text(message.header.msg_type);
    if (type === 'status') this.hearStatus(message, connection);
    else if (type === 'execute_input') this.hearInput(message);
    else if (type === 'execute_reply') this.hearReply(message);
    else if (type === 'input_request') this.hearPrompt(message);
    else if (type === 'error') {
      const asked = this.askedIn(message);
      const { ename, evalue } = message.content();
      if (asked) asked.error = { name: text(ename), value: text(evalue) };
    }
  }

  private hearStatus(message: KernelMessage, connection: object): void {
    const state = text(message.content().execution_state);
    // A new process: what the old one had begun will not end. What waits may still be read by the new one.
    if (['restarting', 'dead', 'starting'].includes(state)) this.kernelEnded('begun', connection);
    const asked = this.askedIn(message);
    if (!asked) return;
    if (state === 'busy') asked.beganAt ??= this.deps.monotonic();
    if (state !== 'idle') return;
    asked.isIdle = true;
    if (asked.answer) this.finish(asked);
    else if (asked.connection === gone) this.finishByOutput(asked);
    // Over the connection that asked: another one may be far ahead of it.
    else if (asked.connection === connection) this.deps.later(() => this.giveUpAnswer(asked), answerPatienceMs);
  }

  /** The kernel has said that it is done, and never how it ended; an answer that comes after all is told as well. */
  private giveUpAnswer(asked: Asked): void {
    if (this.open.get(asked.msgId) !== asked || asked.answer) return;
    remember(this.unanswered, asked.msgId);
    if (asked.error) this.finishByOutput(asked);
    else this.close(asked, lostHalf);
  }

  private hearInput(message: KernelMessage): void {
    const msgId = boundedName(message.parent().msg_id);
    const asked = this.open.get(msgId);
    if (asked) {
      asked.beganAt ??= this.deps.monotonic();
      asked.cellNumber = numberOf(message.content().execution_count) ?? asked.cellNumber;
    } else if (msgId !== '' && !this.told.has(msgId) && !this.unasked.has(msgId)) {
      remember(this.unasked, msgId);
      this.tell({
        type: 'output_without_request',
        msg_id: msgId,
        client_session: boundedName(message.parent().session),
        code: boundedText(text(message.content().code)).text,
      });
    }
  }

  private hearReply(message: KernelMessage): void {
    const content = message.content();
    const asked = this.askedIn(message);
    if (!asked) this.hearLateReply(message);
    if (!asked || asked.answer) return;
    const at = this.deps.monotonic();
    asked.answer = { status: text(content.status), content, at, on: this.deps.now() };
    asked.beganAt ??= Math.max(asked.askedAt, asked.subshell ? 0 : this.lastAnswerAt);
    if (!asked.subshell) this.lastAnswerAt = at;
    // Output may come after the answer: its cell number is the right one, but the answer alone is enough.
    this.deps.later(() => this.finish(asked), idlePatienceMs);
  }

  /** An answer to what an earlier gateway handed on: the log knows the request. */
  private hearLateReply(message: KernelMessage): void {
    const msgId = boundedName(message.parent().msg_id);
    if (msgId === '' || (this.told.has(msgId) && !this.unanswered.delete(msgId))) return;
    remember(this.told, msgId);
    const half = halfOf(text(message.content().status), message.content(), null, 0);
    const clientSession = boundedName(message.parent().session);
    if (half) this.tell({ type: 'execution_finished', msg_id: msgId, client_session: clientSession, ...half });
  }

  private hearPrompt(message: KernelMessage): void {
    const asked = this.askedIn(message);
    const { prompt, password } = message.content();
    if (!asked) return;
    const msgId = boundedName(message.header.msg_id);
    asked.prompt = { msgId, text: text(prompt), password: password === true };
  }

  /**
   * The process is gone (`all`), or followed by a new one that may still read what waits (`begun`). A connection that says
   * so may be behind the others: it speaks of what was asked over it, and of what has no connection any more.
   */
  kernelEnded(which: 'all' | 'begun', over?: object): void {
    for (const asked of [...this.open.values()]) {
      if (over !== undefined && asked.connection !== over && asked.connection !== gone) continue;
      if (asked.answer) this.finish(asked);
      else if (which === 'all' || asked.beganAt !== null) this.close(asked, lostHalf);
      // A process that is killed at once has not even said that it began; a new one would have, by then.
      else this.deps.later(() => this.loseUnbegun(asked), unbegunPatienceMs);
    }
  }

  private loseUnbegun(asked: Asked): void {
    if (this.open.get(asked.msgId) !== asked || asked.beganAt !== null) return;
    // Behind one that runs it may still be waiting.
    const isBusy = [...this.open.values()].some(({ beganAt }) => beganAt !== null);
    if (isBusy) this.deps.later(() => this.loseUnbegun(asked), unbegunPatienceMs);
    else this.close(asked, lostHalf);
  }

  /** The user's server closed this connection: no answer can come over it any more. */
  connectionEnded(connection: object, othersRemain: boolean): void {
    for (const asked of [...this.open.values()]) {
      if (asked.connection !== connection) continue;
      if (asked.answer) this.finish(asked);
      else if (othersRemain && !asked.isIdle) asked.connection = gone;
      else if (othersRemain) this.finishByOutput(asked);
      else this.close(asked, lostHalf);
    }
  }

  private finish(asked: Asked): void {
    const { answer } = asked;
    if (!answer || this.open.get(asked.msgId) !== asked) return;
    if (answer.status === 'aborted' || answer.status === 'abort') {
      this.neverRan(asked, 'aborted');
      return;
    }
    const cellNumber = asked.cellNumber ?? numberOf(answer.content.execution_count);
    const duration = Math.max(0, answer.at - (asked.beganAt ?? answer.at));
    const half = halfOf(answer.status, answer.content, asked.silent ? null : cellNumber, duration);
    this.close(asked, half ?? lostHalf, answer.on);
  }

  /** Its own connection is gone: what was published says how it ended. */
  private finishByOutput(asked: Asked): void {
    const status = asked.error ? 'error' : 'ok';
    const content = { ename: asked.error?.name ?? '', evalue: asked.error?.value ?? '' };
    const duration = this.deps.monotonic() - (asked.beganAt ?? asked.askedAt);
    this.close(asked, halfOf(status, content, asked.cellNumber, duration) ?? lostHalf);
  }

  private close(asked: Asked, half: Half, at = this.deps.now()): void {
    this.open.delete(asked.msgId);
    remember(this.told, asked.msgId);
    this.deps.tell({ type: 'execution_finished', ...nameOf(asked), ...half }, at);
  }

  private neverRan(asked: Asked, reason: string): void {
    this.open.delete(asked.msgId);
    remember(this.told, asked.msgId);
    this.tell({ type: 'execution_not_run', ...nameOf(asked), ...this.placeOf(asked), reason });
  }

  private askedIn(message: KernelMessage): Asked | undefined {
    const msgId = message.parent().msg_id;
    return msgId === undefined ? undefined : this.open.get(boundedName(msgId));
  }

  private placeOf(asked: Asked) {
    return placeOf(asked, this.deps.notebookPath());
  }

  private tell(told: Told): void {
    this.deps.tell(told, this.deps.now());
  }
}

/** Late output of what was told already is no surprise; the oldest are forgotten. */
function remember(ids: Set<string>, msgId: string): void {
  ids.add(msgId);
  if (ids.size <= rememberedIds) return;
  for (const oldest of ids) {
    ids.delete(oldest);
    break;
  }
}

/** Stands for a connection that has ended. */
const gone = {};
