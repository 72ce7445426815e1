/** Words that come after an execution was settled. The row stays; the counts follow. */
import type { api } from '@shaparak/contract';
import type { Transaction } from '../platform/postgres.js';
import { toStored } from './text.js';

export interface NewAmendment {
  executionId: number;
  /** the amended row's, as PostgreSQL writes it */
  timestamp: string;
  instance: string;
  outcome: api.Outcome;
  executionTimeMs: number;
  errorName: string | null;
  errorMessage: string | null;
}

/** A `lost` execution gets the outcome that a witness told later, one time. */
export async function amendExecution(
  transaction: Transaction,
  userId: number,
  timeZone: string,
  amendment: NewAmendment,
): Promise<void> {
  const stored = (text: string | null) => (text === null ? null : toStored(text));
  const made = await transaction`
    insert into amendment (user_id, execution_id, instance, outcome, execution_time_ms, error_name, error_message)
    values (${userId}, ${amendment.executionId}, ${amendment.instance}, ${amendment.outcome},
      ${amendment.executionTimeMs}, ${stored(amendment.errorName)}, ${stored(amendment.errorMessage)})
    on conflict do nothing returning 1`;
  if (made.length === 0) return;
  const errors = amendment.outcome === 'success' ? -1 : 0;
  const ms = amendment.executionTimeMs;
  await transaction`
    update user_total set errors = errors + ${errors}, timed = timed + 1, sum_ms = sum_ms + ${ms} where user_id = ${userId}`;
  await transaction`
    update user_day set errors = errors + ${errors}, timed = timed + 1, sum_ms = sum_ms + ${ms}
    where user_id = ${userId} and day = (${amendment.timestamp}::text::timestamptz at time zone ${timeZone})::date`;
}

/** An execution that was settled with one witness has its second one now. */
export async function countCovered(
  transaction: Transaction,
  userId: number,
  timeZone: string,
  timestamp: string,
): Promise<void> {
  await transaction`
    update user_day set covered = covered + 1
    where user_id = ${userId} and day = (${timestamp}::text::timestamptz at time zone ${timeZone})::date`;
}
