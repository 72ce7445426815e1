/** Asks a person's server what a kernel is that this gateway did not see start: after a restart of the gateway, mostly. */
import { request } from 'node:http';
import type { Channel } from '../../wire/index.js';

/** @returns the kernel's session where it has one, else the kernel itself */
export async function describeKernel({ target, token, owner, kernelId }: Channel): Promise<unknown[]> {
  const base = `/user/${owner.username}/api`;
  const sessions = await ask(target, token, `${base}/sessions`);
  const session = Array.isArray(sessions) ? sessions.find((one) => one?.kernel?.id === kernelId) : undefined;
  return [session ?? (await ask(target, token, `${base}/kernels/${kernelId}`))];
}

function ask(target: string, token: string, path: string): Promise<unknown> {
  const socket = /^(?:http\+unix|unix\+http):\/\/([^/:]+)/.exec(target)?.[1];
  const { hostname, port } = socket === undefined ? new URL(target) : { hostname: undefined, port: undefined };
  const where = socket === undefined ? { hostname, port } : { socketPath: decodeURIComponent(socket) };
  return new Promise((resolve, reject) => {
    const options = { ...where, path, timeout: 5_000, headers: { authorization: `token ${token}` } };
    const asked = request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.once('error', reject);
      answer.once('end', () => {
        try {
          resolve(answer.statusCode === 200 ? JSON.parse(text) : null);
        } catch (error) {
          reject(error);
        }
      });
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer within 5 s')));
    asked.once('error', reject);
    asked.end();
  });
}
