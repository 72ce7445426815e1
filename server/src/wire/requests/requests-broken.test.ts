/** What the wire says when things break off: connections, kernels, gateways; and of prompts and of what nobody asked. */
import { beforeEach, describe, expect, it } from 'vitest';
import { fromKernel, status, wholeRun } from '../../../test/wire-messages.js';
import { RequestsHarness } from '../../../test/wire-requests.js';

let kernel: RequestsHarness;
beforeEach(() => {
  kernel = new RequestsHarness();
});
const other = { name: 'another tab' };

describe('a connection that ends', () => {
  it('loses what was asked over it, and nothing else', () => {
    kernel.ask('mine');
    kernel.ask('theirs', 'x', {}, {}, other);
    kernel.busy('mine');
    kernel.requests.connectionEnded(kernel.tab, false);
    expect(kernel.outcomes()).toEqual(['mine lost']);
    expect(kernel.ends[0]).toMatchObject({ cell_number: null, error_name: null });
    expect(kernel.requests.isAwaitedBy(other)).toBe(true);
  });

  it('tells at once what had its answer', () => {
    kernel.ask('m');
    kernel.reply('m');
    kernel.requests.connectionEnded(kernel.tab, false);
    kernel.pass(500);
    expect(kernel.outcomes()).toEqual(['m success']);
  });

  it('leaves it to what others hear: its output says how it ended', () => {
    for (const id of ['fails', 'works']) kernel.ask(id);
    kernel.busy('fails');
    kernel.requests.connectionEnded(kernel.tab, true);
    expect(kernel.ends).toEqual([]);
    kernel.pass(20);
    kernel.hear(fromKernel('error', 'fails', { ename: 'ValueError', evalue: 'no' }), other);
    kernel.idle('fails', other);
    kernel.busy('works', other);
    kernel.input('works', 5, other);
    kernel.idle('works', other);
    expect(kernel.ends).toMatchObject([
      { outcome: 'error', error_message: 'ValueError: no', duration_us: 20_000 },
      { outcome: 'success', cell_number: 5 },
    ]);
  });

  it('tells what another one heard the end of already', () => {
    kernel.ask('m');
    kernel.busy('m', other);
    kernel.idle('m', other);
    kernel.requests.connectionEnded(kernel.tab, true);
    expect(kernel.outcomes()).toEqual(['m success']);
  });
});

describe('a kernel that is done and does not answer', () => {
  it('has the execution told as lost, and its answer too where it comes after all', () => {
    kernel.ask('m');
    kernel.busy('m');
    kernel.idle('m');
    kernel.pass(29_000);
    expect(kernel.ends).toEqual([]);
    kernel.pass(1_000);
    expect(kernel.outcomes()).toEqual(['m lost']);
    expect(kernel.requests.count).toBe(0);
    for (let time = 0; time < 2; time += 1) kernel.reply('m');
    expect(kernel.outcomes()).toEqual(['m lost', 'm success']);
  });

  it('has it told as the error that it published', () => {
    kernel.ask('m');
    kernel.hear(fromKernel('error', 'm', { ename: 'UnicodeEncodeError', evalue: 'surrogates' }));
    kernel.idle('m');
    kernel.pass(30_000);
    expect(kernel.ends).toMatchObject([{ outcome: 'error', error_message: 'UnicodeEncodeError: surrogates' }]);
  });

  it('is waited for where only another connection has heard that it is done', () => {
    kernel.ask('m');
    kernel.idle('m', other);
    kernel.pass(60_000);
    expect(kernel.ends).toEqual([]);
    kernel.reply('m');
    kernel.pass(500);
    expect(kernel.outcomes()).toEqual(['m success']);
  });
});

describe('a kernel that dies', () => {
  it('and is followed by one that begins nothing loses what waited, unless something runs before it', () => {
    kernel.ask('killed at once');
    kernel.hear(status('restarting'));
    kernel.pass(14_000);
    expect(kernel.told.map((one) => one.type)).toEqual(['execution_started']);
    kernel.ask('runs');
    kernel.busy('runs');
    kernel.pass(1_000);
    expect(kernel.told).toHaveLength(2);
    kernel.reply('runs');
    kernel.idle('runs');
    kernel.pass(15_000);
    expect(kernel.told.at(-1)).toMatchObject({ msg_id: 'killed at once', outcome: 'lost' });
  });

  it.each(['restarting', 'dead', 'starting'])('and is %s loses what had begun, and runs what waits', (state) => {
    for (const id of ['answered', 'begun', 'waiting']) kernel.ask(id);
    kernel.reply('answered');
    kernel.busy('begun');
    kernel.hear(status(state));
    expect(kernel.outcomes()).toEqual(['answered success', 'begun lost']);
    for (const parts of wholeRun('waiting')) kernel.hear(parts);
    expect(kernel.outcomes()).toEqual(['answered success', 'begun lost', 'waiting success']);
  });

  it('for good loses all', () => {
    for (const id of ['answered', 'begun', 'waiting']) kernel.ask(id);
    kernel.reply('answered');
    kernel.busy('begun');
    kernel.requests.kernelEnded('all');
    expect(kernel.outcomes()).toEqual(['answered success', 'begun lost', 'waiting lost']);
    expect(kernel.requests.count).toBe(0);
  });

  it('is believed of what was asked over the connection that says so: a slow one says it late', () => {
    kernel.hear(status('restarting'));
    kernel.ask('risen');
    kernel.busy('risen');
    kernel.hear(status('restarting'), other);
    for (const parts of wholeRun('risen')) kernel.hear(parts);
    expect(kernel.outcomes()).toEqual(['risen success']);
  });

  it('is believed by any connection of what has none any more', () => {
    kernel.ask('m');
    kernel.busy('m');
    kernel.requests.connectionEnded(kernel.tab, true);
    kernel.hear(status('restarting'), other);
    expect(kernel.outcomes()).toEqual(['m lost']);
  });
});

describe('text that a person gives', () => {
  const inputs = () => kernel.told.flatMap((one) => (one.type === 'input_given' ? [one] : []));

  it('is told with its prompt, also where Lab names the prompt and not the execution', () => {
    kernel.ask('m');
    const prompt = kernel.prompt('m', 'نام؟ ');
    kernel.answer('سارا 😀', prompt);
    kernel.prompt('m', 'again ');
    kernel.answer('x', 'm');
    expect(inputs()).toEqual([
      {
        type: 'input_given',
        msg_id: 'm',
        client_session: 'tab',
        prompt: 'نام؟ ',
        password: false,
        text: 'سارا 😀',
        length: 6,
      },
      {
        type: 'input_given',
        msg_id: 'm',
        client_session: 'tab',
        prompt: 'again ',
        password: false,
        text: 'x',
        length: 1,
      },
    ]);
  });

  it('is its length alone where it is a password, and stands in no record', () => {
    kernel.ask('m', 'getpass()');
    kernel.answer('s3cret!', kernel.prompt('m', 'رمز: ', true));
    kernel.reply('m');
    kernel.idle('m');
    expect(inputs()).toMatchObject([{ password: true, text: null, length: 7, prompt: 'رمز: ' }]);
    expect(JSON.stringify(kernel.told)).not.toContain('s3cret!');
  });

  it('belongs to the prompt that it answers where two wait', () => {
    kernel.ask('cell');
    kernel.ask('sub', 'x', {}, { subshell_id: 's' });
    kernel.prompt('cell', 'name');
    const secret = kernel.prompt('sub', 'password', true);
    kernel.answer('s3cret!', secret);
    expect(inputs()).toMatchObject([{ msg_id: 'sub', password: true, text: null }]);
  });

  it('is taken for a password where nobody saw its prompt, as after a restart of the gateway', () => {
    kernel.answer('s3cret!', 'prompt of the gateway before');
    kernel.ask('m');
    kernel.answer('s3cret!', 'm');
    expect(inputs()).toMatchObject([
      { msg_id: 'prompt of the gateway before', password: true, text: null, length: 7 },
      { msg_id: 'm', password: true, text: null, length: 7 },
    ]);
  });
});

describe('what this gateway was not asked', () => {
  it('is told as such, once, with the kernel’s own word for its code', () => {
    for (let time = 0; time < 3; time += 1) kernel.input('forged');
    for (const parts of wholeRun('m')) kernel.hear(parts);
    kernel.hear(fromKernel('execute_input', null, { code: 'x' }));
    expect(kernel.told.filter((one) => one.type === 'output_without_request')).toEqual([
      { type: 'output_without_request', msg_id: 'forged', client_session: 'tab', code: 'x = 1' },
      { type: 'output_without_request', msg_id: 'm', client_session: 'tab', code: '…' },
    ]);
  });

  it('and late output of what was told is none of it', () => {
    kernel.ask('m');
    kernel.reply('m');
    kernel.pass(500);
    kernel.input('m');
    kernel.ask('aborted');
    kernel.reply('aborted', { status: 'aborted' });
    kernel.idle('aborted');
    kernel.input('aborted');
    expect(kernel.types()).not.toContain('output_without_request');
  });

  it('but an earlier gateway was: its answer is its end, also where its input comes first, and once', () => {
    const failed = { status: 'error', ename: 'KeyboardInterrupt', evalue: '' };
    kernel.reply('before', failed);
    kernel.reply('before', failed);
    kernel.input('queued');
    kernel.reply('queued', { status: 'ok', execution_count: 9 });
    kernel.reply('aborted', { status: 'aborted' });
    expect(kernel.ends).toMatchObject([
      { msg_id: 'before', client_session: 'tab', outcome: 'interrupted', duration_us: 0 },
      { msg_id: 'queued', outcome: 'success' },
    ]);
  });

  it('leaves a message without a parent alone', () => {
    for (const type of ['status', 'execute_input', 'execute_reply', 'input_request', 'error', 'stream'])
      kernel.hear(fromKernel(type, null, {}));
    expect(kernel.told).toEqual([]);
  });

  it('is remembered of so many ids and no more', () => {
    for (let index = 0; index < 10_002; index += 1) kernel.input(`id ${index}`);
    expect(kernel.told).toHaveLength(10_002);
    kernel.input('id 2');
    expect(kernel.told).toHaveLength(10_002);
    kernel.input('id 0');
    expect(kernel.told).toHaveLength(10_003);
  });
});
