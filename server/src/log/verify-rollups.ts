/**
 * Compares the rollups with the rows that they count, from the rows alone: nothing here trusts what append and amend have
 * added up. One snapshot for all of it, so that what is appended meanwhile is in both or in neither; month by month, so
 * that one look at a log of any size takes bounded memory and can tell how far it is.
 */
import type { Database, Transaction } from '../platform/postgres.js';

interface RollupDifference {
  userId: number;
  /** null: the person's totals */
  day: string | null;
  counted: Record<string, number | string | null>;
  stored: Record<string, number | string | null>;
}

export interface VerifiedRollups {
  days: number;
  users: number;
  executions: number;
  differences: RollupDifference[];
}

export interface VerifyOptions {
  database: Database;
  timeZone: string;
  /** finished and all months */
  onProgress(done: number, all: number): void;
}

const mostDifferences = 1_000;

export async function verifyRollups({ database, timeZone, onProgress }: VerifyOptions): Promise<VerifiedRollups> {
  return await database.begin('isolation level repeatable read, read only', async (transaction) => {
    const verified: VerifiedRollups = { days: 0, users: 0, executions: 0, differences: [] };
    const months = await monthsOf(transaction, timeZone);
    onProgress(0, months.length);
    for (const [index, month] of months.entries()) {
      const { days, executions, differences } = await compareMonth(transaction, timeZone, month);
      verified.days += days;
      verified.executions += executions;
      verified.differences.push(...differences.slice(0, mostDifferences - verified.differences.length));
      onProgress(index + 1, months.length);
    }
    const totals = await compareTotals(transaction);
    verified.users = totals.users;
    verified.differences.push(...totals.differences.slice(0, mostDifferences - verified.differences.length));
    return verified;
  });
}

/** First days of all months that a row or a rollup lies in. */
async function monthsOf(transaction: Transaction, timeZone: string): Promise<string[]> {
  const rows = await transaction<{ month: string }[]>`
    with span as (
      select least((select min(day) from user_day), (select min("timestamp" at time zone ${timeZone})::date from execution)) as first,
        greatest((select max(day) from user_day), (select max("timestamp" at time zone ${timeZone})::date from execution)) as last)
    select month::date::text as month from span,
      generate_series(date_trunc('month', first::timestamp), last::timestamp, interval '1 month') as month`;
  return rows.map(({ month }) => month);
}

interface MonthRow {
  userId: number;
  day: string;
  counted: RollupDifference['counted'] | null;
  stored: RollupDifference['stored'] | null;
  isEqual: boolean;
}

async function compareMonth(transaction: Transaction, timeZone: string, month: string) {
  const [sum] = await transaction<{ days: number; executions: number; differences: MonthRow[] }[]>`
    with counted as (
      select e.user_id, (e."timestamp" at time zone ${timeZone})::date as day, count(*) as executions,
        count(*) filter (where coalesce(a.outcome, e.outcome) <> 'success') as errors,
        count(coalesce(a.execution_time_ms, e.execution_time_ms)) as timed,
        coalesce(sum(coalesce(a.execution_time_ms, e.execution_time_ms)), 0) as sum_ms,
        max(e."timestamp") as last_at, count(*) filter (where e.evidence <> 'imported') as live
      from execution e left join amendment a on a.user_id = e.user_id and a.execution_id = e.id
      where e."timestamp" >= ${month}::date::timestamp at time zone ${timeZone}
        and e."timestamp" < (${month}::date + interval '1 month') at time zone ${timeZone}
      group by 1, 2
    ), stored as (
      select user_id, day, executions, errors, timed, sum_ms, last_at, live from user_day
      where day >= ${month}::date and day < ${month}::date + interval '1 month'
    ), compared as (
      select coalesce(c.user_id, s.user_id) as "userId", coalesce(c.day, s.day) as on_day, c.executions,
        to_jsonb(c) - '{user_id,day}'::text[] as counted, to_jsonb(s) - '{user_id,day}'::text[] as stored,
        c is not distinct from s as "isEqual"
      from counted c full join stored s on s.user_id = c.user_id and s.day = c.day
    )
    select count(*) as days, coalesce(sum(executions), 0)::bigint as executions,
      coalesce(jsonb_agg(jsonb_build_object('userId', "userId", 'day', on_day, 'counted', counted, 'stored', stored)
        order by on_day, "userId") filter (where not "isEqual"), '[]') as differences
    from compared`;
  return {
    days: sum?.days ?? 0,
    executions: sum?.executions ?? 0,
    differences: (sum?.differences ?? []).map(asDifference),
  };
}

/** A person's totals are the sums of their days; each execution took one number of the sequence, also those archived since. */
async function compareTotals(transaction: Transaction) {
  const rows = await transaction<(MonthRow & { isEqual: boolean })[]>`
    with counted as (
      select user_id, sum(executions)::bigint as executions, sum(errors)::bigint as errors, sum(timed)::bigint as timed,
        sum(sum_ms)::bigint as sum_ms, max(last_at) as last_at, (sum(executions)
          + coalesce((select sum(m.executions) from archived_month m where m.user_id = d.user_id), 0))::bigint as last_seq
      from user_day d group by 1
    ), stored as (
      select user_id, executions, errors, timed, sum_ms, last_at, last_seq from user_total
      where executions <> 0
    )
    select coalesce(c.user_id, s.user_id) as "userId", null as day, to_jsonb(c) - 'user_id' as counted,
      to_jsonb(s) - 'user_id' as stored, c is not distinct from s as "isEqual"
    from counted c full join stored s on s.user_id = c.user_id order by 1`;
  return { users: rows.length, differences: rows.filter(({ isEqual }) => !isEqual).map(asDifference) };
}

const asDifference = ({ userId, day, counted, stored }: MonthRow): RollupDifference => ({
  userId,
  day: day ?? null,
  counted: counted ?? {},
  stored: stored ?? {},
});
