/**
 * A message between a Jupyter client and a kernel, as it crosses the WebSocket. Two forms (jupyter_server 2.x,
 * "WebSocket protocols for kernel communication"): JSON text, and binary frames of v1.kernel.websocket.jupyter.org:
 *
 *   u64 n | n offsets, u64 | channel | header | parent_header | metadata | content | buffers …   (little-endian, JSON parts)
 *
 * Parts are read when they are asked for: most messages are output, of which only the header is looked at.
 */

export const v1Protocol = 'v1.kernel.websocket.jupyter.org';

type Part = Record<string, unknown>;

export interface KernelMessage {
  channel: string;
  header: Part;
  /** empty where the message has none: xeus kernels send null */
  parent(): Part;
  metadata(): Part;
  content(): Part;
}

/** A frame that is no message; the bridge hands it on all the same. */
export class UnreadableFrame extends Error {
  override name = 'UnreadableFrame';
}

/** @param isV1 whether the connection speaks v1; then text frames are unreadable, as for jupyter_server */
export function readMessage(data: Buffer, isBinary: boolean, isV1: boolean): KernelMessage {
  if (isV1 && !isBinary) throw new UnreadableFrame('a text frame on a v1 connection');
  return isV1 ? readV1(data) : readJson(data, isBinary);
}

function readV1(data: Buffer): KernelMessage {
  const offsets = readOffsets(data);
  const part = (index: number): Part => {
    const from = offsets[index] as number;
    return asPart(parse(data.toString('utf8', from, offsets[index + 1] ?? data.length)));
  };
  return {
    channel: data.toString('utf8', offsets[0], offsets[1]),
    header: part(1),
    parent: once(() => part(2)),
    metadata: once(() => part(3)),
    content: once(() => part(4)),
  };
}

const mostOffsets = 10_000;
/** the starts of channel, header, parent, metadata and content, and the end of the content */
const fewestOffsets = 6;

function readOffsets(data: Buffer): number[] {
  if (data.length < 8) throw new UnreadableFrame('too short');
  const count = Number(data.readBigUInt64LE(0));
  if (count < fewestOffsets || count > mostOffsets || data.length < 8 * (count + 1))
    throw new UnreadableFrame('no offsets');
  const offsets: number[] = [];
  let last = 8 * (count + 1);
  for (let index = 1; index <= count; index += 1) {
    const offset = Number(data.readBigUInt64LE(8 * index));
    if (offset < last || offset > data.length) throw new UnreadableFrame('offsets out of order');
    offsets.push(offset);
    last = offset;
  }
  return offsets;
}

/** Old clients put JSON in text frames; with buffers it is binary: u32 count, u32 offsets (big-endian), JSON, buffers. */
function readJson(data: Buffer, isBinary: boolean): KernelMessage {
  const text = isBinary ? jsonOfBuffered(data) : data.toString('utf8');
  const whole = asPart(parse(text));
  return {
    // jupyter_server takes a missing channel for the shell's
    channel: typeof whole.channel === 'string' ? whole.channel : 'shell',
    header: asPart(whole.header),
    parent: () => asPart(whole.parent_header),
    metadata: () => asPart(whole.metadata),
    content: () => asPart(whole.content),
  };
}

function jsonOfBuffered(data: Buffer): string {
  if (data.length < 8) throw new UnreadableFrame('too short');
  const count = data.readUInt32BE(0);
  if (count < 1 || count > mostOffsets || data.length < 4 * (count + 1)) throw new UnreadableFrame('no offsets');
  const start = data.readUInt32BE(4);
  const end = count > 1 ? data.readUInt32BE(8) : data.length;
  if (start > end || end > data.length) throw new UnreadableFrame('offsets out of order');
  return data.toString('utf8', start, end);
}

/** For what the gateway itself says to a client, in the form that the client speaks. */
export function writeMessage(
  message: { channel: string; header: Part; parent: Part; metadata: Part; content: Part },
  isV1: boolean,
): Buffer | string {
  const { channel, header, parent, metadata, content } = message;
  if (!isV1)
    return JSON.stringify({
      channel,
      header,
      parent_header: parent,
      metadata,
      content,
      buffers: [],
      msg_id: header.msg_id,
      msg_type: header.msg_type,
    });
  const parts = [
    Buffer.from(channel),
    ...[header, parent, metadata, content].map((part) => Buffer.from(JSON.stringify(part))),
  ];
  const count = parts.length + 1;
  const head = Buffer.alloc(8 * (count + 1));
  head.writeBigUInt64LE(BigInt(count), 0);
  let offset = head.length;
  for (let index = 0; index < count; index += 1) {
    head.writeBigUInt64LE(BigInt(offset), 8 * (index + 1));
    offset += parts[index]?.length ?? 0;
  }
  return Buffer.concat([head, ...parts]);
}

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new UnreadableFrame('no JSON');
  }
}

function asPart(value: unknown): Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Part) : {};
}

function once(read: () => Part): () => Part {
  let part: Part | undefined;
  return () => {
    part ??= read();
    return part;
  };
}
