/**
 * The Hub token of each user that the gateway adds to forwarded requests. It opens nothing but this user's own server and
 * never reaches the browser. One call per user at a time; renewed before it expires and after the server refused it.
 */
import { field, type HubClient, HubRefused, userPath } from '../../lab/index.js';

export interface HubTokens {
  /** @throws HubUnavailable, HubRefused */
  of(username: string): Promise<string>;
  /** The server did not take this token. True where the next call will fetch another. */
  discard(username: string, token: string): boolean;
}

const validSeconds = 60 * 60;
const renewedBeforeMs = 10 * 60 * 1000;
// The answer 403 is made by the user's own process: it must not turn into a load on the Hub.
const leastAgeMs = 5000;

interface Kept {
  token: Promise<string>;
  value: string | null;
  fetchedAt: number;
}

export function createHubTokens(hub: HubClient, now: () => number): HubTokens {
  const kept = new Map<string, Kept>();

  const fetchToken = async (username: string) => {
    const answer = await hub.call('POST', `${userPath(username)}/tokens`, {
      note: 'Shaparak gateway',
      expires_in: validSeconds,
      scopes: [`access:servers!user=${username}`],
    });
    const token = field(answer.body, 'token');
    if (answer.status !== 201 || typeof token !== 'string')
      throw new HubRefused('POST token', answer.status, answer.body);
    return token;
  };

  return {
    of(username) {
      const known = kept.get(username);
      if (known !== undefined && now() - known.fetchedAt < validSeconds * 1000 - renewedBeforeMs) return known.token;
      const fresh: Kept = { token: fetchToken(username), value: null, fetchedAt: now() };
      kept.set(username, fresh);
      fresh.token.then(
        (value) => {
          fresh.value = value;
        },
        () => {
          if (kept.get(username) === fresh) kept.delete(username);
        },
      );
      return fresh.token;
    },
    discard(username, token) {
      const known = kept.get(username);
      if (known?.value !== token || now() - known.fetchedAt < leastAgeMs) return false;
      kept.delete(username);
      return true;
    },
  };
}
