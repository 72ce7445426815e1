/** The tiles of the home page: two rows of rollups, whatever the length of the history. */
import type { api } from '@shaparak/contract';
import type { Actor } from '../identity/index.js';
import type { Database } from '../platform/postgres.js';

export interface ActivityDependencies {
  database: Database;
  timeZone: string;
  formatInstant(instant: Date): string;
}

export async function readDashboard(
  { database, timeZone, formatInstant }: ActivityDependencies,
  actor: Actor,
): Promise<api.Dashboard> {
  const [row] = await database<
    {
      total: number;
      errors: number;
      average: number | null;
      last: Date | null;
      seq: number;
      today: number;
      yesterday: number;
    }[]
  >`
    select coalesce(t.executions, 0) as total, coalesce(t.errors, 0) as errors,
      round(t.sum_ms::numeric / nullif(t.timed, 0), 2)::float8 as average, t.last_at as last,
      coalesce(t.last_seq, 0) as seq, coalesce(d.executions, 0) as today, coalesce(y.executions, 0) as yesterday
    from (select (now() at time zone ${timeZone})::date as today) as now
    left join user_total t on t.user_id = ${actor.userId}
    left join user_day d on d.user_id = ${actor.userId} and d.day = now.today
    left join user_day y on y.user_id = ${actor.userId} and y.day = now.today - 1`;
  const total = row?.total ?? 0;
  const errors = row?.errors ?? 0;
  return {
    stats: {
      total_executions: total,
      today_executions: row?.today ?? 0,
      total_errors: errors,
      success_rate: successRate(total, errors),
      avg_execution_time_ms: row?.average ?? null,
      last_execution: row?.last ? formatInstant(row.last) : null,
      yesterday_executions: row?.yesterday ?? 0,
      user_seq: row?.seq ?? 0,
    },
  };
}

/** Percent with one decimal; 0 where nothing ran. */
function successRate(total: number, errors: number): number {
  return total === 0 ? 0 : Math.round((1_000 * (total - errors)) / total) / 10;
}
