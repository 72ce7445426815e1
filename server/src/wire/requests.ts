/**
 * What one kernel was asked to run over the gateway, and what it answered; one for all connections to the kernel, because
 * what it publishes comes over each of them.
 *
 *   asked --(busy or execute_input)--> begun --reply--> answered --idle, or half a second--> told
 *     |                                  `--the kernel ended--> told as lost
 *     |--reply "aborted"--> told as never run
 *     `--the connection that asked is gone for good--> told as lost
 *
 * Only what a client sends is evidence of what was asked. What comes back is said by a process that the person controls:
 * it ends an execution and never begins one, and an input that nobody asked for is told as such.
 */
import type { capture } from '@shaparak/contract';
import { boundedName, boundedText, optionalName } from './bounded.js';
import { type KernelMessage, text } from './message.js';
import type { WireClock } from './wire-clock.js';

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

interface Asked {
  msgId: string;
  clientSession: string;
  connection: object;
  askedAt: number;
  beganAt: number | null;
  cellNumber: number | null;
  silent: boolean;
  subshell: boolean;
  code: { text: string; truncated?: capture.Truncation };
  cellId: string | null;
  /** iopub's word, which stands where the reply can't come any more */
  error: { name: string; value: string } | null;
  answer: { status: string; content: Record<string, unknown>; at: number; on: string } | null;
  prompt: { prompt: string; password: boolean } | null;
}

const idlePatienceMs = 500;
const rememberedIds = 10_000;

export class KernelRequests {
  private readonly open = new Map<string, Asked>();
  private readonly told = new Set<string>();
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
    const { header } = message;
    const content = message.content();
    const msgId = boundedName(header.msg_id);
    const code = boundedText(codeOf(content));
    const silent = content.silent === true;
    const asked: Asked = {
      msgId,
      clientSession: boundedName(header.session),
      connection,
      askedAt: this.deps.monotonic(),
      beganAt: null,
      cellNumber: null,
      silent,
      subshell: typeof header.subshell_id === 'string',
      code,
      cellId: optionalName(message.metadata().cellId),
      error: null,
      answer: null,
      prompt: null,
    };
    // The same id again: the first request has no name of its own any more, so its end is told now.
    const earlier = this.open.get(msgId);
    if (earlier) this.close(earlier, lostHalf);
    this.open.set(msgId, asked);
    this.tell({
      type: 'execution_started',
      ...this.nameOf(asked),
      ...this.placeOf(asked),
      cell_number: null,
      silent,
      store_history: typeof content.store_history === 'boolean' ? content.store_history : !silent,
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
    const asked = this.open.get(msgId) ?? this.waitingForInput();
    const value = text(message.content().value);
    const { prompt = '', password = false } = asked?.prompt ?? {};
    if (asked) asked.prompt = null;
    this.tell({
      type: 'input_given',
      msg_id: asked?.msgId ?? msgId,
      client_session: asked?.clientSession ?? boundedName(message.header.session),
      prompt: boundedText(prompt).text,
      password,
      text: password ? null : boundedText(value).text,
      length: Array.from(value).length,
    });
  }

  /** Lab's reply to a prompt names the prompt's message and not the execution. */
  private waitingForInput(): Asked | undefined {
    for (const asked of this.open.values()) if (asked.prompt) return asked;
    return undefined;
  }

  /** What the kernel publishes and answers; the same message comes over several connections. */
  hear(message: KernelMessage): void {
    const type = text(message.header.msg_type);
    if (type === 'status') this.hearStatus(message);
    else if (type === 'execute_input') this.hearInput(message);
    else if (type === 'execute_reply') this.hearReply(message);
    else if (type === 'input_request') this.hearPrompt(message);
    else if (type === 'error') {
      const asked = this.askedIn(message);
      const { ename, evalue } = message.content();
      if (asked) asked.error = { name: text(ename), value: text(evalue) };
    }
  }

  private hearStatus(message: KernelMessage): void {
    const state = text(message.content().execution_state);
    // A new process: what the old one had begun will not end. What waits may still be read by the new one.
    if (['restarting', 'dead', 'starting'].includes(state)) this.kernelEnded('begun');
    const asked = this.askedIn(message);
    if (!asked) return;
    if (state === 'busy') asked.beganAt ??= this.deps.monotonic();
    else if (state === 'idle' && asked.answer) this.finish(asked);
    else if (state === 'idle' && asked.connection === gone) this.finishByOutput(asked);
  }

  private hearInput(message: KernelMessage): void {
    const msgId = boundedName(message.parent().msg_id);
    const asked = this.open.get(msgId);
    if (asked) {
      asked.beganAt ??= this.deps.monotonic();
      const count = message.content().execution_count;
      if (Number.isSafeInteger(count)) asked.cellNumber = count as number;
    } else if (msgId !== '' && !this.told.has(msgId)) {
      this.remember(msgId);
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
    if (msgId === '' || this.told.has(msgId)) return;
    this.remember(msgId);
    const half = halfOf(text(message.content().status), message.content(), null, 0);
    const clientSession = boundedName(message.parent().session);
    if (half) this.tell({ type: 'execution_finished', msg_id: msgId, client_session: clientSession, ...half });
  }

  private hearPrompt(message: KernelMessage): void {
    const asked = this.askedIn(message);
    const { prompt, password } = message.content();
    if (asked) asked.prompt = { prompt: text(prompt), password: password === true };
  }

  /** The process is gone (`all`), or followed by a new one that may still read what waits (`begun`). */
  kernelEnded(which: 'all' | 'begun'): void {
    for (const asked of [...this.open.values()]) {
      if (asked.answer) this.finish(asked);
      else if (which === 'all' || asked.beganAt !== null) this.close(asked, lostHalf);
    }
  }

  /** The user's server closed this connection: no answer can come over it any more. */
  connectionEnded(connection: object, othersRemain: boolean): void {
    for (const asked of [...this.open.values()]) {
      if (asked.connection !== connection) continue;
      if (asked.answer) this.finish(asked);
      else if (othersRemain) asked.connection = gone;
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
    this.remember(asked.msgId);
    this.deps.tell({ type: 'execution_finished', ...this.nameOf(asked), ...half }, at);
  }

  private neverRan(asked: Asked, reason: string): void {
    this.open.delete(asked.msgId);
    this.remember(asked.msgId);
    this.tell({ type: 'execution_not_run', ...this.nameOf(asked), ...this.placeOf(asked), reason });
  }

  private askedIn(message: KernelMessage): Asked | undefined {
    const msgId = message.parent().msg_id;
    return msgId === undefined ? undefined : this.open.get(boundedName(msgId));
  }

  private nameOf({ msgId, clientSession }: Asked) {
    return { msg_id: msgId, client_session: clientSession };
  }

  private placeOf({ cellId, code }: Asked) {
    return {
      cell_id: cellId,
      notebook_path: this.deps.notebookPath(),
      code: code.text,
      ...(code.truncated ? { code_truncated: code.truncated } : {}),
    };
  }

  private tell(told: Told): void {
    this.deps.tell(told, this.deps.now());
  }

  /** Late output of what was told already is no surprise; the oldest are forgotten. */
  private remember(msgId: string): void {
    this.told.add(msgId);
    if (this.told.size <= rememberedIds) return;
    for (const oldest of this.told) {
      this.told.delete(oldest);
      break;
    }
  }
}

/** Stands for a connection that has ended. */
const gone = {};

type Half = Omit<capture.ExecutionFinished, 'sequence' | 'observed_at' | 'type' | 'msg_id' | 'client_session'>;

const lostHalf: Half = { outcome: 'lost', cell_number: null, duration_us: 0, error_name: null, error_message: null };
const interruptions = new Set(['KeyboardInterrupt', 'CancelledError']);

/** @returns null for a status that says nothing about an end */
function halfOf(
  status: string,
  content: Record<string, unknown>,
  cellNumber: number | null,
  durationMs: number,
): Half | null {
  const common = { cell_number: cellNumber, duration_us: Math.round(durationMs * 1_000) };
  if (status === 'ok') return { outcome: 'success', ...common, error_name: null, error_message: null };
  if (status !== 'error') return null;
  // xeus-python names the class as Python prints it
  const name = text(content.ename).replace(/^<class '(.+)'>$/, '$1') || 'Error';
  const value = text(content.evalue);
  const { text: message, truncated } = boundedText(value === '' ? name : `${name}: ${value}`);
  return {
    outcome: interruptions.has(name) ? 'interrupted' : 'error',
    ...common,
    error_name: boundedName(name),
    error_message: message,
    ...(truncated ? { error_truncated: truncated } : {}),
  };
}

const numberOf = (value: unknown): number | null =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 2_147_483_647
    ? (value as number)
    : null;

/** The code of a request with the expressions that the kernel evaluates after it, as the kernel's sensor writes them. */
function codeOf(content: Record<string, unknown>): string {
  const code = typeof content.code === 'string' ? content.code : JSON.stringify(content.code ?? '');
  const expressions = content.user_expressions;
  if (typeof expressions !== 'object' || expressions === null) return code;
  const lines = Object.entries(expressions).map(([name, expression]) => `# ${name} = ${String(expression)}`);
  if (lines.length === 0) return code;
  return [code, '# user_expressions, evaluated by the kernel after the cell:', ...lines].join('\n');
}
