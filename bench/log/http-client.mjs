/** Asks the API as a script with a token does, over connections that stay open. */
import { Agent, request } from 'node:http';

/** @param {{url: string, token: string, connections: number}} options */
export function createClient({ url, token, connections }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(url);
  const headers = { authorization: `Bearer ${token}` };
  return {
    /** @param {string} path @returns {Promise<string>} the body of a good answer */
    get: (path) =>
      new Promise((resolve, reject) => {
        const asked = request({ agent, hostname, port, path, headers }, (answer) => {
          const chunks = [];
          answer.on('data', (chunk) => chunks.push(chunk));
          answer.once('error', reject);
          answer.once('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            if (answer.statusCode === 200) resolve(text);
            else reject(new Error(`${path} answered ${answer.statusCode}: ${text.slice(0, 500)}`));
          });
        });
        asked.once('error', reject);
        asked.end();
      }),
    close: () => agent.destroy(),
  };
}
