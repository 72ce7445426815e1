/** Search, with the same comparison of answers before: where the specified statement can't decide, a naive model does. */
import { seedQueries } from '../seed_plain/queries.mjs';
import { createComparison } from './equality.mjs';
import { prepareLog } from './prepared-log.mjs';
import { compareSearch, measureSearch } from './search.mjs';

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const log = await prepareLog(context);
  const { heavy, light } = log.people;
  const clients = { heavy: heavy.client(1), light: light.client(1) };
  const peer = log.connect(1);
  const queries = seedQueries(peer);
  await context.step('Comparing what both sides find', async (say) => {
    const comparison = createComparison();
    await compareSearch({ log, clients, queries, peer, comparison, say });
    say(`(${comparison.conclude()} answers are equal)`);
  });
  await measureSearch(context, { log, clients, queries });
}
