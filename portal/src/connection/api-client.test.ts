import { describe, expect, it } from 'vitest';
import { createApiClient } from './api-client';

/** A server that accepts one token, and a session that has another until it is asked to renew. */
function create(held: string | null, renewed: string | null, answer: () => Response) {
  const seen: string[] = [];
  const session = { token: async (refused?: string) => (refused === undefined ? held : renewed) };
  const fetch = (async (_path: string, init?: RequestInit) => {
    const token = new Headers(init?.headers).get('Authorization') ?? '';
    seen.push(token);
    return token === 'Bearer good' ? answer() : Response.json({ code: 'token-missing' }, { status: 401 });
  }) as typeof globalThis.fetch;
  return { seen, client: createApiClient({ session, fetch }) };
}

describe('the API client', () => {
  it('renews a refused token once and asks again', async () => {
    const { client, seen } = create('stale', 'good', () => Response.json({ username: 'test_user' }));
    expect(await client.get('/api/me')).toEqual({ username: 'test_user' });
    expect(seen).toEqual(['Bearer stale', 'Bearer good']);
  });

  it('gives up when the renewed token is refused as well', async () => {
    const { client, seen } = create('stale', 'stale too', () => Response.json({}));
    await expect(client.get('/api/me')).rejects.toMatchObject({ code: 'token-missing' });
    expect(seen.length).toBe(2);
  });

  it('sends nothing without a session', async () => {
    const { client, seen } = create(null, null, () => Response.json({}));
    await expect(client.get('/api/me')).rejects.toMatchObject({ code: 'session-ended' });
    expect(seen).toEqual([]);
  });

  it('hands on the server’s problem with its trace id', async () => {
    const problem = { code: 'database-unavailable', title: 'no database', trace_id: 'abc', detail: 'later' };
    const { client } = create('good', null, () => Response.json(problem, { status: 503 }));
    await expect(client.get('/api/logs')).rejects.toMatchObject({
      code: 'database-unavailable',
      status: 503,
      traceId: 'abc',
      detail: 'later',
    });
  });

  it('reads a failure that is no problem document, as from a proxy, as unexpected', async () => {
    const { client } = create('good', null, () => new Response('<h1>Bad gateway</h1>', { status: 502 }));
    await expect(client.get('/api/logs')).rejects.toMatchObject({ code: 'unexpected', status: 502 });
  });
});
