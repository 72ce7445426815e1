/** The life of a request as the wire sees it, and that each ends exactly once whatever comes in whichever order. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { fromKernel, status, wholeRun } from '../../../test/wire-messages.js';
import { RequestsHarness } from '../../../test/wire-requests.js';

let kernel: RequestsHarness;
beforeEach(() => {
  kernel = new RequestsHarness();
});

describe('a request', () => {
  it('is told when it is asked, with all that the log needs', () => {
    kernel.ask('m', 'print(1)');
    expect(kernel.told).toEqual([
      {
        type: 'execution_started',
        msg_id: 'm',
        client_session: 'tab',
        cell_id: 'cell of m',
        notebook_path: 'a.ipynb',
        code: 'print(1)',
        cell_number: null,
        silent: false,
        store_history: true,
      },
    ]);
  });

  it('ends with reply and idle, in either order, once', () => {
    kernel.ask('a');
    kernel.busy('a');
    kernel.reply('a');
    expect(kernel.ends).toEqual([]);
    kernel.idle('a');
    kernel.idle('a');
    kernel.ask('b');
    kernel.busy('b');
    kernel.idle('b');
    kernel.reply('b');
    expect(kernel.outcomes()).toEqual(['a success']);
    kernel.pass(500);
    kernel.pass(5_000);
    expect(kernel.outcomes()).toEqual(['a success', 'b success']);
    expect(kernel.requests.count).toBe(0);
  });

  it('takes its cell number from its input, before or after the reply, else from the reply', () => {
    for (const [id, inputFirst] of [
      ['a', true],
      ['b', false],
    ] as const) {
      kernel.ask(id);
      if (inputFirst) kernel.input(id, 7);
      kernel.reply(id, { status: 'ok', execution_count: 3 });
      if (!inputFirst) kernel.input(id, 7);
      kernel.idle(id);
    }
    kernel.ask('c');
    kernel.reply('c', { status: 'ok', execution_count: 3 });
    kernel.idle('c');
    expect(kernel.ends.map((end) => end.cell_number)).toEqual([7, 7, 3]);
  });

  it.each([-1, 2 ** 31, 1.5, '7', null, Number.NaN])('takes no cell number from %s', (count) => {
    kernel.ask('m');
    kernel.hear(fromKernel('execute_input', 'm', { execution_count: count }));
    kernel.reply('m', { status: 'ok', execution_count: count });
    kernel.idle('m');
    expect(kernel.ends).toMatchObject([{ outcome: 'success', cell_number: null }]);
  });

  it('that is silent has no cell number', () => {
    kernel.ask('m', '1', { silent: true, store_history: undefined });
    kernel.reply('m', { status: 'ok', execution_count: 3 });
    kernel.idle('m');
    expect(kernel.told).toMatchObject([{ silent: true, store_history: false }, { cell_number: null }]);
  });

  it('is one for all connections that hear of it', () => {
    const other = {};
    kernel.ask('m');
    for (const parts of wholeRun('m', 4)) {
      kernel.hear(parts);
      if (parts.channel === 'iopub') kernel.hear(parts, other);
    }
    for (const parts of wholeRun('m', 4)) if (parts.channel === 'iopub') kernel.hear(parts, other);
    expect(kernel.types()).toEqual(['execution_started', 'execution_finished']);
  });

  it('that an earlier error aborted never ran', () => {
    for (const [id, word] of [
      ['a', 'aborted'],
      ['b', 'abort'],
    ] as const) {
      kernel.ask(id, 'never()');
      kernel.reply(id, { status: word });
      kernel.idle(id);
    }
    const notRun = { type: 'execution_not_run', reason: 'aborted', code: 'never()', notebook_path: 'a.ipynb' };
    expect(kernel.told.slice(1)).toMatchObject([notRun, { type: 'execution_started' }, notRun]);
    kernel.pass(1_000);
    expect(kernel.ends).toEqual([]);
  });

  it('that comes again while it is open ends the first one, by its answer where there is one', () => {
    kernel.ask('m', 'first');
    kernel.ask('m', 'second');
    expect(kernel.types()).toEqual(['execution_started', 'execution_finished', 'execution_started']);
    kernel.reply('m');
    kernel.ask('m', 'third');
    kernel.pass(500);
    kernel.reply('m');
    kernel.idle('m');
    expect(kernel.outcomes()).toEqual(['m lost', 'm success', 'm success']);
  });

  it('that was held back and dropped never ran', () => {
    kernel.ask('m');
    const held = {
      channel: 'shell',
      header: { msg_id: 'm' },
      parent: () => ({}),
      metadata: () => ({}),
      content: () => ({}),
    };
    kernel.requests.drop(held, 'not-recorded');
    kernel.requests.drop(held, 'not-recorded');
    expect(kernel.told.slice(1)).toMatchObject([{ type: 'execution_not_run', reason: 'not-recorded' }]);
    expect(kernel.requests.isAwaitedBy(kernel.tab)).toBe(false);
  });

  it('is ended by an answer of any other status as lost', () => {
    kernel.ask('m');
    kernel.reply('m', { status: 'dunno' });
    kernel.idle('m');
    expect(kernel.outcomes()).toEqual(['m lost']);
  });

  it('has the expressions that the kernel evaluates after it in its code', () => {
    kernel.ask('a', 'y = 1', { user_expressions: { double: 'y * 2', two: { toString: 1 } } });
    kernel.ask('b', 'y = 1', { user_expressions: null });
    kernel.ask('c', '', { code: undefined });
    expect(kernel.told.map((one) => 'code' in one && one.code)).toEqual([
      'y = 1\n# user_expressions, evaluated by the kernel after the cell:\n# double = y * 2\n# two = {"toString":1}',
      'y = 1',
      '',
    ]);
  });

  it('whose names are no text is told with a text', () => {
    const hostile = { toString: 1, valueOf: 1 };
    kernel.ask('m', '', { code: hostile }, { msg_id: hostile, session: hostile });
    const name = '{"toString":1,"valueOf":1}';
    expect(kernel.told).toMatchObject([{ msg_id: name, client_session: name, code: name }]);
  });
});

describe('a duration', () => {
  const durations = () => kernel.ends.map((end) => end.duration_us);

  it('is from busy to the reply, whenever idle comes', () => {
    kernel.ask('m');
    kernel.pass(40);
    kernel.busy('m');
    kernel.pass(7.25);
    kernel.reply('m');
    const answered = kernel.nowMs;
    kernel.pass(300);
    kernel.idle('m');
    expect(durations()).toEqual([7_250]);
    expect(kernel.times.at(-1)).toBe(answered);
  });

  it('of a request whose busy came late is from the end of the one before it', () => {
    kernel.ask('a');
    kernel.busy('a');
    kernel.ask('b');
    kernel.pass(100);
    kernel.reply('a');
    kernel.pass(30);
    kernel.reply('b');
    kernel.busy('b');
    kernel.idle('a');
    kernel.idle('b');
    expect(durations()).toEqual([100_000, 30_000]);
  });

  it('in a subshell is its own: it neither waits for the cell that runs nor holds the next one up', () => {
    kernel.ask('sub', 'x', {}, { subshell_id: 's1' });
    kernel.ask('cell');
    kernel.busy('cell');
    kernel.pass(50);
    kernel.reply('cell');
    kernel.ask('next');
    kernel.pass(30);
    kernel.reply('sub');
    kernel.pass(20);
    kernel.reply('next');
    for (const id of ['cell', 'sub', 'next']) kernel.idle(id);
    expect(durations()).toEqual([50_000, 80_000, 50_000]);
  });
});

describe('an end that is no success', () => {
  const ended = (content: Record<string, unknown>) => {
    kernel.ask('m');
    kernel.reply('m', { status: 'error', ...content });
    kernel.idle('m');
    const [end] = kernel.ends;
    return [end?.outcome, end?.error_name, end?.error_message];
  };

  it('has name and message', () => {
    expect(ended({ ename: 'ValueError', evalue: 'no' })).toEqual(['error', 'ValueError', 'ValueError: no']);
  });
  it('has its class’s name alone, as xeus-python prints it', () => {
    expect(ended({ ename: "<class 'ZeroDivisionError'>", evalue: 'x' })[1]).toBe('ZeroDivisionError');
  });
  it('has a name where bash_kernel tells none', () => {
    expect(ended({ execution_count: 1 })).toEqual(['error', 'Error', 'Error']);
  });
  it('has its name alone where there is no message', () => {
    expect(ended({ ename: 'KeyError', evalue: '' })[2]).toBe('KeyError');
  });
  it.each(['KeyboardInterrupt', 'CancelledError'])('with the name %s is an interrupt', (ename) => {
    expect(ended({ ename, evalue: '' })[0]).toBe('interrupted');
  });
  it('keeps head, tail and digest of a message of megabytes', () => {
    ended({ ename: 'E', evalue: 'e'.repeat(2 ** 21) });
    expect(kernel.ends[0]).toMatchObject({ error_truncated: { bytes: 2 ** 21 + 3 } });
  });
});

describe('whatever the kernel says of requests', () => {
  it('tells exactly one end of each, in any order and repetition', () => {
    const ids = ['a', 'b', 'c'];
    const said = ids.flatMap((id) => [...wholeRun(id), status('idle', id), fromKernel('error', id, { ename: 'E' })]);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(said, { minLength: said.length }),
        fc.array(fc.nat(said.length), { maxLength: 4 }),
        fc.constantFrom<'ok' | 'error' | 'aborted'>('ok', 'error', 'aborted'),
        (order, pauses, word) => {
          const one = new RequestsHarness();
          for (const id of ids) one.ask(id);
          for (const [index, parts] of order.entries()) {
            if (pauses.includes(index)) one.pass(500);
            const isReply = parts.header.msg_type === 'execute_reply';
            one.hear(isReply ? { ...parts, content: { ...parts.content, status: word } } : parts);
          }
          one.pass(500);
          one.requests.connectionEnded(one.tab, false);
          one.requests.kernelEnded('all');
          const ends = one.told.filter(({ type }) => type === 'execution_finished' || type === 'execution_not_run');
          expect(ends.map((end) => 'msg_id' in end && end.msg_id).sort()).toEqual(ids);
          expect(one.told).toHaveLength(2 * ids.length);
          expect(one.requests.count).toBe(0);
        },
      ),
    );
  });
});
