/** Which share of the captured executions every expected witness has seen: from the rollups, a day and a person at a time. */
import type { api } from '@shaparak/contract';
import type { ReconcileDependencies } from './findings.js';

interface Counted {
  executions: number;
  covered: number;
  findings: number;
}

/** Imported executions have no witness and are left out. */
export async function readCoverage({ database, timeZone }: ReconcileDependencies, days: number): Promise<api.Coverage> {
  const perDay = await database<(Counted & { date: string })[]>`
    with period as (
      select (now() at time zone ${timeZone})::date - back as day from generate_series(0, ${days - 1}::int) as back)
    select to_char(p.day, 'YYYY-MM-DD') as date, coalesce(sum(d.live), 0)::bigint as executions,
      coalesce(sum(d.covered), 0)::bigint as covered,
      (select count(*) from finding f where f.found_at >= p.day::timestamp at time zone ${timeZone}
        and f.found_at < (p.day + 1)::timestamp at time zone ${timeZone}) as findings
    from period p left join user_day d on d.day = p.day
    group by p.day order by p.day desc`;
  const perUser = await database<(Counted & { username: string })[]>`
    select u.username, sum(c.executions)::bigint as executions, sum(c.covered)::bigint as covered,
      sum(c.findings)::bigint as findings
    from (
      select user_id, live as executions, covered, 0 as findings from user_day
      where day > (now() at time zone ${timeZone})::date - ${days}::int
      union all
      select user_id, 0, 0, 1 from finding
      where found_at >= ((now() at time zone ${timeZone})::date - ${days - 1}::int)::timestamp at time zone ${timeZone}
    ) as c join users u on u.id = c.user_id
    group by u.username having sum(c.executions) + sum(c.findings) > 0
    order by sum(c.findings) desc, sum(c.executions) desc, u.username`;
  const total = sumOf(perDay);
  return {
    period_days: days,
    ...withShare(total),
    days: perDay.map(({ date, ...counted }) => ({ date, ...withShare(counted) })),
    users: perUser.map(({ username, ...counted }) => ({ username, ...withShare(counted) })),
  };
}

const sumOf = (rows: Counted[]): Counted =>
  rows.reduce(
    (sum, row) => ({
      executions: sum.executions + row.executions,
      covered: sum.covered + row.covered,
      findings: sum.findings + row.findings,
    }),
    { executions: 0, covered: 0, findings: 0 },
  );

/** Cut off and not rounded: 100 means all of them. */
function withShare({ executions, covered, findings }: Counted) {
  const coverage = executions === 0 ? null : Math.floor((10_000 * covered) / executions) / 100;
  return { executions, covered, coverage, findings };
}
