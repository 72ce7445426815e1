/** One line of an existing `code_execution_logs`, as `select row_to_json(l) from code_execution_logs l` writes it. */
import type { api } from '@shaparak/contract';
import type { WallClock } from '../../platform/clock.js';

export interface ImportedExecution {
  username: string;
  sessionId: string | null;
  cellNumber: number | null;
  code: string;
  executionTimeMs: number | null;
  outcome: api.Outcome;
  errorMessage: string | null;
  /** RFC 3339 in UTC, with the fraction that the line had */
  timestamp: string;
}

export type ParsedLine = { kind: 'execution'; execution: ImportedExecution } | { kind: 'refused'; reason: string };

const refused = (reason: string): ParsedLine => ({ kind: 'refused', reason });
const longestName = 255;
const longestText = 1024 * 1024 * 1.5;
const outcomes = new Set<string>(['success', 'error', 'interrupted', 'lost']);

/** Unknown keys are ignored; a missing key counts as null, as the seed's table allows. */
export function parseLine(line: string, wallClock: WallClock, now: Date): ParsedLine {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch {
    return refused('is not JSON');
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return refused('is not a JSON object');
  const field = (name: string): unknown => (row as Record<string, unknown>)[name] ?? null;
  const { username, code, session_id, error_message } = {
    username: field('username'),
    code: field('code'),
    session_id: field('session_id'),
    error_message: field('error_message'),
  };
  if (typeof username !== 'string' || username.trim() === '' || username.length > longestName)
    return refused('username must be a text of 1 to 255 characters');
  if (/[\0\p{Cc}]/u.test(username)) return refused('username holds a control character');
  if (typeof code !== 'string' || code.length > longestText) return refused('code must be a text of at most 1.5 MiB');
  if (session_id !== null && (typeof session_id !== 'string' || session_id.length > longestName))
    return refused('session_id must be a text of at most 255 characters');
  if (error_message !== null && (typeof error_message !== 'string' || error_message.length > longestText))
    return refused('error_message must be a text');
  const cellNumber = wholeNumber(field('cell_number'));
  if (cellNumber === undefined) return refused('cell_number must be a whole number from 0 to 2147483647');
  const executionTimeMs = wholeNumber(field('execution_time_ms'));
  if (executionTimeMs === undefined) return refused('execution_time_ms must be a whole number from 0 to 2147483647');
  const outcome = outcomeOf(field('status'), error_message);
  if (outcome === null) return refused('status must be success or error');
  const timestamp = instantOf(field('timestamp'), wallClock);
  if (timestamp === null) return refused('timestamp must be a time such as 2025-10-30T15:30:45.123+03:30');
  if (timestamp < '2000' || Date.parse(timestamp) > now.getTime() + 86_400_000)
    return refused('timestamp lies before the year 2000 or in the future');
  return {
    kind: 'execution',
    execution: {
      username,
      sessionId: session_id,
      cellNumber,
      code,
      executionTimeMs,
      outcome,
      errorMessage: error_message,
      timestamp,
    },
  };
}

/** @returns undefined for what is neither null nor a whole number of PostgreSQL's integer */
function wholeNumber(value: unknown): number | null | undefined {
  if (value === null) return null;
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 2_147_483_647;
  return fits ? value : undefined;
}

/** The seed's column may be null: then the error message decides. */
function outcomeOf(status: unknown, errorMessage: string | null): api.Outcome | null {
  if (status === null) return errorMessage === null ? 'success' : 'error';
  return typeof status === 'string' && outcomes.has(status) ? (status as api.Outcome) : null;
}

const timePattern = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/** Without an offset the time is of the deployment's zone. @returns UTC with the line's own fraction, or null */
export function instantOf(value: unknown, wallClock: WallClock): string | null {
  const match = typeof value === 'string' ? timePattern.exec(value) : null;
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction, offset] = match;
  const wall = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // The 31st of a shorter month would roll over into the next one.
  if (Number.isNaN(wall.getTime()) || wall.getUTCDate() !== Number(day)) return null;
  const instant = offset === undefined ? wallClock(wall) : new Date(wall.getTime() - offsetMs(offset));
  return `${instant.toISOString().slice(0, 19)}.${fraction ?? '0'}Z`;
}

function offsetMs(offset: string): number {
  if (offset === 'Z') return 0;
  const digits = offset.slice(1).replace(':', '').padEnd(4, '0');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return (offset[0] === '-' ? -1 : 1) * minutes * 60_000;
}
