/** The requests of one kernel with a clock that a test moves and timers that it runs. */
import { KernelRequests, type Told } from '../src/wire/requests/requests.js';
import { asRead, executeRequest, fromKernel, type Part, type Parts, status } from './wire-messages.js';

export class RequestsHarness {
  readonly told: Told[] = [];
  /** when each of `told` is said to have been, in milliseconds of the clock */
  readonly times: number[] = [];
  nowMs = 1_000;
  notebookPath: string | null = 'a.ipynb';
  /** the connection that asks and hears where a test says nothing else */
  readonly tab = { name: 'tab' };
  private readonly timers: { at: number; task: () => void }[] = [];
  readonly requests = new KernelRequests({
    tell: (told, at) => {
      this.told.push(told);
      this.times.push(Number(at));
    },
    notebookPath: () => this.notebookPath,
    now: () => String(this.nowMs),
    monotonic: () => this.nowMs,
    later: (task, ms) => void this.timers.push({ at: this.nowMs + ms, task }),
  });

  pass(ms: number): void {
    this.nowMs += ms;
    const due = this.timers.filter(({ at }) => at <= this.nowMs);
    for (const timer of due) {
      this.timers.splice(this.timers.indexOf(timer), 1);
      timer.task();
    }
  }

  ask(msgId: string, code = 'x = 1', content: Part = {}, header: Part = {}, connection: object = this.tab): void {
    const parts = executeRequest(code, msgId, content);
    this.requests.ask(asRead({ ...parts, header: { ...parts.header, ...header } }), connection);
  }

  hear(parts: Parts, connection: object = this.tab): void {
    this.requests.hear(asRead(parts), connection);
  }

  busy = (msgId: string, connection?: object) => this.hear(status('busy', msgId), connection);
  idle = (msgId: string, connection?: object) => this.hear(status('idle', msgId), connection);
  input = (msgId: string, count = 1, connection?: object) =>
    this.hear(fromKernel('execute_input', msgId, { code: 'x = 1', execution_count: count }), connection);
  reply = (msgId: string, content: Part = { status: 'ok', execution_count: 1 }) =>
    this.hear(fromKernel('execute_reply', msgId, content));
  prompt(msgId: string, prompt: string, password = false): string {
    const request = fromKernel('input_request', msgId, { prompt, password });
    this.hear(request);
    return request.header.msg_id as string;
  }

  /** @param parent what the client names as the message that it answers */
  answer(value: string, parent: string): void {
    const header = { msg_type: 'input_reply', session: 'tab', msg_id: 'answer' };
    this.requests.answerInput(
      asRead({ channel: 'stdin', header, parent: { msg_id: parent }, metadata: {}, content: { value } }),
    );
  }

  get ends() {
    return this.told.flatMap((one) => (one.type === 'execution_finished' ? [one] : []));
  }
  types = () => this.told.map((one) => one.type);
  outcomes = () => this.ends.map((one) => `${one.msg_id} ${one.outcome}`);
}
