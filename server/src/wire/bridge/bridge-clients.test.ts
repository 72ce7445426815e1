/** Clients that write frames by hand: cut anywhere, mixed with pings, against the rules, or gone without a word. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type End, rawFrame, rawHandshake, WireLab } from '../../../test/wire-lab.js';
import { executeRequest, jsonText } from '../../../test/wire-messages.js';

const text = jsonText({ ...executeRequest('', 'm'), header: { msg_type: 'comm_msg' }, content: {} });
const payload = Buffer.from(text);
const opcodes = { continuation: 0, text: 1, binary: 2, reserved: 3, close: 8, ping: 9, pong: 10 };

let lab: WireLab;
let neighbour: End;
let neighbourKernel: End;
let sessions = 0;
beforeAll(async () => {
  lab = await new WireLab({ patienceMs: 1 }).open();
  neighbour = await lab.tab('neighbour', []);
  neighbourKernel = lab.kernelEnd('neighbour');
});
afterAll(() => lab.close());
afterEach(async () => {
  // Whatever a client did, the others' messages go on, and nothing was thrown out of the bridge.
  neighbour.send(text);
  expect(String((await neighbourKernel.next()).data)).toBe(text);
  expect(lab.uncaught).toEqual([]);
});

async function rawTab(): Promise<{ socket: Socket; kernel: End }> {
  sessions += 1;
  const { socket } = await lab.rawTab(`raw-${sessions}`);
  return { socket, kernel: lab.kernelEnd(`raw-${sessions}`) };
}

const ended = async (socket: Socket) => {
  socket.resume();
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
};

describe('a client’s frames', () => {
  it('arrive whole wherever they and their handshake are cut', { timeout: 60_000 }, async () => {
    const small = '{"header":{"msg_type":"comm_msg"}}';
    const session = 'cut';
    const bytes = Buffer.concat([
      Buffer.from(rawHandshake(lab.path(session))),
      rawFrame(opcodes.text, Buffer.from(small)),
    ]);
    for (let at = 1; at < bytes.length; at += 1) {
      const socket = connect(lab.port, '127.0.0.1');
      socket.setNoDelay();
      socket.write(bytes.subarray(0, at));
      // The two halves are two reads: the second is sent when the first has gone out.
      await new Promise<void>((resolve) => setImmediate(resolve));
      socket.write(bytes.subarray(at));
      await once(socket, 'data');
      const kernel = lab.kernelEnd(session);
      expect(String((await kernel.next()).data), `cut at ${at}`).toBe(small);
      socket.destroy();
      await kernel.closed;
    }
  });

  it('arrive as one message from fragments with pings and pongs between them', async () => {
    const { socket, kernel } = await rawTab();
    const [first, second, third] = [payload.subarray(0, 10), payload.subarray(10, 10), payload.subarray(10)];
    socket.write(
      Buffer.concat([
        rawFrame(opcodes.text, first as Buffer, { fin: false }),
        rawFrame(opcodes.ping, Buffer.from('are you there')),
        rawFrame(opcodes.continuation, second as Buffer, { fin: false }),
        rawFrame(opcodes.pong, Buffer.alloc(0)),
        rawFrame(opcodes.continuation, third as Buffer),
        rawFrame(opcodes.text, payload),
      ]),
    );
    const [pong] = await once(socket, 'data');
    expect(pong).toEqual(Buffer.concat([Buffer.from([0x8a, 13]), Buffer.from('are you there')]));
    for (const { data } of await kernel.take(2)) expect(String(data)).toBe(text);
    socket.destroy();
  });

  const forbidden: [name: string, frame: Buffer][] = [
    ['is not masked', rawFrame(opcodes.text, payload, { masked: false })],
    ['has a reserved opcode', rawFrame(opcodes.reserved, payload)],
    ['has reserved bits', Buffer.concat([Buffer.from([0xf1]), rawFrame(opcodes.text, payload).subarray(1)])],
    ['says that it has more than 64 MiB', rawFrame(opcodes.binary, payload, { declared: 64 * 1024 * 1024 + 1 })],
    ['says that it has 2^53 bytes', rawFrame(opcodes.binary, payload, { declared: 2 ** 53 })],
    ['is text and no UTF-8', rawFrame(opcodes.text, Buffer.from([0x7b, 0xc3, 0x28, 0x7d]))],
    ['goes on with what nobody began', rawFrame(opcodes.continuation, payload)],
    ['is a ping of 126 bytes', rawFrame(opcodes.ping, Buffer.alloc(126))],
    ['closes with a code that is none', rawFrame(opcodes.close, Buffer.from([0x03, 0xec]))],
  ];
  it.each(forbidden)('end its connection where one %s', async (_name, frame) => {
    const { socket, kernel } = await rawTab();
    socket.write(frame);
    await ended(socket);
    await kernel.closed;
    expect(kernel.received).toEqual([]);
  });

  it('that are fragments without an end are bounded together', async () => {
    const { socket, kernel } = await rawTab();
    const part = Buffer.alloc(9 * 1024 * 1024);
    const pieces = Array.from({ length: 8 }, (_, index) =>
      rawFrame(index === 0 ? opcodes.binary : opcodes.continuation, part, { fin: false }),
    );
    for (const piece of pieces) socket.write(piece);
    await ended(socket);
    await kernel.closed;
    expect(kernel.received).toEqual([]);
  });
});

describe('a client that is gone', () => {
  it('by a reset, with a frame half sent, raises nothing', async () => {
    for (const half of [0, 1, 7, 20]) {
      const { socket, kernel } = await rawTab();
      socket.write(rawFrame(opcodes.text, payload).subarray(0, half), () => socket.resetAndDestroy());
      await kernel.closed;
      expect(kernel.received).toEqual([]);
    }
  });

  it('by a reset in or behind its handshake raises nothing', async () => {
    for (const cut of [1, 40, 10_000]) {
      const { socket } = await lab.rawDial('reset', [], cut);
      socket.resetAndDestroy();
      await ended(socket);
    }
    await vi.waitFor(() => expect(lab.kernelEndsOpen).toBe(1));
  });

  it('while the kernel talks on raises nothing', async () => {
    const { socket, kernel } = await rawTab();
    socket.resetAndDestroy();
    for (let count = 0; count < 200; count += 1) kernel.send(text);
    await kernel.closed;
  });
});
