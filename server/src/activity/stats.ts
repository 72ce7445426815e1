import type { api } from '@shaparak/contract';
import type { Actor } from '../identity/index.js';
import type { ActivityDependencies } from './dashboard.js';

/** One row for each of the last days, today first; days without an execution are there with zeros. */
export async function readDailyStats(
  { database, timeZone }: ActivityDependencies,
  actor: Actor,
  days: number,
): Promise<api.DailyStats> {
  const rows = await database<api.DailyStat[]>`
    select to_char(period.day, 'YYYY-MM-DD') as date, coalesce(u.executions, 0) as executions,
      coalesce(u.executions - u.errors, 0) as success_count, coalesce(u.errors, 0) as error_count,
      round(u.sum_ms::numeric / nullif(u.timed, 0), 2)::float8 as avg_time_ms
    from (select (now() at time zone ${timeZone})::date - back as day from generate_series(0, ${days - 1}::int) as back) as period
    left join user_day u on u.day = period.day and u.user_id = ${actor.userId}
    order by period.day desc`;
  return { daily_stats: rows, period_days: days };
}
