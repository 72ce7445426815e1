import { ApiProblem, networkProblem, problemOf } from './api-problem';
import type { Session } from './session';

export interface ApiClient {
  /** Sends a request with the session's token; a refused token is renewed once. */
  send(path: string, init?: RequestInit): Promise<Response>;
  get<T>(path: string, signal?: AbortSignal): Promise<T>;
  post<T>(path: string): Promise<T>;
}

/** The one way from the screens to the API. Failures are ApiProblem, always. */
export function createApiClient({
  session,
  fetch,
}: {
  session: Pick<Session, 'token'>;
  fetch: typeof globalThis.fetch;
}): ApiClient {
  const attempt = async (path: string, init: RequestInit, token: string) => {
    const headers = new Headers(init.headers);
    headers.set('Authorization', `Bearer ${token}`);
    try {
      return await fetch(path, { ...init, headers, credentials: 'omit' });
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      throw networkProblem(cause);
    }
  };

  const send = async (path: string, init: RequestInit = {}) => {
    const token = await session.token();
    if (!token) throw sessionEnded();
    let response = await attempt(path, init, token);
    if (response.status === 401) {
      const renewed = await session.token(token);
      if (!renewed) throw sessionEnded();
      response = await attempt(path, init, renewed);
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  };

  return {
    send,
    async get<T>(path: string, signal?: AbortSignal) {
      const response = await send(path, signal ? { signal } : {});
      return (await response.json()) as T;
    },
    async post<T>(path: string) {
      const response = await send(path, { method: 'POST' });
      return (await response.json()) as T;
    },
  };
}

function sessionEnded() {
  return new ApiProblem({ code: 'session-ended', status: 401, title: 'The session has ended.' });
}
