/**
 * The two witnesses of one kernel, as they speak to the intake: the kernel's sensor over its person's unix socket, in the
 * portal's process, and the wire's as the gateway does, by a call of its own with its own connections.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { product } from '../system.mjs';

/** @param {import('../run.mjs').Context} context */
export async function openIntake(context, log) {
  const { receive } = await product(context.installation, 'intake/receive.js');
  const { systemClock } = await product(context.installation, 'platform/clock.js');
  const settings = (name) =>
    JSON.parse(readFileSync(join(log.system.installation.data, 'settings', `${name}.json`), 'utf8'));
  const { captureDirectory, captureKey } = settings('portal');
  const deps = { database: await log.connectPortal(), clock: systemClock, timeZone: log.timeZone };
  return {
    wire: (userId, delivery) => receive(deps, userId, delivery),
    kernel(userId) {
      const folder = createHmac('sha256', Buffer.from(captureKey, 'hex')).update(`capture ${userId}`).digest('hex');
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      context.onClose(() => agent.destroy());
      return (delivery) => post(agent, join(captureDirectory, folder.slice(0, 32), 'capture.sock'), delivery);
    },
  };
}

function post(agent, socketPath, delivery) {
  const body = JSON.stringify(delivery);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const asked = request({ agent, socketPath, path: '/v1/observations', method: 'POST', headers }, async (answer) => {
      let text = '';
      for await (const chunk of answer.setEncoding('utf8')) text += chunk;
      if (answer.statusCode === 200) resolve(JSON.parse(text));
      else reject(new Error(`The intake answered ${answer.statusCode}: ${text.slice(0, 500)}`));
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

/**
 * Two sensors of a new kernel.
 * @param {Awaited<ReturnType<typeof openIntake>>} intake
 * @param {{userId: number}} person
 */
export function createWitnesses(intake, { userId }) {
  const kernelId = randomUUID();
  const sensor = (kind) => ({
    kind,
    instance: randomUUID(),
    version: '0.1.0',
    kernel_id: kernelId,
    language: 'python',
    started_at: new Date().toISOString(),
  });
  const witness = (kind, send) => {
    const about = sensor(kind);
    let sequence = 0;
    const numbered = (fields) => {
      sequence += 1;
      return { sequence, ...fields };
    };
    const deliver = async (records) => {
      const observations = records.map(numbered);
      const begun = performance.now();
      const receipt = await send({ sensor: about, observations });
      if (receipt.accepted !== observations.length)
        throw new Error(`Of ${observations.length} records were taken: ${JSON.stringify(receipt)}`);
      return performance.now() - begun;
    };
    return {
      say: (record) => deliver([{ observed_at: new Date().toISOString(), ...record }]),
      /** Start and end of each. @param {Cell[]} cells @returns {Promise<number>} milliseconds to the acknowledgement */
      tell: (cells) => deliver(cells.flatMap((cell) => [startOf(cell), endOf(cell)])),
    };
  };
  const wire = witness('wire', (delivery) => intake.wire(userId, delivery));
  const kernel = witness('kernel', intake.kernel(userId));
  return {
    wire,
    kernel,
    /** As the gateway sees every kernel: started over it, with a sensor of its own. */
    async begin() {
      const about = { notebook_path: null, saw_start: true, spec: 'python3', expects_kernel_sensor: true };
      await wire.say({ type: 'sensor_started', ...about });
      await kernel.say({ type: 'sensor_started', notebook_path: null });
    },
    async end() {
      for (const one of [wire, kernel]) await one.say({ type: 'sensor_stopped' });
    },
  };
}

/** @typedef {{msgId: string, at: string, execution: import('../history/executions.mjs').Execution}} Cell */

const startOf = ({ msgId, at, execution }) => ({
  type: 'execution_started',
  observed_at: at,
  msg_id: msgId,
  client_session: execution.clientSession,
  cell_id: execution.cellId,
  notebook_path: execution.notebook,
  cell_number: execution.cellNumber,
  code: execution.snippet.text,
  silent: false,
  store_history: true,
});

const endOf = ({ msgId, at, execution }) => ({
  type: 'execution_finished',
  observed_at: at,
  msg_id: msgId,
  client_session: execution.clientSession,
  outcome: execution.outcome,
  cell_number: execution.cellNumber,
  duration_us: execution.milliseconds * 1_000,
  error_name: execution.name,
  error_message: execution.message,
});
