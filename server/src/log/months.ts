/** Partitions of the log are made ahead, so that no row waits for one; a default partition catches what was not foreseen. */
import type { Database } from '../platform/postgres.js';

/** Makes the months from `first` to `last` (any day of each). @returns how many were new */
export async function makeMonths(database: Database, timeZone: string, first: Date, last: Date): Promise<number> {
  const [row] = await database<{ made: number }[]>`
    select count(*) filter (where make_execution_month(month::date, ${timeZone}))::int as made
    from generate_series(date_trunc('month', ${first} at time zone ${timeZone}),
      date_trunc('month', ${last} at time zone ${timeZone}), interval '1 month') as month`;
  return row?.made ?? 0;
}

const monthMs = 31 * 86_400_000;

/** This month, the one before, and three ahead. */
export function makeMonthsAhead(database: Database, timeZone: string, now: Date): Promise<number> {
  return makeMonths(database, timeZone, new Date(now.getTime() - monthMs), new Date(now.getTime() + 3 * monthMs));
}
