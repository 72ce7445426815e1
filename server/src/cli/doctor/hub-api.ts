/** One request to a unix socket with a Hub token: to the Hub, or to a user's server. */
import { request } from 'node:http';

export function askHubApi(socketPath: string, token: string, path: string): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, path, timeout: 5000, headers: { authorization: `token ${token}`, accept: 'application/json' } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body: parse(text) }));
        answer.once('error', reject);
      },
    );
    asked.once('timeout', () => asked.destroy(new Error('no answer within 5 s')));
    asked.once('error', reject);
    asked.end();
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
