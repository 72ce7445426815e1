/** What passes the bridge, unchanged, over real sockets on both sides; and how connections begin, leave and end. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { End, kernelId, WireLab } from '../../../test/wire-lab.js';
import {
  executeRequest,
  fromKernel,
  jsonFrame,
  jsonText,
  status,
  v1Frame,
  wholeRun,
} from '../../../test/wire-messages.js';

let lab: WireLab;
beforeEach(async () => {
  lab = await new WireLab().open();
});
afterEach(async () => {
  await lab.close();
  expect(lab.uncaught).toEqual([]);
});

const comm = (length: number) =>
  v1Frame({ ...fromKernel('comm_msg', null), channel: 'shell', header: { msg_type: 'comm_msg' } }, [
    randomBytes(length),
  ]);

describe('messages', () => {
  it('pass unchanged both ways, of any size, in their order', async () => {
    const tab = await lab.tab();
    const kernel = lab.kernelEnd();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(70_000), { minLength: 1, maxLength: 8 }), async (sizes) => {
        const frames = sizes.map(comm);
        for (const frame of frames) {
          tab.send(frame);
          kernel.send(frame);
        }
        for (const end of [kernel, tab])
          for (const [index, { data, isBinary }] of (await end.take(frames.length)).entries())
            expect(isBinary && data.equals(frames[index] as Buffer)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it('pass unchanged at 5 MB, also in fragments', async () => {
    const tab = await lab.tab();
    const kernel = lab.kernelEnd();
    const large = comm(5 * 1024 * 1024);
    for (const [from, to] of [
      [tab, kernel],
      [kernel, tab],
    ] as const) {
      from.send(large);
      for (let at = 0; at < large.length; at += 1_000_000)
        from.socket.send(large.subarray(at, at + 1_000_000), { binary: true, fin: at + 1_000_000 >= large.length });
      for (const { data } of await to.take(2)) expect(data.equals(large)).toBe(true);
    }
  });

  it('pass as text in the old JSON form, and as binary with buffers', async () => {
    const tab = await lab.tab('tab', []);
    const kernel = lab.kernelEnd();
    const text = jsonText(executeRequest('print("سلام")', 'm'));
    const withBuffers = jsonFrame({ ...executeRequest('', 'c'), header: { msg_type: 'comm_msg' } }, [randomBytes(99)]);
    for (const data of [text, withBuffers]) {
      tab.send(data);
      kernel.send(data);
    }
    for (const end of [kernel, tab]) {
      const [first, second] = await end.take(2);
      expect([first?.isBinary, String(first?.data)]).toEqual([false, text]);
      expect(second?.isBinary && second.data.equals(withBuffers)).toBe(true);
    }
    expect(lab.spool.types()).toEqual(['execution_started']);
  });

  it('of the kernel pass even where they are none: garbage, bad UTF-8, an unknown form', async () => {
    const tab = await lab.tab();
    const garbage = Buffer.from([0xff, 0xfe, 0x00]);
    lab.kernelEnd().send(garbage);
    expect((await tab.next()).data.equals(garbage)).toBe(true);
  });

  it('are told as executions, of all tabs of one kernel together', async () => {
    const [first, second] = [await lab.tab('first'), await lab.tab('second')];
    const [one, two] = [lab.kernelEnd('first'), lab.kernelEnd('second')];
    first.send(v1Frame(executeRequest('x = 1', 'm')));
    await one.next();
    for (const parts of wholeRun('m')) {
      one.send(v1Frame(parts));
      if (parts.channel === 'iopub') two.send(v1Frame(parts));
    }
    await Promise.all([first.take(4), second.take(3)]);
    expect(lab.spool.types()).toEqual(['execution_started', 'execution_finished']);
    expect(lab.spool.observations.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(lab.unknownKernels).toBe(1);
  });

  it('are neither lost nor changed by a sensor that throws', async () => {
    const tab = await lab.tab();
    const kernel = lab.kernelEnd();
    lab.kernels.get(lab.owner, kernelId).requests.hear = () => {
      throw new Error('a fault in the sensor');
    };
    const frames = wholeRun('m').map((parts) => v1Frame(parts));
    for (const frame of frames) kernel.send(frame);
    expect((await tab.take(4)).map(({ data }) => data)).toEqual(frames);
  });
});

describe('a handshake', () => {
  it('never agrees on compression, on either side, and hands the sub-protocol on', async () => {
    const tab = new End(lab.dial('tab', ['other', 'v1.kernel.websocket.jupyter.org'], { perMessageDeflate: true }));
    const [answer] = await once(tab.socket, 'upgrade');
    expect(answer.headers['sec-websocket-extensions']).toBeUndefined();
    expect(answer.headers['sec-websocket-protocol']).toBe('v1.kernel.websocket.jupyter.org');
    const [asked] = lab.handshakes;
    expect(asked?.['sec-websocket-extensions']).toBeUndefined();
    expect(asked?.['sec-websocket-protocol']).toBe('other,v1.kernel.websocket.jupyter.org');
    expect(asked).toMatchObject({ authorization: 'token secret', url: lab.path('tab') });
    expect([tab.socket.extensions, lab.kernelEnd().socket.extensions]).toEqual(['', '']);
  });

  it('has no sub-protocol where the client offers none', async () => {
    const tab = await lab.tab('tab', []);
    expect([tab.socket.protocol, lab.kernelEnd().socket.protocol]).toEqual(['', '']);
  });

  it.each([
    ['403', 403, 1],
    ['404', 404, 0],
    ['a reset', 'reset', 0],
  ] as const)('that the server answers with %s fails once', async (_name, answer, refused) => {
    lab.serverAnswers = answer;
    const tab = new End(lab.dial());
    expect(await tab.closed).toBe(1006);
    expect([lab.failures.length, lab.tokensRefused, lab.bridge.size]).toEqual([1, refused, 0]);
  });

  it('to a server that is not there fails once', async () => {
    const { socketPath } = lab;
    Object.defineProperty(lab, 'socketPath', { value: `${socketPath}.gone` });
    await new End(lab.dial()).closed;
    expect(lab.failures).toEqual(['ENOENT']);
  });

  it('of a tab that is gone meanwhile leaves nothing behind', async () => {
    lab.serverAnswers = 'later';
    const { socket } = await lab.rawDial();
    await vi.waitFor(() => expect(lab.held).toHaveLength(1));
    socket.resetAndDestroy();
    await vi.waitFor(() => expect(lab.openSockets).toBe(1));
    lab.held[0]?.();
    await vi.waitFor(async () => expect(await lab.kernelEnd('raw').closed).toBe(1005));
    expect(lab.bridge.size).toBe(0);
  });

  it('that a WebSocket server cannot take leaves no connection for ever', async () => {
    await lab.close();
    lab = await new WireLab({ patienceMs: 1 }).open();
    const { answer } = await lab.rawTab('raw', ['sec-websocket-version: 12']);
    expect(answer).toContain('400 Bad Request');
    expect(await lab.kernelEnd('raw').closed).toBe(1005);
    await vi.waitFor(() => expect(lab.bridge.size).toBe(0));
  });
});

describe('the end of a kernel’s connection', () => {
  it('is handed on with its code and reason', async () => {
    const tab = await lab.tab();
    lab.kernelEnd().socket.close(4001, 'kernel gone');
    expect(await tab.closed).toBe(4001);
    await vi.waitFor(() => expect(lab.bridge.size).toBe(0));
  });

  it('without a code is an error to the client, and loses what was asked', async () => {
    const tab = await lab.tab();
    const kernel = lab.kernelEnd();
    tab.send(v1Frame(executeRequest('os._exit(1)', 'm')));
    await kernel.next();
    kernel.send(v1Frame(status('busy', 'm')));
    await tab.next();
    kernel.socket.terminate();
    expect(await tab.closed).toBe(1011);
    expect(lab.spool.observations.at(-1)).toMatchObject({ type: 'execution_finished', outcome: 'lost' });
  });
});
