/** A small real HTTP server on a unix socket that stands for JupyterHub: states, starts and tokens as a test sets them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface DoubleUser {
  phase: 'none' | 'starting' | 'ready' | 'stopping';
  started: string | null;
  options: unknown;
}

type PendingStart = { event(data: object): void; finish(status: number, body?: object): void };

export class HubDouble {
  readonly directory = mkdtempSync(join(tmpdir(), 'hub-'));
  readonly socket = join(this.directory, 'hub.sock');
  readonly users = new Map<string, DoubleUser>();
  readonly calls: string[] = [];
  /** what the next starts wait for */
  starts: PendingStart[] = [];
  tokensIssued = 0;
  tokenFailure = false;
  onProxyCheck: () => Promise<void> = async () => {};
  #streams = new Set<ServerResponse>();
  #history: object[] = [];
  #server: Server | null = null;

  async listen(): Promise<void> {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => this.#server?.listen(this.socket, resolve));
  }

  /** The Hub goes away; `listen` brings it back. */
  async leave(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
    rmSync(this.socket, { force: true });
  }

  async close(): Promise<void> {
    await this.leave();
    rmSync(this.directory, { recursive: true, force: true });
  }

  user(name: string, phase: DoubleUser['phase'], started: string | null = null): DoubleUser {
    const user = { phase, started, options: null };
    this.users.set(name, user);
    return user;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '' } = request;
    const [path = '', query] = (request.url ?? '').replace('/hub/api', '').split('?');
    this.calls.push(`${method} ${path}`);
    if (request.headers.authorization !== 'token service-token') return send(response, 403, { message: 'Forbidden' });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body: unknown = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : null;
    if (path === '/proxy') {
      await this.onProxyCheck();
      return send(response, 200, null);
    }
    if (path === '/users') return send(response, 200, query?.includes('offset=0') ? this.#active() : []);
    const [, , rawName = '', ...rest] = path.split('/');
    this.#answerUser(method, decodeURIComponent(rawName), rest.join('/'), body, response);
  }

  #answerUser(method: string, name: string, rest: string, body: unknown, response: ServerResponse): void {
    const user = this.users.get(name);
    if (user === undefined || rest === '' || rest === 'tokens') {
      const [status, answer] = this.#readUser(method, name, rest);
      send(response, status, answer);
    } else if (rest === 'server/progress') this.#stream(user, response);
    else if (method === 'DELETE') this.#stop(user, response);
    else this.#start(user, body, response);
  }

  #readUser(method: string, name: string, rest: string): [number, object] {
    const user = this.users.get(name);
    if (rest === '' && method === 'POST') {
      if (user !== undefined) return [409, { message: 'exists' }];
      this.user(name, 'none');
      return [201, { name }];
    }
    if (user === undefined) return [404, { message: 'Not Found' }];
    if (rest === '') return [200, model(name, user)];
    if (this.tokenFailure) return [500, { message: 'no' }];
    this.tokensIssued += 1;
    return [201, { token: `hub-token-${name}-${this.tokensIssued}` }];
  }

  #start(user: DoubleUser, body: unknown, response: ServerResponse): void {
    user.phase = 'starting';
    user.started = new Date().toISOString();
    user.options = body;
    this.#history = [];
    this.starts.push({
      event: (data) => {
        this.#history.push(data);
        for (const stream of this.#streams) stream.write(`data: ${JSON.stringify(data)}\n\n`);
      },
      finish: (status, answer) => {
        if (status === 201) user.phase = 'ready';
        else if (status !== 202) user.phase = 'none';
        if (status !== 202) this.#endStreams();
        send(response, status, answer ?? null);
      },
    });
  }

  #stop(user: DoubleUser, response: ServerResponse): void {
    for (const start of this.starts.splice(0)) start.finish(500, { message: 'Spawn cancelled' });
    user.phase = 'none';
    send(response, 204, null);
  }

  #stream(user: DoubleUser, response: ServerResponse): void {
    if (user.phase !== 'starting') {
      send(response, 400, { message: 'not starting' });
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('\n\n');
    for (const data of this.#history) response.write(`data: ${JSON.stringify(data)}\n\n`);
    this.#streams.add(response);
    response.once('close', () => this.#streams.delete(response));
  }

  #endStreams(): void {
    for (const stream of this.#streams) stream.end();
  }

  #active(): object[] {
    return [...this.users].filter(([, user]) => user.phase !== 'none').map(([name, user]) => model(name, user));
  }
}

function model(name: string, { phase, started }: DoubleUser): object {
  const pending = phase === 'starting' ? 'spawn' : phase === 'stopping' ? 'stop' : null;
  const servers = phase === 'none' ? {} : { '': { name: '', started, pending, ready: phase === 'ready' } };
  return { name, servers };
}

function send(response: ServerResponse, status: number, body: object | null): void {
  if (response.headersSent) return;
  response.writeHead(status, body === null ? {} : { 'content-type': 'application/json' });
  response.end(body === null ? undefined : JSON.stringify(body));
}

/** Waits until a condition holds; without a timer of its own where the condition already does. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 8000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
