/**
 * What people read, against the specified statements over the specified table in the same PostgreSQL. Before anything is
 * timed, both sides' answers are compared.
 */
import { seedQueries } from '../seed_plain/queries.mjs';
import { openReads, pageSize, readCases } from './cases.mjs';
import { createComparison } from './equality.mjs';
import { prepareLog } from './prepared-log.mjs';
import { measureReads } from './reads.mjs';

/** @param {import('../run.mjs').Context} context */
export async function run(context) {
  const log = await prepareLog(context);
  const { step } = context;
  const clients = Object.fromEntries(Object.entries(log.people).map(([who, person]) => [who, person.client(1)]));
  const queries = seedQueries(log.connect(1));
  for (const who of ['heavy', 'light']) await addDepth(log.people[who], clients[who]);
  await step('Comparing the answers of both sides', async (say) => {
    const comparison = createComparison();
    for (const { name, users, path, seed, ours, theirs } of readCases)
      for (const who of users) {
        say(`(${name}, ${who})`);
        const person = log.people[who];
        const answer = JSON.parse(await clients[who].get(path(person)));
        comparison.compare(`${name}, ${who}`, ours(answer), theirs(await seed(queries, person)));
      }
    say(`(${comparison.conclude()} answers are equal)`);
  });
  const reads = await openReads(context, log);
  await measureReads(context, { log, clients, queries, reads });
}

/** Almost at the end of the person's log; the cursor goes on from there. */
async function addDepth(person, client) {
  person.depth = Math.min(Math.floor(person.executions * 0.98), person.executions - 2 * pageSize);
  const page = JSON.parse(await client.get(`/api/logs?limit=${pageSize}&offset=${person.depth}`));
  person.cursor = page.next_cursor;
}
