/** JupyterHub's REST API over its unix socket. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';

interface HubAnswer {
  status: number;
  /** parsed JSON, or null where the answer has none */
  body: unknown;
}

/** The Hub is not there, does not answer in time, or answers as a failing server does. */
export class HubUnavailable extends Error {
  override name = 'HubUnavailable';
}

export interface HubClient {
  /** @throws HubUnavailable */
  call(method: string, path: string, body?: object, options?: { timeoutMs?: number }): Promise<HubAnswer>;
  /** The events of a text/event-stream, until it ends. @throws HubUnavailable */
  follow(path: string, signal: AbortSignal): AsyncIterable<unknown>;
}

const patienceMs = 10_000;
const largestAnswer = 8 * 1024 * 1024;

export function createHubClient(settings: { socket: string; token: string }): HubClient {
  const open = (method: string, path: string, payload: string | null, signal: AbortSignal) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = httpRequest({
        socketPath: settings.socket,
        path: `/hub/api${path}`,
        method,
        signal,
        // A connection of its own: the Hub may have been restarted since the last call.
        agent: false,
        headers: {
          host: 'hub',
          authorization: `token ${settings.token}`,
          ...(payload === null
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
        },
      });
      outgoing.once('response', resolve);
      outgoing.once('error', reject);
      outgoing.end(payload ?? undefined);
    });

  return {
    async call(method, path, body, options = {}) {
      const signal = AbortSignal.timeout(options.timeoutMs ?? patienceMs);
      try {
        const answer = await open(method, path, body === undefined ? null : JSON.stringify(body), signal);
        return { status: answer.statusCode ?? 0, body: parse(await readText(answer)) };
      } catch (error) {
        throw unavailable(method, path, error);
      }
    },
    async *follow(path, signal) {
      try {
        const answer = await open('GET', path, null, signal);
        if (answer.statusCode !== 200) {
          answer.destroy();
          throw new Error(`status ${answer.statusCode}`);
        }
        for await (const line of readLines(answer)) if (line.startsWith('data:')) yield parse(line.slice(5));
      } catch (error) {
        throw unavailable('GET', path, error);
      }
    },
  };
}

function unavailable(method: string, path: string, cause: unknown): HubUnavailable {
  return new HubUnavailable(`JupyterHub did not answer ${method} ${path}`, { cause });
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestAnswer) throw new Error('answer too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* readLines(answer: IncomingMessage): AsyncIterable<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > largestAnswer) throw new Error('line too large');
    yield* lines;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
