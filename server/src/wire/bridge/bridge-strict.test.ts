/** What may not pass: code whose record is not durable, where the policy is strict, and messages that run code unseen. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type End, kernelId, WireLab } from '../../../test/wire-lab.js';
import {
  executeRequest,
  fromKernel,
  jsonText,
  type Part,
  type Parts,
  readNaively,
  v1Frame,
  v1FrameOf,
} from '../../../test/wire-messages.js';

let lab: WireLab;
let tab: End;
let kernel: End;
async function open(change: ConstructorParameters<typeof WireLab>[0], protocols?: string[]): Promise<void> {
  lab = await new WireLab(change).open();
  tab = await lab.tab('tab', protocols);
  kernel = lab.kernelEnd();
}
afterEach(async () => {
  await lab.close();
  expect(lab.uncaught).toEqual([]);
});

const read = ({ data, isBinary }: { data: Buffer; isBinary: boolean }) => readNaively(isBinary ? data : String(data));
const typeOf = (frame: { data: Buffer; isBinary: boolean }) => read(frame).header.msg_type;
const client = (type: string, channel = 'shell', content: Part = {}): Parts => ({
  ...fromKernel(type, null, content),
  channel,
});
const nothingElseIn = async (end: End) => {
  // What would come, comes before the answer to a ping.
  const pong = new Promise((resolve) => end.socket.once('pong', resolve));
  end.socket.ping();
  await pong;
};

describe('strict', () => {
  it.each([
    ['v1', undefined],
    ['the JSON form', []],
  ])(
    'refuses a cell whose record does not become durable, so that its prompt is not left busy; in %s',
    async (form, protocols) => {
      await open({ policy: 'strict', strictPatienceMs: 20 }, protocols);
      lab.spool.durable = 'never';
      const request = executeRequest('hidden()', 'm');
      tab.send(form === 'v1' ? v1Frame(request) : jsonText(request));
      const answers = (await tab.take(4)).map(read);
      expect(
        answers.map(({ channel, header, content }) => [channel, header.msg_type, content.execution_state]),
      ).toEqual([
        ['iopub', 'status', 'busy'],
        ['iopub', 'error', undefined],
        ['shell', 'execute_reply', undefined],
        ['iopub', 'status', 'idle'],
      ]);
      for (const { parent, header } of answers) {
        expect(parent).toEqual(request.header);
        expect(header.session).toBe('tab');
      }
      expect(new Set(answers.map(({ header }) => header.msg_id)).size).toBe(4);
      const [, error, reply] = answers;
      expect(error?.content.ename).toBe('خطای ثبت لاگ');
      expect(error?.content.evalue).toMatch(/^اجرا نشد: سامانهٔ ثبت لاگ در دسترس نیست\.\n/);
      expect(reply).toMatchObject({
        content: { status: 'error', execution_count: null },
        metadata: { status: 'error' },
      });
      expect(reply?.content).toMatchObject(error?.content ?? {});
      expect(kernel.received).toEqual([]);
      expect(lab.spool.types()).toEqual(['execution_started', 'execution_not_run']);
      expect(lab.spool.observations.at(-1)).toMatchObject({ reason: 'not-recorded', code: 'hidden()' });
      // The next cell is recorded, and runs.
      lab.spool.durable = 'at once';
      tab.send(form === 'v1' ? v1Frame(executeRequest('next()')) : jsonText(executeRequest('next()')));
      expect(typeOf(await kernel.next())).toBe('execute_request');
    },
  );

  it('holds cells until their record is durable, keeps the shell’s order, and lets control and stdin overtake', async () => {
    await open({ policy: 'strict' });
    lab.spool.durable = 'later';
    for (const parts of [
      executeRequest('first()', 'first'),
      client('complete_request'),
      executeRequest('second()', 'second'),
      client('kernel_info_request', 'control'),
      client('input_reply', 'stdin', { value: 'x' }),
    ])
      tab.send(v1Frame(parts));
    expect((await kernel.take(2)).map(typeOf)).toEqual(['kernel_info_request', 'input_reply']);
    await nothingElseIn(kernel);
    expect(kernel.received).toHaveLength(2);
    lab.spool.settle(true);
    const rest = (await kernel.take(3)).map(read);
    expect(rest.map(({ header }) => header.msg_id)).toMatchObject(['first', expect.any(String), 'second']);
    expect(rest[1]?.header.msg_type).toBe('complete_request');
  });

  it('refuses every held cell when the spool fails, and keeps what stands between them', async () => {
    await open({ policy: 'strict' });
    lab.spool.durable = 'later';
    for (const parts of [executeRequest('a', 'a'), client('complete_request'), executeRequest('b', 'b')])
      tab.send(v1Frame(parts));
    await vi.waitFor(() => expect(lab.spool.types()).toHaveLength(2));
    lab.spool.settle(false);
    const answers = (await tab.take(8)).map(read);
    expect(answers.map(({ parent }) => parent?.msg_id)).toEqual([...Array(4).fill('a'), ...Array(4).fill('b')]);
    expect(typeOf(await kernel.next())).toBe('complete_request');
    await nothingElseIn(kernel);
    expect(kernel.received).toHaveLength(1);
  });

  it.each(['interrupt_request', 'shutdown_request', 'the REST interface'])('drops what is held at %s', async (how) => {
    await open({ policy: 'strict' });
    lab.spool.durable = 'later';
    tab.send(v1Frame(executeRequest('held()', 'held')));
    await vi.waitFor(() => expect(lab.spool.types()).toEqual(['execution_started']));
    if (how === 'the REST interface') lab.bridge.releaseHeld(lab.owner, kernelId);
    else tab.send(v1Frame(client(how, 'control')));
    const answers = (await tab.take(4)).map(read);
    expect(answers[2]).toMatchObject({ parent: { msg_id: 'held' }, content: { status: 'error' } });
    lab.spool.settle(true);
    await nothingElseIn(kernel);
    expect(kernel.received.map(typeOf)).toEqual(how === 'the REST interface' ? [] : [how]);
    expect(lab.spool.types()).toEqual(['execution_started', 'execution_not_run']);
  });

  it('tells nothing of a kernel that it does not know when that is interrupted', async () => {
    await open({ policy: 'strict' });
    const before = lab.spool.entries.length;
    lab.bridge.releaseHeld(lab.owner, '99999999-2222-4333-8444-555555555555');
    expect(lab.spool.entries).toHaveLength(before);
  });

  it('hands a held cell on though its tab has left', async () => {
    await open({ policy: 'strict' });
    lab.spool.durable = 'later';
    tab.send(v1Frame(executeRequest('x', 'x')));
    await vi.waitFor(() => expect(lab.spool.types()).toHaveLength(1));
    tab.socket.terminate();
    await vi.waitFor(() => expect(lab.tabsJoined).toBe(0));
    lab.spool.settle(true);
    expect(typeOf(await kernel.next())).toBe('execute_request');
  });
});

describe('under any policy', () => {
  beforeEach(() => open({}));
  const passes = async () => {
    tab.send(v1Frame(executeRequest('fine', 'fine')));
    expect(read(await kernel.next()).header.msg_id).toBe('fine');
    expect(kernel.received).toHaveLength(1);
  };

  it('code passes at once, whatever becomes of its record', async () => {
    lab.spool.durable = 'never';
    await passes();
  });

  it('messages that run code and are no execution are dropped and noted', async () => {
    for (const type of ['apply_request', 'clear_request', 'abort_request', 'execute_reply', '', 'x'.repeat(300)])
      tab.send(v1Frame(client(type)));
    await passes();
    const short = 'x'.repeat(100);
    expect(lab.refusals).toEqual([
      'apply_request',
      'clear_request',
      'abort_request',
      'execute_reply',
      'no type',
      short,
    ]);
  });

  it('a debugger’s question is answered with no, and goes nowhere', async () => {
    const ask = client('debug_request', 'control', { type: 'request', seq: 7, command: 'evaluate' });
    tab.send(v1Frame(ask));
    const answers = (await tab.take(3)).map(read);
    expect(answers.map(({ channel, header }) => [channel, header.msg_type])).toEqual([
      ['iopub', 'status'],
      ['control', 'debug_reply'],
      ['iopub', 'status'],
    ]);
    expect(answers[1]?.content).toMatchObject({ request_seq: 7, command: 'evaluate', success: false });
    expect(answers[1]?.parent).toEqual(ask.header);
    await passes();
    expect(lab.refusals).toEqual(['debug_request']);
  });

  const { header } = executeRequest('x', 'x');
  const v1Of = (...parts: string[]) => v1FrameOf(parts.map((part) => Buffer.from(part)));
  const head = JSON.stringify(header);
  const hostile: [name: string, frame: Buffer | string][] = [
    ['text on a v1 connection', jsonText(executeRequest('x'))],
    ['no frame at all', Buffer.from('garbage')],
    ['content that is no JSON', v1Of('shell', head, '{}', '{}', '{"code":NaN}')],
    ['metadata that are no JSON', v1Of('shell', head, '{}', '{', '{"code":"1"}')],
    ['a parent that is no JSON', v1Of('stdin', '{"msg_type":"input_reply"}', '{', '{}', '{"value":"1"}')],
    ['a debugger’s content that is no JSON', v1Of('control', '{"msg_type":"debug_request"}', '{}', '{}', '{')],
  ];
  it.each(hostile)('%s is dropped and noted', async (_name, frame) => {
    tab.send(frame);
    await passes();
    expect(lab.refusals).toEqual(['unreadable']);
  });

  it('code that the sensor cannot record is dropped and noted, and nothing else ends', async () => {
    const { requests } = lab.kernels.get(lab.owner, kernelId);
    const ask = requests.ask.bind(requests);
    requests.ask = () => {
      throw new Error('a fault in the sensor');
    };
    tab.send(v1Frame(executeRequest('x', 'x')));
    await vi.waitFor(() => expect(lab.refusals).toEqual(['unreadable']));
    requests.ask = ask;
    await passes();
  });

  it('names that are no text pass, and are told as text', async () => {
    const odd = { toString: 1, valueOf: 1 };
    const parts = executeRequest('x', 'x', { user_expressions: { a: odd } });
    tab.send(v1Frame({ ...parts, header: { ...parts.header, msg_id: odd, session: odd }, metadata: { cellId: odd } }));
    await kernel.next();
    expect(lab.spool.observations.at(-1)).toMatchObject({ msg_id: '{"toString":1,"valueOf":1}' });
  });
});
