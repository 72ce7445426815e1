/**
 * The only writer of the log. In one transaction: the rows, their keys, the person's sequence, both rollups and the hint
 * for live listeners. What must always be true:
 *  - user_seq of a person has no hole and grows in commit order, because it is taken under the person's rollup row;
 *  - user_total and user_day count exactly the rows of `execution`;
 *  - a row is never changed afterwards.
 */
import type { api } from '@shaparak/contract';
import { type Transaction, together } from '../platform/postgres.js';
import { toStored } from './text.js';

export interface NewExecution {
  snippetId: number;
  /** when it ended, RFC 3339; text, because a Date would cut the microseconds */
  timestamp: string;
  startedAt: string | null;
  outcome: api.Outcome;
  evidence: api.Evidence;
  executionTimeMs: number | null;
  cellNumber: number | null;
  occurrence: number;
  kernelId: string | null;
  /** null for imported rows, which have no identity in Jupyter */
  msgId: string | null;
  cellId: string | null;
  notebookPath: string | null;
  clientSession: string | null;
  errorName: string | null;
  errorMessage: string | null;
  /** every witness that was expected has seen it; imported rows have none */
  covered: boolean;
}

/**
 * Appends in the order given. Callers that append for several people do so in ascending userId, against deadlocks.
 * Statements that need nothing of each other's answers go to the server together, and a delivery waits for it twice and
 * not six times.
 */
export async function appendExecutions(
  transaction: Transaction,
  userId: number,
  timeZone: string,
  executions: NewExecution[],
): Promise<void> {
  if (executions.length === 0) return;
  const lastSeq = await lockSequence(transaction, userId);
  const rows = executions.map((execution, index) => ({
    ...toRow(execution, lastSeq + index + 1),
    covered: execution.covered,
  }));
  await together([
    insertRows(transaction, userId, rows),
    addToRollups(transaction, userId, timeZone, rows, lastSeq + rows.length),
    notify(transaction, userId),
  ]);
}

async function notify(transaction: Transaction, userId: number): Promise<void> {
  await transaction`select pg_notify('shaparak_activity', ${String(userId)})`;
}

async function lockSequence(transaction: Transaction, userId: number): Promise<number> {
  const lock = () => transaction<{ last: number }[]>`
    select last_seq as last from user_total where user_id = ${userId} for update`;
  const [known] = await lock();
  if (known) return known.last;
  await transaction`insert into user_total (user_id) values (${userId}) on conflict do nothing`;
  const [made] = await lock();
  return made?.last ?? 0;
}

type Row = ReturnType<typeof toRow> & { covered: boolean };

function toRow(execution: NewExecution, userSeq: number) {
  const stored = (text: string | null) => (text === null ? null : toStored(text));
  return {
    user_seq: userSeq,
    timestamp: execution.timestamp,
    started_at: execution.startedAt,
    snippet_id: execution.snippetId,
    outcome: execution.outcome,
    evidence: execution.evidence,
    execution_time_ms: execution.executionTimeMs,
    cell_number: execution.cellNumber,
    occurrence: execution.occurrence,
    kernel_id: stored(execution.kernelId),
    msg_id: stored(execution.msgId),
    cell_id: stored(execution.cellId),
    notebook_path: stored(execution.notebookPath),
    client_session: stored(execution.clientSession),
    error_name: stored(execution.errorName),
    error_message: stored(execution.errorMessage),
  };
}

/** The rows, and for those with an identity in Jupyter the keys that guard it across partitions. */
async function insertRows(transaction: Transaction, userId: number, rows: Row[]): Promise<void> {
  await transaction`
    with r as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as r(
        user_seq bigint, "timestamp" timestamptz, started_at timestamptz, snippet_id bigint, outcome execution_outcome,
        evidence execution_evidence, execution_time_ms int, cell_number int, occurrence int, kernel_id text, msg_id text,
        cell_id text, notebook_path text, client_session text, error_name text, error_message text)
    ), stored as (
      insert into execution (user_id, user_seq, "timestamp", started_at, snippet_id, outcome, evidence,
        execution_time_ms, cell_number, occurrence, kernel_id, msg_id, cell_id, notebook_path, client_session,
        error_name, error_message)
      select ${userId}, r.* from r order by user_seq
      returning id, "timestamp", kernel_id, msg_id, occurrence
    )
    insert into execution_key (user_id, kernel_id, msg_id, occurrence, execution_id, "timestamp")
    select ${userId}, kernel_id, msg_id, occurrence, id, "timestamp" from stored where msg_id is not null`;
}

/** A day is a day of the deployment's zone, in the rollup as in every reader of it. */
async function addToRollups(
  transaction: Transaction,
  userId: number,
  timeZone: string,
  rows: Row[],
  lastSeq: number,
): Promise<void> {
  const counted = JSON.stringify(
    rows.map(({ timestamp, outcome, execution_time_ms, evidence, covered }) => ({
      at: timestamp,
      outcome,
      ms: execution_time_ms,
      live: evidence !== 'imported',
      covered,
    })),
  );
  await transaction`
    with added as (
      select * from jsonb_to_recordset(${counted}::text::jsonb) as a(at timestamptz, outcome text, ms bigint,
        live boolean, covered boolean)
    ), days as (
      insert into user_day (user_id, day, executions, errors, timed, sum_ms, last_at, live, covered)
      select ${userId}, (at at time zone ${timeZone})::date, count(*), count(*) filter (where outcome <> 'success'),
        count(ms), coalesce(sum(ms), 0), max(at), count(*) filter (where live), count(*) filter (where covered)
      from added group by 2 order by 2
      on conflict (user_id, day) do update set executions = user_day.executions + excluded.executions,
        errors = user_day.errors + excluded.errors, timed = user_day.timed + excluded.timed,
        sum_ms = user_day.sum_ms + excluded.sum_ms, last_at = greatest(user_day.last_at, excluded.last_at),
        live = user_day.live + excluded.live, covered = user_day.covered + excluded.covered
    )
    update user_total as t set last_seq = ${lastSeq}, executions = t.executions + a.n, errors = t.errors + a.failed,
      timed = t.timed + a.timed, sum_ms = t.sum_ms + a.sum_ms, last_at = greatest(t.last_at, a.last_at)
    from (select count(*) as n, count(*) filter (where outcome <> 'success') as failed, count(ms) as timed,
      coalesce(sum(ms), 0) as sum_ms, max(at) as last_at from added) as a
    where t.user_id = ${userId}`;
}
