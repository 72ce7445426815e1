/** Messages of Jupyter clients and kernels for tests, written and read apart from the code that is tested. */
import { randomUUID } from 'node:crypto';
import type { KernelMessage } from '../src/wire/message.js';

export type Part = Record<string, unknown>;

export interface Parts {
  channel: string;
  header: Part;
  parent: Part | null;
  metadata: Part;
  content: Part;
}

const json = (part: unknown): Buffer => Buffer.from(JSON.stringify(part));

/** A frame of v1.kernel.websocket.jupyter.org, as jupyter_server's serialize_msg_to_ws_v1 writes it. */
export function v1Frame({ channel, header, parent, metadata, content }: Parts, buffers: Buffer[] = []): Buffer {
  return v1FrameOf([Buffer.from(channel), ...[header, parent, metadata, content].map(json), ...buffers]);
}

export function v1FrameOf(parts: Buffer[], offsetsChange: (offsets: bigint[]) => bigint[] = (offsets) => offsets) {
  const offsets = [8 * (parts.length + 2)];
  for (const part of parts) offsets.push((offsets.at(-1) as number) + part.length);
  const written = offsetsChange(offsets.map(BigInt));
  const head = Buffer.alloc(8 * (written.length + 1));
  head.writeBigUInt64LE(BigInt(written.length), 0);
  for (const [index, offset] of written.entries()) head.writeBigUInt64LE(offset, 8 * (index + 1));
  return Buffer.concat([head, ...parts]);
}

export const jsonText = ({ parent, ...rest }: Parts): string => JSON.stringify({ ...rest, parent_header: parent });

/** The JSON form with buffers: u32 count, u32 offsets, JSON, buffers; big-endian. */
export function jsonFrame(parts: Parts, buffers: Buffer[]): Buffer {
  const all = [Buffer.from(jsonText(parts)), ...buffers];
  const head = Buffer.alloc(4 * (all.length + 1));
  head.writeUInt32BE(all.length, 0);
  let offset = head.length;
  for (const [index, part] of all.entries()) {
    head.writeUInt32BE(offset, 4 * (index + 1));
    offset += part.length;
  }
  return Buffer.concat([head, ...all]);
}

/** As a client would read it, with nothing checked. */
export function readNaively(data: Buffer | string): Parts & { buffers: Buffer[] } {
  if (typeof data === 'string') {
    const { parent_header: parent, ...rest } = JSON.parse(data);
    return { ...rest, parent, buffers: [] };
  }
  const at = (index: number) => Number(data.readBigUInt64LE(8 * index));
  const slices = Array.from({ length: at(0) - 1 }, (_, index) => data.subarray(at(index + 1), at(index + 2)));
  const [channel, header, parent, metadata, content, ...buffers] = slices as Buffer[];
  const part = (slice: Buffer | undefined) => JSON.parse(String(slice));
  return {
    channel: String(channel),
    header: part(header),
    parent: part(parent),
    metadata: part(metadata),
    content: part(content),
    buffers,
  };
}

/** A request to run code, as JupyterLab sends it. */
export function executeRequest(code: string, msgId: string = randomUUID(), content: Part = {}): Parts {
  return {
    channel: 'shell',
    header: { msg_id: msgId, msg_type: 'execute_request', session: 'tab', username: '', version: '5.2' },
    parent: {},
    metadata: { cellId: `cell of ${msgId}` },
    content: { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: true, ...content },
  };
}

const channels: Record<string, string> = { execute_reply: 'shell', input_request: 'stdin' };

/** What a kernel says of the request `msgId`. */
export function fromKernel(type: string, msgId: string | null, content: Part = {}): Parts {
  return {
    channel: channels[type] ?? 'iopub',
    header: { msg_id: randomUUID(), msg_type: type, session: 'kernel', username: 'x', version: '5.3' },
    parent: msgId === null ? {} : { msg_id: msgId, msg_type: 'execute_request', session: 'tab' },
    metadata: {},
    content,
  };
}

export const status = (state: string, msgId: string | null = null): Parts =>
  fromKernel('status', msgId, { execution_state: state });

/** All that ipykernel says of one request that succeeds, in its order. */
export const wholeRun = (msgId: string, count = 1): Parts[] => [
  status('busy', msgId),
  fromKernel('execute_input', msgId, { code: '…', execution_count: count }),
  fromKernel('execute_reply', msgId, { status: 'ok', execution_count: count }),
  status('idle', msgId),
];

export const asRead = ({ channel, header, parent, metadata, content }: Parts): KernelMessage => ({
  channel,
  header,
  parent: () => parent ?? {},
  metadata: () => metadata,
  content: () => content,
});
