/** Messages as they cross the WebSocket: what is read from good frames, and that hostile ones are unreadable and no more. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  executeRequest,
  jsonFrame,
  jsonText,
  type Parts,
  readNaively,
  v1Frame,
  v1FrameOf,
} from '../../test/wire-messages.js';
import { type KernelMessage, readMessage, UnreadableFrame, writeMessage } from './message.js';

const plain = (message: KernelMessage): Parts => ({
  channel: message.channel,
  header: message.header,
  parent: message.parent(),
  metadata: message.metadata(),
  content: message.content(),
});

/** JSON objects as Jupyter sends them; texts with surrogates, quotes and NUL included. */
const part = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 2 }), { noNullPrototype: true });
const message = fc.record({
  channel: fc.constantFrom('shell', 'iopub', 'control', 'stdin', ''),
  header: part,
  parent: part,
  metadata: part,
  content: part,
});
const buffers = fc.array(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  { maxLength: 4 },
);
// What JSON can't say apart, such as -0, is compared as JSON says it.
const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value));

describe('frames of v1', () => {
  it('are read as a decoder without any check reads them, with and without buffers', () => {
    fc.assert(
      fc.property(message, buffers, (parts, more) => {
        const frame = v1Frame(parts, more);
        const { buffers: read, ...naive } = readNaively(frame);
        expect(read.map(String)).toEqual(more.map(String));
        expect(plain(readMessage(frame, true, true))).toEqual(naive);
        expect(naive).toEqual(asJson(parts));
      }),
    );
  });

  it('written here are read by others', () => {
    fc.assert(
      fc.property(message, (parts) => {
        const frame = writeMessage(parts, true) as Buffer;
        expect(readNaively(frame)).toEqual({ ...asJson(parts), buffers: [] });
        expect(frame.equals(v1Frame(parts))).toBe(true);
      }),
    );
  });

  const parts = [Buffer.from('shell'), ...Array.from({ length: 4 }, () => Buffer.from('{}'))];
  const huge = 2n ** 64n - 1n;
  const hostile: [name: string, frame: Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['seven bytes', Buffer.alloc(7, 6)],
    ['no offsets', Buffer.alloc(64)],
    ['a count beyond the frame', Buffer.concat([Buffer.from([7, 0, 0, 0, 0, 0, 0, 0]), Buffer.alloc(55)])],
    ['a huge count', Buffer.alloc(64, 0xff)],
    [
      'five offsets, without the end of the content',
      v1FrameOf(parts, (offsets) => offsets.slice(0, 5).map((at) => at - 8n)),
    ],
    ['descending offsets', v1FrameOf(parts, (offsets) => [...offsets].reverse())],
    ['an offset in the head', v1FrameOf(parts, ([, ...rest]) => [8n, ...rest])],
    ['an offset behind the end', v1FrameOf(parts, (offsets) => [...offsets.slice(0, 5), huge])],
    ['an offset that a number cannot hold', v1FrameOf(parts, (offsets) => [...offsets.slice(0, 5), 2n ** 53n + 1n])],
    ['a header that is no JSON', v1FrameOf([Buffer.from('shell'), Buffer.from('{'), ...parts.slice(2)])],
    ['a header with NaN', v1FrameOf([Buffer.from('shell'), Buffer.from('{"a":NaN}'), ...parts.slice(2)])],
  ];

  it.each(hostile)('that are %s are unreadable', (_name, frame) => {
    expect(() => plain(readMessage(frame, true, true))).toThrow(UnreadableFrame);
  });

  it.each(['NaN', '{"a":Infinity}', '{"a":-Infinity}', '', '{"a":1,}', '\ufeff{}'])(
    'with a content of %j are unreadable, when it is asked for',
    (content) => {
      const read = readMessage(v1FrameOf([...parts.slice(0, 4), Buffer.from(content)]), true, true);
      expect(read.header).toEqual({});
      expect(() => read.content()).toThrow(UnreadableFrame);
    },
  );

  it('do not throw anything else, whatever was changed in them', () => {
    const frame = v1Frame(executeRequest('1 + 1', 'm'), [Buffer.from('buffer')]);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(frame.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
        const changed = Buffer.from(frame);
        for (const [at, byte] of changes) changed[at] = byte;
        for (const isV1 of [true, false])
          try {
            plain(readMessage(changed, true, isV1));
          } catch (error) {
            expect(error).toBeInstanceOf(UnreadableFrame);
          }
      }),
      { numRuns: 500 },
    );
  });

  it('may not be text', () => {
    expect(() => readMessage(Buffer.from(jsonText(executeRequest('1'))), false, true)).toThrow(UnreadableFrame);
  });

  it('have their bad UTF-8 replaced, as ipykernel does, so that both see one code', () => {
    const content = Buffer.concat([
      Buffer.from('{"code":"'),
      Buffer.from([0xc3, 0x28, 0xff, 0xe2, 0x82]),
      Buffer.from('"}'),
    ]);
    const read = readMessage(v1FrameOf([...parts.slice(0, 4), content]), true, true);
    // python3 -c 'print(ascii(b"\xc3\x28\xff\xe2\x82".decode("utf8", "replace")))'
    expect(read.content().code).toBe('\ufffd(\ufffd\ufffd');
  });
});

describe('the old JSON form', () => {
  it('is read as text, and as binary with buffers', () => {
    fc.assert(
      fc.property(message, buffers, (parts, more) => {
        expect(plain(readMessage(Buffer.from(jsonText(parts)), false, false))).toEqual(asJson(parts));
        expect(plain(readMessage(jsonFrame(parts, more), true, false))).toEqual(asJson(parts));
      }),
    );
  });

  it('written here is read by others', () => {
    const parts = { ...executeRequest('۱ + ۱', 'm'), parent: {} };
    expect(readNaively(writeMessage(parts, false) as string)).toMatchObject({ ...parts, msg_type: 'execute_request' });
  });

  it('goes to the shell where it names no channel, as for jupyter_server', () => {
    for (const text of ['{}', '{"channel":null}']) {
      expect(readMessage(Buffer.from(text), false, false).channel).toBe('shell');
    }
  });

  const u32 = (...values: number[]) => {
    const buffer = Buffer.alloc(4 * values.length);
    for (const [index, value] of values.entries()) buffer.writeUInt32BE(value, 4 * index);
    return buffer;
  };
  const hostile: [name: string, frame: Buffer, isBinary: boolean][] = [
    ['no JSON', Buffer.from('no message'), false],
    ['NaN', Buffer.from('NaN'), false],
    ['too short', u32(1), true],
    ['no parts', Buffer.concat([u32(0, 8), Buffer.from('{}')]), true],
    ['a huge count', Buffer.concat([u32(2 ** 32 - 1, 8), Buffer.from('{}')]), true],
    ['a beginning behind the end', u32(1, 2 ** 31), true],
    ['descending offsets', Buffer.concat([u32(2, 14, 12), Buffer.from('{}')]), true],
  ];
  it.each(hostile)('with %s is unreadable', (_name, frame, isBinary) => {
    expect(() => readMessage(frame, isBinary, false)).toThrow(UnreadableFrame);
  });

  it.each(['[]', 'null', '7', '"text"', '{"header":[1],"content":null,"parent_header":"x"}'])(
    'reads %s as a message without any part',
    (text) => {
      const empty = { channel: 'shell', header: {}, parent: {}, metadata: {}, content: {} };
      expect(plain(readMessage(Buffer.from(text), false, false))).toEqual(empty);
    },
  );
});

describe('both forms', () => {
  it('have no parent where xeus sends null', () => {
    const parts = { ...executeRequest('1', 'm'), parent: null };
    expect(readMessage(v1Frame(parts), true, true).parent()).toEqual({});
    expect(readMessage(Buffer.from(jsonText(parts)), false, false).parent()).toEqual({});
  });

  it('take the last of two equal keys, as Python does', () => {
    const twice = '{"msg_type":"comm_msg","msg_type":"execute_request"}';
    const frame = v1FrameOf(['shell', twice, '{}', '{}', '{}'].map((text) => Buffer.from(text)));
    expect(readMessage(frame, true, true).header.msg_type).toBe('execute_request');
    const text = Buffer.from(`{"header":{},"header":${twice}}`);
    expect(readMessage(text, false, false).header.msg_type).toBe('execute_request');
  });

  it('keep a member that is named like a prototype for a member', () => {
    const text = '{"header":{"__proto__":{"msg_type":"execute_request"}}}';
    expect(readMessage(Buffer.from(text), false, false).header.msg_type).toBeUndefined();
  });
});
