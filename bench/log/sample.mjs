/** How often something is asked: thousands of times where it is fast, a few times where it takes seconds. */

/**
 * @typedef {{most: number, least: number, budgetMs: number}} Effort `least` is done however long it takes, more only
 *   within the budget
 */

/** @type {Record<'full' | 'quick', Effort>} */
export const efforts = {
  full: { most: 2_500, least: 3, budgetMs: 6_000 },
  quick: { most: 60, least: 2, budgetMs: 300 },
};

/**
 * @param {() => Promise<unknown>} ask
 * @param {Effort & {clients?: number}} effort clients ask at the same time, each one question after the other
 * @returns {Promise<number[]>} milliseconds of each
 */
export async function sample(ask, { most, least, budgetMs, clients = 1 }) {
  await warmUp(ask, budgetMs / 20);
  const times = [];
  const deadline = performance.now() + budgetMs;
  let begun = 0;
  const client = async () => {
    while (begun < most && (begun < least * clients || performance.now() < deadline)) {
      begun += 1;
      const from = performance.now();
      await ask();
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return times;
}

/** Caches, prepared statements and the compilers of both sides; what takes seconds is asked once. */
async function warmUp(ask, budgetMs) {
  const deadline = performance.now() + budgetMs;
  do await ask();
  while (performance.now() < deadline);
}

/**
 * Several contestants in turns, so that a drift of the machine meets all alike.
 * @param {Record<string, () => Promise<unknown>>} contestants @param {Effort} effort
 * @returns {Promise<Record<string, number[]>>}
 */
export async function sampleInTurns(contestants, { most, least, budgetMs }, turns = 4) {
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let turn = 0; turn < turns; turn += 1)
    for (const [name, ask] of Object.entries(contestants)) {
      // Slow ones have had enough in the first turn.
      if (turn > 0 && times[name].length >= least && times[name][0] > budgetMs / 4) continue;
      const part = { most: Math.ceil(most / turns), least: Math.ceil(least / turns), budgetMs: budgetMs / turns };
      times[name].push(...(await sample(ask, part)));
    }
  return times;
}
