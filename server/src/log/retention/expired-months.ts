/** Which months of the log are older than they have to be kept, and which of those a legal hold keeps all the same. */
import type { Database } from '../../platform/postgres.js';

export interface ExpiredMonth {
  /** its first day, YYYY-MM-01 */
  month: string;
  partition: string;
  executions: number;
  bytes: number;
  /** people under a legal hold who ran something in it; with one of them the month stays whole */
  heldFor: string[];
}

export interface RetentionRules {
  timeZone: string;
  /** whole days that are kept, counted back from today in the zone */
  days: number;
  /** names of people of whom nothing may be removed; `*` for everybody */
  legalHold: string[];
}

/** Oldest first. A month is expired when its last day is. */
export async function findExpiredMonths(
  database: Database,
  { timeZone, days, legalHold }: RetentionRules,
): Promise<ExpiredMonth[]> {
  const partitions = await database<{ partition: string; month: string; bytes: number }[]>`
    with months as (
      select c.relname as partition, to_date(right(c.relname, 7), 'YYYY_MM') as month, pg_total_relation_size(c.oid) as bytes
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'execution'::regclass and c.relname ~ '^execution_\\d{4}_\\d{2}$')
    select partition, month::text as month, bytes from months
    where month + interval '1 month' <= (now() at time zone ${timeZone})::date - ${days}::int
    order by month`;
  const expired: ExpiredMonth[] = [];
  for (const { partition, month, bytes } of partitions) {
    const [row] = await database<{ executions: number; heldFor: string[] }[]>`
      select (select count(*) from ${database(partition)}) as executions,
        array(select u.username from users u where (u.username = any(${legalHold}) or '*' = any(${legalHold}))
          and exists (select from ${database(partition)} e where e.user_id = u.id) order by u.username) as "heldFor"`;
    expired.push({ partition, month, bytes, executions: row?.executions ?? 0, heldFor: row?.heldFor ?? [] });
  }
  return expired;
}
