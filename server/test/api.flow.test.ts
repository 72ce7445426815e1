/** The seed's endpoints as its users call them: over HTTP, with tokens, against a real database. */
import { api } from '@shaparak/contract';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeSensor } from './people.js';
import { labUrl, openTestPortal, type Person, publicUrl, type TestPortal } from './portal.js';

describe('API', () => {
  let portal: TestPortal;
  let sara: Person;
  let ali: Person;
  let chief: Person;
  beforeAll(async () => {
    portal = await openTestPortal();
    sara = await portal.addUser('sara');
    ali = await portal.addUser('ali.rezaei');
    chief = await portal.addUser('chief', 'administrator');
    const now = Date.now();
    await execute(sara, [
      { code: 'import pandas as pd\ndf = pd.read_csv("data.csv")', at: now - 90_000_000 },
      { code: '1 / 0', error: 'ZeroDivisionError: division by zero', at: now - 3_000 },
      { code: 'print("100%_\\\\")', at: now - 2_000 },
      { code: 'گزارش‌كتاب = ۱۲', at: now - 1_000 },
    ]);
    await execute(ali, [{ code: 'secret_of_ali = 42', at: now - 500 }]);
  });
  afterAll(() => portal.close());

  async function execute(person: Person, cells: { code: string; error?: string; at: number }[]) {
    const sensor = new FakeSensor();
    const observations = cells.flatMap(({ code, error, at }, index) => {
      const instant = new Date(at).toISOString();
      const failed = { outcome: 'error' as const, error_name: error?.split(':')[0] ?? '', error_message: error ?? '' };
      return [sensor.started(`m${index}`, code, instant), sensor.finished(`m${index}`, error ? failed : {}, instant)];
    });
    await person.deliver(sensor.delivery(...observations));
  }

  async function read<T>(person: Person, path: string, schema: TSchema): Promise<T> {
    const response = await person.get(path);
    expect(response.status, path).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const body: unknown = await response.json();
    expect([...Compile(schema).Errors(body)], path).toEqual([]);
    return body as T;
  }

  it('answers every endpoint of the seed in its shape, and they agree', async () => {
    const { stats } = await read<api.Dashboard>(sara, '/api/dashboard', api.Dashboard);
    expect(stats).toMatchObject({ total_executions: 4, total_errors: 1, success_rate: 75, avg_execution_time_ms: 12 });
    const recent = await read<api.RecentActivity>(sara, '/api/activity/recent', api.RecentActivity);
    expect(recent.count).toBe(4);
    expect(recent.activities[0]?.timestamp).toBe(stats.last_execution);
    expect(stats.last_execution).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+03:30$/);
    const daily = await read<api.DailyStats>(sara, '/api/activity/stats?days=30', api.DailyStats);
    expect(daily.daily_stats).toHaveLength(30);
    expect(daily.daily_stats[0]?.executions).toBe(stats.today_executions);
    expect(daily.daily_stats.reduce((sum, day) => sum + day.executions, 0)).toBe(4);
    const logs = await read<api.Logs>(sara, '/api/logs', api.Logs);
    expect(logs.logs.map((entry) => entry.id)).toEqual(recent.activities.map((activity) => activity.id));
    const all = await read<api.AllUsersActivity>(chief, '/api/admin/all-users-activity', api.AllUsersActivity);
    expect(all.users_activity.map((user) => [user.username, user.total_executions])).toEqual([
      ['sara', 4],
      ['ali.rezaei', 1],
      ['chief', 0],
    ]);
    const system = await read<api.SystemStats>(chief, '/api/admin/system-stats', api.SystemStats);
    expect(system).toMatchObject({ total_executions: 5, active_users: 2, total_errors: 1 });
    expect(system.recent_errors).toEqual([
      expect.objectContaining({
        username: 'sara',
        code_preview: '1 / 0',
        error: 'ZeroDivisionError: division by zero',
      }),
    ]);
  });

  it('shows nobody another person’s code', async () => {
    const found = await sara.json<api.SearchResults>('/api/activity/search?query=secret');
    expect(found.count).toBe(0);
    const [own] = (await ali.json<api.RecentActivity>('/api/activity/recent')).activities;
    expect((await sara.get(`/api/activity/${own?.id}`)).status).toBe(404);
    expect((await ali.get(`/api/activity/${own?.id}`)).status).toBe(200);
    for (const path of ['/api/admin/all-users-activity', '/api/admin/system-stats'])
      expect((await sara.get(path)).status).toBe(403);
    const refusals = await portal.database.owner`select actor_name from audit_event where action = 'admin-read'`;
    expect(refusals).toHaveLength(2);
  });

  it.each([
    ['PANDAS', 1],
    ['1 / 0', 1],
    ['100%_\\', 1],
    ['%_', 1],
    ['__', 0],
    ['کتاب = 12', 1],
    ['گزارش‌کتاب', 1],
    ['zz', 0],
  ])('searches %s literally, whatever its case and its digits', async (query, count) => {
    const found = await sara.json<api.SearchResults>(`/api/activity/search?query=${encodeURIComponent(query)}`);
    expect([found.query, found.count]).toEqual([query, count]);
  });

  it.each([
    '/api/activity/recent?limit=0',
    '/api/activity/recent?limit=1001',
    '/api/activity/recent?limit=x',
    '/api/activity/recent?limit=',
    '/api/activity/recent?limit=1&limit=2',
    '/api/activity/stats?days=0',
    '/api/activity/stats?days=401',
    '/api/activity/stats?days=7.5',
    '/api/activity/search',
    '/api/activity/search?query=a',
    '/api/activity/search?query=%E2%80%8Ca',
    '/api/logs?offset=-1',
    '/api/logs?offset=99999999999999999999',
    '/api/logs?cursor=x',
    '/api/activity/0',
    '/api/activity/1e99',
    '/api/activity/nonsense',
  ])('answers %s with 422 and says what is wrong', async (path) => {
    const response = await sara.get(path);
    expect(response.status).toBe(422);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect([...Compile(api.Problem).Errors(await response.json())]).toEqual([]);
  });

  it('says which methods a known address answers', async () => {
    const answer = await fetch(`${portal.url}/api/activity/7`, { method: 'DELETE' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await answer.json()) as object).toMatchObject({ code: 'method-not-allowed' });
    expect((await fetch(`${portal.url}/api/activity/7/8`, { method: 'DELETE' })).status).toBe(404);
  });

  it('answers hostile requests with a client error, never a 500', async () => {
    const statuses = [
      await sara.get('/api/activity/search?query=%00%00'),
      await sara.get('/api/activity/search?query=%ff%fe'),
      await sara.get('/api/logs?offset=9007199254740991'),
      await sara.get('/api/activity/9007199254740991'),
      await sara.get('/api/%'),
      await sara.get(`/api/activity/search?query=${'x'.repeat(12_000)}`),
      await fetch(`${portal.url}/api/login`, {
        method: 'POST',
        body: '{',
        headers: { 'content-type': 'application/json' },
      }),
      await fetch(`${portal.url}/api/login`, { method: 'POST', body: 'x', headers: { 'content-type': 'text/weird' } }),
      await fetch(`${portal.url}/api/login`, {
        method: 'POST',
        body: new URLSearchParams({ username: 'a\0b', password: '\0' }),
      }),
      await fetch(`${portal.url}/api/login`, {
        method: 'POST',
        body: new URLSearchParams({ username: 'a', password: 'x'.repeat(60_000) }),
      }),
      await fetch(`${portal.url}/api/login`, {
        method: 'POST',
        body: new URLSearchParams({ password: 'x'.repeat(100_000) }),
      }),
      await fetch(`${portal.url}/api/dashboard`, { headers: { authorization: "Bearer '; drop table users" } }),
      await fetch(`${portal.url}/api/dashboard`, { headers: { authorization: `Bearer ${'a'.repeat(8_000)}` } }),
    ].map((response) => response.status);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
  });

  it('pages without skipping or repeating a row, by offset and by cursor, while time stands still', async () => {
    const person = await portal.addUser('pager');
    const at = Date.now() - 400_000_000;
    await execute(
      person,
      Array.from({ length: 60 }, (_, index) => ({
        code: `cell ${index}`,
        at: at + Math.floor(index / 20) * 86_400_000,
      })),
    );
    const whole = (await person.json<api.Logs>('/api/logs?limit=100')).logs.map((entry) => entry.id);
    expect(new Set(whole).size).toBe(60);
    const byOffset: number[] = [];
    for (let offset = 0; offset < 60; offset += 7)
      byOffset.push(
        ...(await person.json<api.Logs>(`/api/logs?limit=7&offset=${offset}`)).logs.map((entry) => entry.id),
      );
    expect(byOffset).toEqual(whole);
    const byCursor: number[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: api.Logs = await person.json(`/api/logs?limit=9${cursor ? `&cursor=${cursor}` : ''}`);
      byCursor.push(...page.logs.map((entry) => entry.id));
      cursor = page.next_cursor;
    }
    expect(byCursor).toEqual(whole);
    expect((await person.json<api.Logs>('/api/logs?offset=60')).count).toBe(0);
  });

  it('answers CORS of local pages for Bearer endpoints only', async () => {
    const preflight = (path: string, origin: string) =>
      fetch(portal.url + path, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
      });
    const allowed = await preflight('/api/activity/recent?limit=5', 'http://localhost:3000');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    expect(allowed.headers.get('access-control-allow-headers')).toMatch(/authorization/i);
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
    for (const [path, origin] of [
      ['/api/activity/recent', labUrl],
      ['/api/activity/recent', 'http://evil.example'],
      ['/api/activity/recent', 'null'],
      ['/api/session/renew', 'http://localhost:3000'],
      ['/api/session', 'http://localhost:3000'],
    ] as const)
      expect(
        (await preflight(path, origin)).headers.get('access-control-allow-origin'),
        `${path} ${origin}`,
      ).toBeNull();
    const answer = await sara.get('/api/dashboard', { origin: 'http://localhost:3000' });
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
  });

  it('renews a session by its cookie for the portal alone, and ends it at once', async () => {
    const login = (origin?: string) =>
      fetch(`${portal.url}/api/login`, {
        method: 'POST',
        body: new URLSearchParams({ username: 'sara', password: sara.password }),
        headers: origin ? { origin } : {},
      });
    expect((await login()).headers.get('set-cookie')).toBeNull();
    expect((await login('http://localhost:3000')).headers.get('set-cookie')).toBeNull();
    const opened = await login(publicUrl);
    const setCookie = opened.headers.get('set-cookie') ?? '';
    expect(setCookie).toMatch(/HttpOnly/);
    expect(setCookie).toMatch(/SameSite=Strict/);
    expect(setCookie).toMatch(/Path=\/api\/session/);
    const cookie = setCookie.split(';')[0] ?? '';
    const renew = (origin: string) =>
      fetch(`${portal.url}/api/session/renew`, { method: 'POST', headers: { origin, cookie } });
    expect((await renew(labUrl)).status).toBe(403);
    const [one, two] = await Promise.all([renew(publicUrl), renew(publicUrl)]);
    expect([one.status, two.status]).toEqual([200, 200]);
    const { access_token: token } = (await one.json()) as api.AccessToken;
    const bearer = { authorization: `Bearer ${token}` };
    expect((await fetch(`${portal.url}/api/session`, { method: 'DELETE', headers: bearer })).status).toBe(204);
    expect((await fetch(`${portal.url}/api/me`, { headers: bearer })).status).toBe(401);
    expect((await renew(publicUrl)).status).toBe(401);
  });

  it('slows a guesser down and lets the person in from elsewhere', async () => {
    const victim = await portal.addUser('victim');
    const attempt = (password: string) =>
      fetch(`${portal.url}/api/login`, { method: 'POST', body: new URLSearchParams({ username: 'victim', password }) });
    const statuses = [];
    for (let guess = 0; guess < 12; guess += 1) statuses.push((await attempt(`guess ${guess}`)).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
    const throttled = await attempt(victim.password);
    expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '300']);
    await portal.database.owner`update login_failure set failed_at = now() - interval '6 minutes'`;
    expect((await attempt(victim.password)).status).toBe(200);
  });

  it('streams what was logged after a watermark, once, and ends with the session', async () => {
    const person = await portal.addUser('streamer');
    await execute(person, [{ code: 'before', at: Date.now() }]);
    const response = await person.get('/api/live', { 'last-event-id': '0' });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    const until = async (pattern: RegExp) => {
      while (!pattern.test(text)) {
        const { done, value } = await reader.read();
        if (done) return false;
        text += new TextDecoder().decode(value);
      }
      return true;
    };
    expect(await until(/id: 1\nevent: activity\ndata: .*before/)).toBe(true);
    await execute(person, [{ code: 'after', at: Date.now() }]);
    expect(await until(/id: 2\nevent: activity\ndata: .*after/)).toBe(true);
    expect(text.match(/event: activity/g)).toHaveLength(2);
    await fetch(`${portal.url}/api/session`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${person.token}` },
    });
    expect(await until(/never/)).toBe(false);
  });

  it('promises no token and no stream beyond the end of the session', async () => {
    const person = await portal.addUser('short');
    await portal.database.owner`
      update session set expires_at = now() + interval '1 second'
      where user_id = (select id from users where username = 'short')`;
    const stream = await person.get('/api/live');
    expect(await stream.text()).toContain(': open');
    expect((await person.get('/api/me')).status).toBe(401);
  });

  it('describes itself, and says when it is not ready', async () => {
    const description = (await (await fetch(`${portal.url}/api/openapi.json`)).json()) as {
      openapi: string;
      paths: object;
    };
    expect(description.openapi).toBe('3.1.0');
    expect(Object.keys(description.paths)).toEqual(
      expect.arrayContaining(['/api/login', '/api/dashboard', '/api/activity/search', '/api/admin/system-stats']),
    );
    expect((await fetch(`${portal.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${portal.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: 'not-ready', checks: { database: 'ok', hub: 'failed' } },
    ]);
    expect(await (await fetch(`${portal.url}/metrics`)).text()).toContain('shaparak_observations_total');
    expect(await (await fetch(`${portal.url}/problems/token-missing`)).text()).toContain('# token-missing');
    expect((await sara.get('/api/lab')).status).toBe(503);
  });

  it('answers a person without any execution with zeros and nulls', async () => {
    const fresh = await portal.addUser('fresh');
    const { stats } = await read<api.Dashboard>(fresh, '/api/dashboard', api.Dashboard);
    expect(stats).toMatchObject({
      total_executions: 0,
      success_rate: 0,
      avg_execution_time_ms: null,
      last_execution: null,
      today_executions: 0,
    });
  });
});
