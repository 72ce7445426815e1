import { afterEach, describe, expect, it } from 'vitest';
import { createChannels, createTimer, settle } from './fixtures-for-tests';
import { createLiveFeed, type LiveEvent, type LiveFeed, type OpenStream } from './live-feed';

/** One holder at a time, the next in the order of asking: what the browser promises of a Web Lock. */
function createLocks() {
  let tail: Promise<unknown> = Promise.resolve();
  const request = (_name: string, { signal }: { signal: AbortSignal }, hold: () => Promise<void>) => {
    const turn = tail.then(() => (signal.aborted ? undefined : hold()));
    tail = turn.catch(() => undefined);
    return turn;
  };
  return { request } as unknown as Pick<LockManager, 'request'>;
}

type Stream = Parameters<OpenStream>[0] & { end: () => void };

/** A browser whose server answers each attempt with the next of `answers`; then with a stream. */
function createBrowser(hasLocks = true) {
  const channels = createChannels();
  const locks = hasLocks ? createLocks() : undefined;
  const streams: Stream[] = [];
  const refusals: Error[] = [];
  const feeds: LiveFeed[] = [];
  const openStream: OpenStream = (options) => {
    const refused = refusals.shift();
    if (refused) return Promise.reject(refused);
    options.opened();
    return new Promise((resolve) => {
      streams.push({ ...options, end: resolve });
      options.signal.addEventListener('abort', () => resolve());
    });
  };
  const openTab = async () => {
    const timer = createTimer();
    const feed = createLiveFeed({ openStream, locks, channel: channels(), timer });
    const heard: LiveEvent[] = [];
    feed.subscribe((event) => heard.push(event));
    feeds.push(feed);
    await settle();
    return { feed, heard, timer };
  };
  return { streams, refusals, feeds, openTab };
}

const activity = (seq: number) => ({
  type: 'activity',
  id: String(seq),
  data: JSON.stringify({ user_seq: seq, activity: { id: seq } }),
});

let open: LiveFeed[] = [];
afterEach(() => {
  for (const feed of open) feed.close();
  open = [];
});
function browserOf(hasLocks = true) {
  const browser = createBrowser(hasLocks);
  open = browser.feeds;
  return browser;
}

describe('live events', () => {
  it('come over one stream to all tabs', async () => {
    const browser = browserOf();
    const [first, second] = [await browser.openTab(), await browser.openTab()];
    expect(browser.streams.length).toBe(1);
    browser.streams[0]?.onEvent(activity(7));
    for (const tab of [first, second]) {
      expect(tab.heard).toEqual([{ kind: 'activity', activity: { user_seq: 7, activity: { id: 7 } } }]);
      expect(tab.feed.status()).toBe('live');
    }
  });

  it('go on in the next tab after the last one that it heard, when the leader is closed', async () => {
    const browser = browserOf();
    const [first, second] = [await browser.openTab(), await browser.openTab()];
    browser.streams[0]?.onEvent(activity(7));
    first.feed.close();
    await settle();
    expect(browser.streams.length).toBe(2);
    expect(browser.streams[1]?.lastEventId).toBe('7');
    browser.streams[1]?.onEvent(activity(8));
    expect(second.heard.length).toBe(2);
    expect(first.heard.length).toBe(1);
  });

  it('resume after a broken stream', async () => {
    const browser = browserOf();
    const { feed, timer } = await browser.openTab();
    browser.streams[0]?.onEvent(activity(41));
    browser.streams[0]?.end();
    await settle();
    expect(feed.status()).toBe('connecting');
    await timer.pass(1_000);
    expect(browser.streams[1]?.lastEventId).toBe('41');
    expect(feed.status()).toBe('live');
  });

  it('that cannot be had make every tab poll, until they can', async () => {
    const browser = browserOf();
    browser.refusals.push(new Error('503'), new Error('503'));
    const [first, second] = [await browser.openTab(), await browser.openTab()];
    expect([first.feed.status(), second.feed.status()]).toEqual(['polling', 'polling']);
    await first.timer.pass(2_000);
    await first.timer.pass(4_000);
    expect([first.feed.status(), second.feed.status()]).toEqual(['live', 'live']);
  });

  it('are asked for anew when the stream falls silent', async () => {
    const browser = browserOf();
    const { timer } = await browser.openTab();
    await timer.pass(30_000);
    browser.streams[0]?.onEvent({ type: 'ping', data: '{}', id: undefined });
    await timer.pass(30_000);
    await timer.pass(1_000);
    expect(browser.streams.length).toBe(1);
    await timer.pass(14_000);
    await timer.pass(1_000);
    expect(browser.streams.length).toBe(2);
  });

  it('come to each tab by itself where the browser has no locks', async () => {
    const browser = browserOf(false);
    await browser.openTab();
    await browser.openTab();
    expect(browser.streams.length).toBe(2);
  });
});
