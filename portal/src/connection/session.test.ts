import { describe, expect, it } from 'vitest';
import { createChannels, createTimer, settle } from './fixtures-for-tests';
import { createSession, type Session } from './session';

type Answer = () => Response | Promise<Response>;

const grant = (token: string, expiresIn = 900) =>
  Response.json({ access_token: token, token_type: 'bearer', expires_in: expiresIn });
const refusal = (code: string, status = 401) => Response.json({ code, status, title: code }, { status });

/** A browser with a cookie jar's worth of answers: each request takes the next answer of its path. */
function createBrowser(hasHint = true) {
  const answers = new Map<string, Answer[]>();
  const asked: string[] = [];
  const channels = createChannels();
  let hint = hasHint;
  const fetch = (async (path: string, init?: RequestInit) => {
    asked.push(`${init?.method} ${path}`);
    const answer = answers.get(path)?.shift();
    if (!answer) throw new TypeError('Failed to fetch');
    return answer();
  }) as typeof globalThis.fetch;
  return {
    asked,
    hint: () => hint,
    answer(path: string, ...given: Answer[]) {
      answers.set(path, [...(answers.get(path) ?? []), ...given]);
    },
    openTab(): { session: Session; timer: ReturnType<typeof createTimer> } {
      const timer = createTimer();
      const store = {
        get: () => hint,
        set(value: boolean) {
          hint = value;
        },
      };
      return { session: createSession({ fetch, channel: channels(), hint: store, timer }), timer };
    },
  };
}

const RENEW = '/api/session/renew';

describe('a session', () => {
  it('asks nothing on a first visit, so that no 401 is logged', async () => {
    const browser = createBrowser(false);
    const { session } = browser.openTab();
    await session.resume();
    expect(session.phase()).toBe('ended');
    expect(browser.asked).toEqual([]);
  });

  it('is taken up again after a reload and renewed one minute before its end', async () => {
    const browser = createBrowser();
    browser.answer(
      RENEW,
      () => grant('first', 900),
      () => grant('second', 900),
    );
    const { session, timer } = browser.openTab();
    await session.resume();
    expect(session.phase()).toBe('open');
    expect(await session.token()).toBe('first');
    expect(timer.pending()).toEqual([840_000]);
    await timer.pass(840_000);
    expect(await session.token()).toBe('second');
  });

  it('ends with a 401 and only with a 401', async () => {
    const browser = createBrowser();
    const { session, timer } = browser.openTab();
    await session.resume();
    expect(session.phase()).toBe('unreachable');
    browser.answer(RENEW, () => refusal('database-unavailable', 503));
    await timer.pass(1_000);
    expect(session.phase()).toBe('unreachable');
    expect(timer.pending()).toEqual([2_000]);
    browser.answer(RENEW, () => refusal('session-ended'));
    await timer.pass(2_000);
    expect(session.phase()).toBe('ended');
    expect(browser.hint()).toBe(false);
    expect(timer.pending()).toEqual([]);
  });

  it('stays open while a running server cannot be reached for the renewal', async () => {
    const browser = createBrowser();
    browser.answer(RENEW, () => grant('first'));
    const { session, timer } = browser.openTab();
    await session.resume();
    await timer.pass(840_000);
    expect(session.phase()).toBe('open');
    browser.answer(RENEW, () => grant('second'));
    await timer.pass(1_000);
    expect(await session.token()).toBe('second');
  });

  it('renews once for many who were refused with the same token', async () => {
    const browser = createBrowser();
    browser.answer(
      RENEW,
      () => grant('old'),
      () => grant('new'),
    );
    const { session } = browser.openTab();
    await session.resume();
    expect(await Promise.all([session.token('old'), session.token('old'), session.token('old')])).toEqual([
      'new',
      'new',
      'new',
    ]);
    expect(await session.token('old')).toBe('new');
    expect(browser.asked.length).toBe(2);
  });

  it('that is logged out in one tab is over in all of them', async () => {
    const browser = createBrowser();
    browser.answer(
      RENEW,
      () => grant('one'),
      () => grant('two'),
    );
    browser.answer('/api/session', () => new Response(null, { status: 204 }));
    const [here, there] = [browser.openTab().session, browser.openTab().session];
    await here.resume();
    await there.resume();
    await here.logout();
    expect([here.phase(), there.phase()]).toEqual(['ended', 'ended']);
    expect(await there.token()).toBeNull();
    expect(browser.asked.at(-1)).toBe('DELETE /api/session');
  });

  it('follows a login in another tab, as whoever logged in there', async () => {
    const browser = createBrowser();
    browser.answer(RENEW, () => grant('of test_user'));
    const [here, there] = [browser.openTab().session, browser.openTab().session];
    await there.resume();
    const before = there.generation();
    browser.answer('/api/login', () => grant('of admin here'));
    browser.answer(RENEW, () => grant('of admin there'));
    await here.login('admin', 'secret');
    await settle();
    expect(await there.token()).toBe('of admin there');
    expect(there.generation()).toBeGreaterThan(before);
  });

  it('is not reopened by a renewal that was under way when the person logged out', async () => {
    const browser = createBrowser();
    browser.answer(RENEW, () => grant('first'));
    const { session, timer } = browser.openTab();
    await session.resume();
    let deliver: (response: Response) => void = () => undefined;
    browser.answer(
      RENEW,
      () =>
        new Promise((resolve) => {
          deliver = resolve;
        }),
    );
    await timer.pass(840_000);
    await session.logout();
    deliver(grant('late'));
    await settle();
    expect(session.phase()).toBe('ended');
    expect(await session.token()).toBeNull();
  });

  it('that was refused says why', async () => {
    const browser = createBrowser(false);
    browser.answer('/api/login', () => refusal('credentials-wrong'));
    const { session } = browser.openTab();
    await expect(session.login('test_user', 'wrong')).rejects.toMatchObject({ code: 'credentials-wrong', status: 401 });
    expect(session.phase()).toBe('ended');
  });
});
