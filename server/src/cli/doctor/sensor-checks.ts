/** Every running kernel must have been heard in the last 45 s; one that was not is running unrecorded. */
import { join } from 'node:path';
import { withDatabase } from '../running-database.js';
import { bad, type Facts, type Finding, good, messageOf, note } from './finding.js';
import { askHubApi } from './hub-api.js';

const check = 'kernels and their sensors';
const heardWithinSeconds = 45;

interface RunningKernel {
  username: string;
  kernelId: string;
}

export async function checkSensors(facts: Facts): Promise<Finding[]> {
  try {
    const { kernels, unreachable } = await runningKernels(facts);
    const findings = unreachable.map((username) =>
      bad(
        'user server',
        `the server of ${username} does not answer`,
        `stop and start it in the portal, or look at ${join(facts.state.folders.logs, 'hub.log')}`,
      ),
    );
    return [...findings, await compare(facts, kernels)];
  } catch (error) {
    return [note(check, `could not be checked (${messageOf(error)})`)];
  }
}

async function runningKernels({ state, secrets }: Facts): Promise<{ kernels: RunningKernel[]; unreachable: string[] }> {
  const { body } = await askHubApi(state.hubSocket, secrets.hubToken, '/hub/api/users?state=ready');
  const kernels: RunningKernel[] = [];
  const unreachable: string[] = [];
  for (const username of namesIn(body, 'name')) {
    const socket = join(state.folders.runUsers, username, 's.sock');
    const path = `/user/${encodeURIComponent(username)}/api/kernels`;
    const answer = await askHubApi(socket, secrets.hubToken, path).catch(() => null);
    if (answer?.status !== 200) unreachable.push(username);
    else kernels.push(...namesIn(answer.body, 'id').map((kernelId) => ({ username, kernelId })));
  }
  return { kernels, unreachable };
}

function namesIn(body: unknown, key: string): string[] {
  if (!Array.isArray(body)) return [];
  return body.flatMap((one: unknown) => {
    const value = typeof one === 'object' && one !== null ? (one as Record<string, unknown>)[key] : null;
    return typeof value === 'string' ? [value] : [];
  });
}

async function compare({ state }: Facts, kernels: RunningKernel[]): Promise<Finding> {
  if (kernels.length === 0) return note(check, 'no kernel runs at the moment');
  const heard = await withDatabase(state, 'owner', async (database) => {
    const rows = await database<{ kernelId: string }[]>`
      select distinct s.kernel_id as "kernelId" from sensor s
      where s.kernel_id = any(${kernels.map((kernel) => kernel.kernelId)})
        and (s.kind = 'kernel' and s.stopped_at is null
          and s.last_heard_at > now() - make_interval(secs => ${heardWithinSeconds})
          -- a kernel of a language that brings no sensor has the gateway alone
          or s.kind = 'wire' and not s.expects_kernel_sensor)`;
    return new Set(rows.map((row) => row.kernelId));
  });
  const silent = kernels.filter((kernel) => !heard.has(kernel.kernelId));
  if (silent.length === 0)
    return good(check, `${kernels.length} running, each heard by its sensors within ${heardWithinSeconds} s`);
  const names = silent.slice(0, 5).map(({ username, kernelId }) => `${username} (kernel ${kernelId.slice(0, 8)})`);
  return bad(
    check,
    `the sensor of ${silent.length} of ${kernels.length} running kernels is silent: ${names.join(', ')}`,
    'restart that kernel in JupyterLab; if it stays silent, stop and start the lab in the portal',
  );
}
