/** Counts of each person and day, kept beside the rows as they are made, and stored once. */
import { createInstantText, openCopy } from './copy.mjs';

/** @param {{id: number}[]} users */
export function createRollups(users) {
  const empty = () => ({ executions: 0, errors: 0, sumMs: 0, lastAt: 0 });
  const perUser = users.map(() => ({
    total: empty(),
    /** @type {Map<string, ReturnType<typeof empty>>} */ days: new Map(),
  }));
  const add = (rollup, { outcome, milliseconds, at }) => {
    rollup.executions += 1;
    rollup.errors += outcome === 'success' ? 0 : 1;
    rollup.sumMs += milliseconds;
    rollup.lastAt = at;
  };
  return {
    /** @param {import('./executions.mjs').Execution} execution @param {string} date */
    count(execution, date) {
      const { total, days } = perUser[execution.author];
      if (!days.has(date)) days.set(date, empty());
      add(total, execution);
      add(days.get(date), execution);
    },
    totalOf: (author) => perUser[author].total.executions,
    /** @param {import('../../server/src/platform/postgres.ts').Database} connection @param {string[]} dates */
    async store(connection, dates) {
      const instant = createInstantText();
      const cells = ({ executions, errors, sumMs, lastAt }) =>
        `${executions}\t${errors}\t${executions}\t${sumMs}\t${instant(lastAt)}Z`;
      const totals = await openCopy(
        connection,
        'user_total (user_id, last_seq, executions, errors, timed, sum_ms, last_at)',
      );
      for (const [author, { total }] of perUser.entries())
        totals.add(`${users[author].id}\t${total.executions}\t${cells(total)}`);
      await totals.end();
      const days = await openCopy(
        connection,
        'user_day (user_id, day, executions, errors, timed, sum_ms, last_at, live, covered)',
      );
      // Day by day, as they come about: together, a day's rows are few pages, and a person's many.
      for (const date of dates) {
        for (const [author, one] of perUser.entries()) {
          const day = one.days.get(date);
          if (day) days.add(`${users[author].id}\t${date}\t${cells(day)}\t${day.executions}\t${day.executions}`);
        }
        await days.flush();
      }
      await days.end();
    },
  };
}
