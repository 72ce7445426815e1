/**
 * Text within the contract's bounds, cut in the same places as the kernel's sensor cuts it: the digests of both are
 * compared. Up to 1 MiB of UTF-8 is kept exactly; beyond it head and tail, with the length and digest of the whole.
 */
import { createHash } from 'node:crypto';
import type { capture } from '@shaparak/contract';
import { redact } from '../log/index.js';

const mostBytes = 1 << 20;
const headBytes = 512 << 10;
const tailBytes = 256 << 10;
const mark = '\n…[truncated]…\n';
const longestName = 1_000;

export function boundedText(raw: string): { text: string; truncated?: capture.Truncation } {
  const text = redact(raw);
  // No UTF-16 unit takes more than three bytes: most texts need no encoding here.
  if (text.length * 3 <= mostBytes) return { text };
  const whole = encode(text);
  if (whole.length <= mostBytes) return { text };
  const head = text.slice(0, unitsIn(whole.subarray(0, boundary(whole, headBytes))));
  const tail = text.slice(-unitsIn(whole.subarray(boundary(whole, whole.length - tailBytes))));
  const sha256 = createHash('sha256').update(whole).digest('hex');
  return { text: head + mark + tail, truncated: { bytes: whole.length, sha256 } };
}

/** UTF-8 in which a lone surrogate keeps its own three bytes, as Python's "surrogatepass" writes it. */
function encode(text: string): Buffer {
  const encoded = Buffer.from(text, 'utf8');
  if (text.isWellFormed()) return encoded;
  let at = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff) {
      encoded[at] = 0xed;
      encoded[at + 1] = 0x80 | ((code >> 6) & 0x3f);
      encoded[at + 2] = 0x80 | (code & 0x3f);
    }
    at += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return encoded;
}

/** How many UTF-16 units whole characters take: one for each first byte, two where it begins four bytes. */
function unitsIn(encoded: Buffer): number {
  let units = 0;
  for (const byte of encoded) units += byte >= 0xf0 ? 2 : (byte & 0xc0) === 0x80 ? 0 : 1;
  return units;
}

/** The nearest start of a character at or before `index`. */
function boundary(encoded: Buffer, index: number): number {
  let at = index;
  while (at > 0 && at < encoded.length && ((encoded[at] as number) & 0xc0) === 0x80) at -= 1;
  return at;
}

/** A client's name for something; a longer one keeps its digest. */
export function boundedName(value: unknown): string {
  const text = typeof value === 'string' ? value : value === null || value === undefined ? '' : asText(value);
  if (text.length <= longestName) return text;
  const characters = Array.from(text);
  if (characters.length <= longestName) return text;
  const digest = createHash('sha256').update(encode(text)).digest('hex');
  return `${characters.slice(0, 900).join('')}…${digest}`;
}

/** A value of JSON as text; an object may bring a `toString` that is no function. */
export const asText = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

export const optionalName = (value: unknown): string | null =>
  value === null || value === undefined ? null : boundedName(value);
