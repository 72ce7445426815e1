/** What the Hub says about one user and the server of this user. */
import type { HubClient } from './hub-client.js';

type ServerPhase = 'none' | 'starting' | 'ready' | 'stopping';

export interface HubUser {
  exists: boolean;
  phase: ServerPhase;
  /** when the server that is there was asked for */
  startedAt: Date | null;
}

export const userPath = (username: string) => `/users/${encodeURIComponent(username)}`;

/** @throws HubUnavailable, also where the Hub answers with a failure of its own */
export async function readHubUser(hub: HubClient, username: string): Promise<HubUser> {
  const answer = await hub.call('GET', userPath(username));
  if (answer.status === 404) return { exists: false, phase: 'none', startedAt: null };
  if (answer.status !== 200) throw new HubRefused('GET user', answer.status, answer.body);
  const servers = field(answer.body, 'servers');
  return { exists: true, ...readServer(field(servers, '')) };
}

/** The phases of all servers that are there. @throws HubUnavailable */
export async function listHubServers(hub: HubClient): Promise<Map<string, Omit<HubUser, 'exists'>>> {
  const found = new Map<string, Omit<HubUser, 'exists'>>();
  const page = 200;
  for (let offset = 0; ; offset += page) {
    const answer = await hub.call('GET', `/users?state=active&limit=${page}&offset=${offset}`);
    if (answer.status !== 200 || !Array.isArray(answer.body))
      throw new HubRefused('GET users', answer.status, answer.body);
    for (const user of answer.body as unknown[]) {
      const name = field(user, 'name');
      if (typeof name === 'string') found.set(name, readServer(field(field(user, 'servers'), '')));
    }
    if (answer.body.length < page) return found;
  }
}

/** The Hub is there and answered with something that the caller has no use for. */
export class HubRefused extends Error {
  override name = 'HubRefused';
  readonly status: number;
  constructor(what: string, status: number, body: unknown) {
    const message = field(body, 'message');
    super(
      typeof message === 'string' && message !== '' ? message : `JupyterHub answered ${what} with status ${status}`,
    );
    this.status = status;
  }
}

function readServer(server: unknown): Omit<HubUser, 'exists'> {
  const started = field(server, 'started');
  const startedAt = typeof started === 'string' && !Number.isNaN(Date.parse(started)) ? new Date(started) : null;
  const pending = field(server, 'pending');
  if (pending === 'spawn') return { phase: 'starting', startedAt };
  if (pending === 'stop') return { phase: 'stopping', startedAt };
  return { phase: field(server, 'ready') === true ? 'ready' : 'none', startedAt };
}

/** A member of a JSON object of unknown shape. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
