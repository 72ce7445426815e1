/** How an execution ended, read from what the kernel answers. */
import type { capture } from '@shaparak/contract';
import { boundedName, boundedText } from '../bounded.js';
import { text } from '../message.js';

/** The end of an execution as an observation tells it. */
export type Half = Omit<capture.ExecutionFinished, 'sequence' | 'observed_at' | 'type' | 'msg_id' | 'client_session'>;

export const lostHalf: Half = {
  outcome: 'lost',
  cell_number: null,
  duration_us: 0,
  error_name: null,
  error_message: null,
};
const interruptions = new Set(['KeyboardInterrupt', 'CancelledError']);

/** @returns null for a status that says nothing about an end */
export function halfOf(
  status: string,
  content: Record<string, unknown>,
  cellNumber: number | null,
  durationMs: number,
): Half | null {
  const common = { cell_number: cellNumber, duration_us: Math.round(durationMs * 1_000) };
  if (status === 'ok') return { outcome: 'success', ...common, error_name: null, error_message: null };
  if (status !== 'error') return null;
  // xeus-python names the class as Python prints it
  const name = text(content.ename).replace(/^<class '(.+)'>$/, '$1') || 'Error';
  const value = text(content.evalue);
  const { text: message, truncated } = boundedText(value === '' ? name : `${name}: ${value}`);
  return {
    outcome: interruptions.has(name) ? 'interrupted' : 'error',
    ...common,
    error_name: boundedName(name),
    error_message: message,
    ...(truncated ? { error_truncated: truncated } : {}),
  };
}

export const numberOf = (value: unknown): number | null =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 2_147_483_647
    ? (value as number)
    : null;
