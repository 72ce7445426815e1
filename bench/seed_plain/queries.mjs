/**
 * What the specified endpoints ask of the specified table, as well as it can be asked in one statement each: counts by
 * aggregates, LIMIT, OFFSET and LEFT, days by the session's time zone. Timestamps come as text, which an API would send.
 */
const table = 'seed_plain.code_execution_logs';

/** Patterns of ILIKE that stand for themselves: taken at its word, `_` of read_csv would match any character. */
export const literalPattern = (query) => `%${query.replace(/[\\%_]/g, '\\$&')}%`;

/** @param {import('../../server/src/platform/postgres.ts').Database} sql */
export function seedQueries(sql) {
  const from = sql.unsafe(table);
  return {
    /** One statement for all tiles; a count each would take three times as long. */
    dashboard: (username) => sql`
      select count(*)::int as total_executions,
        count(*) filter (where l.timestamp >= current_date)::int as today_executions,
        count(*) filter (where l.status = 'error')::int as total_errors,
        coalesce(round(100.0 * count(*) filter (where l.status = 'success') / nullif(count(*), 0), 1), 0)::float8
          as success_rate,
        round(avg(l.execution_time_ms), 2)::float8 as avg_execution_time_ms, max(l.timestamp)::text as last_execution
      from ${from} l where l.username = ${username}`,
    recent: (username, limit) => sql`
      select l.id, l.timestamp::text as timestamp, l.cell_number, l.code, l.execution_time_ms, l.status, l.error_message
      from ${from} l where l.username = ${username} order by l.timestamp desc limit ${limit}`,
    stats: (username, days) => sql`
      select to_char(l.timestamp::date, 'YYYY-MM-DD') as date, count(*)::int as executions,
        count(*) filter (where l.status = 'success')::int as success_count,
        count(*) filter (where l.status = 'error')::int as error_count,
        round(avg(l.execution_time_ms), 2)::float8 as avg_time_ms
      from ${from} l where l.username = ${username} and l.timestamp >= current_date - ${days - 1}::int
      group by l.timestamp::date order by l.timestamp::date desc`,
    logs: (username, limit, offset) => sql`
      select l.id, l.timestamp::text as timestamp, l.cell_number, left(l.code, 100) as code_preview, l.execution_time_ms,
        l.status, left(l.error_message, 100) as error_preview
      from ${from} l where l.username = ${username} order by l.timestamp desc limit ${limit} offset ${offset}`,
    search: (username, query, limit) => sql`
      select l.id, l.timestamp::text as timestamp, l.cell_number, l.code, l.execution_time_ms, l.status
      from ${from} l where l.username = ${username} and l.code ilike ${literalPattern(query)}
      order by l.timestamp desc limit ${limit}`,
    allUsers: () => sql`
      select l.username, count(*)::int as total_executions,
        count(*) filter (where l.timestamp >= current_date)::int as today_executions,
        count(*) filter (where l.status = 'error')::int as error_count,
        round(avg(l.execution_time_ms), 2)::float8 as avg_time_ms, max(l.timestamp)::text as last_active
      from ${from} l group by l.username order by total_executions desc, l.username`,
    async systemStats() {
      const [totals] = await sql`
        select count(*)::int as total_executions, count(distinct l.username)::int as active_users,
          count(*) filter (where l.timestamp >= current_date)::int as today_executions,
          count(*) filter (where l.status = 'error')::int as total_errors,
          round(avg(l.execution_time_ms), 2)::float8 as avg_execution_time_ms
        from ${from} l`;
      const topUsers = await sql`
        select l.username, count(*)::int as executions from ${from} l
        group by l.username order by executions desc, l.username limit 10`;
      const recentErrors = await sql`
        select l.username, l.timestamp::text as timestamp, left(l.code, 100) as code_preview,
          left(l.error_message, 100) as error
        from ${from} l where l.status = 'error' order by l.timestamp desc limit 10`;
      return { ...totals, top_users: topUsers, recent_errors: recentErrors };
    },
  };
}
