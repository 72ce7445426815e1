/** A thousand executions a second from many people, each sensor with one delivery on its way and the rest in its spool. */
import { setTimeout as pause } from 'node:timers/promises';
import { createWitnesses } from './sensors.mjs';

const perSecond = 1_000;
const tickMs = 10;
/** What one delivery carries at most; jupyter-user-image's courier takes 200 records, two for each execution. */
const mostInOne = 100;

/** @returns {Promise<{executions: number, times: number[]}>} `times` from an execution's end to its receipt */
export async function runPaced(intake, people, { seconds, cells }) {
  const times = [];
  const kernels = people.map((person) => createWitnesses(intake, person));
  for (const kernel of kernels) await kernel.begin();
  const spools = kernels.map(({ wire, kernel }, index) => ({
    draw: cells(index),
    pair: [createSpool(wire, times), createSpool(kernel, times)],
  }));
  const begun = performance.now();
  const end = begun + seconds * 1_000;
  let executions = 0;
  for (let due = 0; performance.now() < end; ) {
    due = ((performance.now() - begun) / 1_000) * perSecond;
    for (; executions < due; executions += 1) {
      const { draw, pair } = spools[executions % spools.length];
      const [cell] = draw(1);
      for (const spool of pair) spool.add(cell);
    }
    await pause(tickMs);
  }
  await Promise.all(spools.flatMap(({ pair }) => pair.map((spool) => spool.drained())));
  for (const kernel of kernels) await kernel.end();
  return { executions, times };
}

function createSpool(witness, times) {
  const waiting = [];
  let underWay = null;
  const deliver = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, mostInOne);
      await witness.tell(batch.map(({ cell }) => cell));
      const now = performance.now();
      for (const { from } of batch) times.push(now - from);
    }
    underWay = null;
  };
  return {
    add(cell) {
      waiting.push({ cell, from: performance.now() });
      underWay ??= deliver();
    },
    drained: () => underWay,
  };
}
