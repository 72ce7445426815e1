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
  const whole = Buffer.from(text, 'utf8');
  if (whole.length <= mostBytes) return { text };
  const head = whole.toString('utf8', 0, boundary(whole, headBytes));
  const tail = whole.toString('utf8', boundary(whole, whole.length - tailBytes));
  const sha256 = createHash('sha256').update(whole).digest('hex');
  return { text: head + mark + tail, truncated: { bytes: whole.length, sha256 } };
}

/** The nearest start of a character at or before `index`. */
function boundary(encoded: Buffer, index: number): number {
  let at = index;
  while (at > 0 && at < encoded.length && ((encoded[at] as number) & 0xc0) === 0x80) at -= 1;
  return at;
}

/** A client's name for something; a longer one keeps its digest. */
export function boundedName(value: unknown): string {
  const text = typeof value === 'string' ? value : value === null || value === undefined ? '' : String(value);
  if (text.length <= longestName) return text;
  const characters = Array.from(text);
  if (characters.length <= longestName) return text;
  const digest = createHash('sha256').update(text, 'utf8').digest('hex');
  return `${characters.slice(0, 900).join('')}…${digest}`;
}

export const optionalName = (value: unknown): string | null =>
  value === null || value === undefined ? null : boundedName(value);
