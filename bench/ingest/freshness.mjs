/** From the end of a lone cell in a real lab to its row in the API's answer: through kernel, gateway, both sensors, intake. */
import { setTimeout as pause } from 'node:timers/promises';
import { openKernel } from '../kernel-client.mjs';
import { until } from '../processes.mjs';
import { enterLab, product } from '../system.mjs';

/** @returns {Promise<number[]>} milliseconds of each round */
export async function measureFreshness(context, log, { rounds, say }) {
  const format = await product(context.installation, 'wire/message.js');
  const person = await enterLab(log.system);
  const kernel = await openKernel(format, person.throughGateway(await person.startKernel()));
  context.onClose(kernel.close);
  await kernel.greet();
  const client = log.clientOf(person.token);
  const times = [];
  for (let round = 0; round < rounds; round += 1) {
    say(`(${round} of ${rounds})`);
    const code = `lone_${round} = ${round}`;
    await pause(1_500); // long enough alone that nothing of the last one is still on its way
    await kernel.run(code);
    const ended = performance.now();
    await until(async () => {
      const { activities } = JSON.parse(await client.get('/api/activity/recent?limit=1'));
      if (activities[0]?.code !== code) throw new Error('not there yet');
    }, 'a lone execution in the API');
    times.push(performance.now() - ended);
  }
  kernel.close();
  return times;
}
