/** What administrators see: numbers about people and the system, previews of errors, never a person's whole code. */
import type { api } from '@shaparak/contract';
import { monthsBefore } from '../log/newest.js';
import { previewOf, storedLengthOf } from '../log/text.js';
import type { ActivityDependencies } from './dashboard.js';

const longestList = 10;

/** Everybody, also without any execution, most executions first. */
export async function readAllUsersActivity({
  database,
  timeZone,
  formatInstant,
}: ActivityDependencies): Promise<api.AllUsersActivity> {
  const rows = await database<(Omit<api.UserActivity, 'last_active'> & { last_active: Date | null })[]>`
    select u.username, coalesce(t.executions, 0) as total_executions, coalesce(d.executions, 0) as today_executions,
      coalesce(t.errors, 0) as error_count, round(t.sum_ms::numeric / nullif(t.timed, 0), 2)::float8 as avg_time_ms,
      t.last_at as last_active, u.role, u.disabled_at is not null as disabled
    from users u
    left join user_total t on t.user_id = u.id
    left join user_day d on d.user_id = u.id and d.day = (now() at time zone ${timeZone})::date
    order by total_executions desc, u.username`;
  return {
    users_activity: rows.map((row) => ({
      ...row,
      last_active: row.last_active === null ? null : formatInstant(row.last_active),
    })),
    total_users: rows.length,
  };
}

export async function readSystemStats(deps: ActivityDependencies): Promise<api.SystemStats> {
  const [totals, topUsers, recentErrors] = await Promise.all([
    readTotals(deps),
    deps.database<{ username: string; executions: number }[]>`
      select u.username, t.executions from user_total t join users u on u.id = t.user_id
      where t.executions > 0 order by t.executions desc, u.username limit ${longestList}`,
    readRecentErrors(deps),
  ]);
  return {
    total_executions: totals?.total ?? 0,
    active_users: totals?.active ?? 0,
    today_executions: totals?.today ?? 0,
    total_errors: totals?.errors ?? 0,
    avg_execution_time_ms: totals?.average ?? null,
    top_users: [...topUsers],
    recent_errors: recentErrors,
  };
}

async function readTotals({ database, timeZone }: ActivityDependencies) {
  const [totals] = await database<
    { total: number; active: number; errors: number; average: number | null; today: number }[]
  >`
    select coalesce(sum(executions), 0)::bigint as total, count(*) filter (where executions > 0) as active,
      coalesce(sum(errors), 0)::bigint as errors, round(sum(sum_ms) / nullif(sum(timed), 0), 2)::float8 as average,
      (select coalesce(sum(executions), 0)::bigint from user_day where day = (now() at time zone ${timeZone})::date) as today
    from user_total`;
  return totals;
}

interface ErrorRow {
  username: string;
  timestamp: Date;
  code: string;
  error: string | null;
}

async function readRecentErrors({
  database,
  formatInstant,
}: ActivityDependencies): Promise<api.SystemStats['recent_errors']> {
  // Literals, so that the plan is made once and for two months, as for a person's newest rows.
  const preview = database.unsafe(String(storedLengthOf(100)));
  const most = database.unsafe(String(longestList));
  const read = (months: ReturnType<typeof monthsBefore>) => database<ErrorRow[]>`
    select u.username, e."timestamp", left(s.code, ${preview}) as code, left(e.error_message, ${preview}) as error
    from (select user_id, "timestamp", id, snippet_id, error_message from execution e
      where outcome <> 'success' ${months} and not exists (select from amendment a
        where a.user_id = e.user_id and a.execution_id = e.id and a.outcome = 'success')
      order by "timestamp" desc, id desc limit ${most}) as e
    join users u on u.id = e.user_id
    join snippet s on s.user_id = e.user_id and s.id = e.snippet_id
    order by e."timestamp" desc, e.id desc`;
  const near = await read(monthsBefore(database, null));
  const rows = near.length >= longestList ? near : await read(database``);
  return rows.map((row) => ({
    username: row.username,
    timestamp: formatInstant(row.timestamp),
    code_preview: previewOf(row.code),
    error: row.error === null ? null : previewOf(row.error),
  }));
}
