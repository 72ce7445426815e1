import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../test/hub-double.js';
import { LabHost } from '../../test/lab-host.js';

const kernel = '11111111-2222-4333-8444-555555555555';
const channels = `/user/ann/api/kernels/${kernel}/channels?session_id=${kernel}`;
const page = { accept: 'text/html', 'sec-fetch-mode': 'navigate' };

let host: LabHost;
beforeEach(async () => {
  host = await LabHost.open();
});
afterEach(() => host.close());

describe('tickets', () => {
  const hand = (ticket: string, headers: Record<string, string | undefined> = {}) =>
    host.ask('/ticket', {
      method: 'POST',
      cookie: null,
      headers: { origin: host.publicUrl, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({ ticket }).toString(),
    });

  test('a ticket opens the lab once', async () => {
    const { ticket, action } = await host.issueTicket();
    expect(action).toBe(`${host.url}/ticket`);
    const first = await hand(ticket);
    expect(first).toMatchObject({ status: 303, headers: { location: '/user/ann/lab', 'cache-control': 'no-store' } });
    const cookie = first.headers['set-cookie']?.[0] ?? '';
    expect(cookie).toMatch(/^__shaparak_lab=.*; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
    await host.startServer();
    expect((await host.ask('/user/ann/lab', { cookie: cookie.split(';')[0] ?? '' })).status).toBe(200);
    const second = await hand(ticket);
    expect(second.status).toBe(401);
    expect(second.headers['set-cookie']).toBeUndefined();
    await until(() => host.audit.length === 1, 'audit event');
    expect(host.audit[0]).toMatchObject({ action: 'ticket-refused', outcome: 'refused', detail: { reason: 'used' } });
  });

  test('an expired ticket, a foreign key, another audience and rubbish are refused', async () => {
    const old = await host.issueTicket(undefined, new Date(Date.now() - 31_000));
    expect((await hand(old.ticket)).status).toBe(401);
    const own = host.keys;
    Object.assign(host, { keys: generateKeyPairSync('ed25519') });
    const foreign = await host.issueTicket();
    Object.assign(host, { keys: own });
    expect((await hand(foreign.ticket)).status).toBe(401);
    const otherAudience = await new SignJWT({ uid: 7, sid: host.session })
      .setProtectedHeader({ alg: 'EdDSA' })
      .setSubject('ann')
      .setAudience('intake')
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('30s')
      .sign(host.keys.privateKey);
    expect((await hand(otherAudience)).status).toBe(401);
    const cookie = (await host.cookie()).split('=')[1] ?? '';
    for (const rubbish of ['', 'x', 'a.b.c', cookie]) expect((await hand(rubbish)).status).toBe(401);
  });

  test('a ticket of an ended session, or of another user than the session has, opens nothing', async () => {
    const ended = await host.issueTicket({ userId: 7, username: 'ann', sessionId: randomUUID() });
    expect((await hand(ended.ticket)).status).toBe(401);
    const other = await host.issueTicket({ userId: 8, username: 'bob', sessionId: host.session });
    expect((await hand(other.ticket)).status).toBe(401);
  });

  test('only the portal’s page may hand one in; a client without a browser may too', async () => {
    for (const origin of ['null', host.url, 'http://evil.test'])
      expect((await hand((await host.issueTicket()).ticket, { origin })).status).toBe(403);
    expect((await hand((await host.issueTicket()).ticket, { origin: undefined })).status).toBe(303);
  });

  test('a large body and another method are told so', async () => {
    expect((await hand('x'.repeat(20_000))).status).toBe(413);
    expect((await host.ask('/ticket')).status).toBe(405);
  });

  test('while the database is away the ticket is not spent', async () => {
    const { ticket } = await host.issueTicket();
    host.databaseAway = true;
    expect((await hand(ticket)).status).toBe(503);
    host.databaseAway = false;
    expect((await hand(ticket)).status).toBe(303);
  });
});

describe('what reaches the user’s server', () => {
  test('the user’s token in the place of cookies, credentials and forwarding claims', async () => {
    await host.startServer();
    const headers = {
      authorization: 'token stolen',
      'x-forwarded-for': '10.0.0.1',
      forwarded: 'for=10.0.0.1',
      'x-real-ip': '10.0.0.1',
    };
    expect((await host.ask('/user/ann/api/status', { headers })).status).toBe(200);
    const [seen] = host.seen;
    expect(seen?.headers.authorization).toBe('token hub-token-ann-1');
    for (const name of ['cookie', 'x-forwarded-for', 'forwarded', 'x-real-ip'])
      expect(seen?.headers[name]).toBeUndefined();
    await host.ask('/user/ann/api/me');
    expect(host.hub.tokensIssued).toBe(1);
  });

  test('a WebSocket without compression, and its bytes both ways', async () => {
    await host.startServer();
    const { status, socket } = await host.upgrade(channels);
    expect(status).toBe(101);
    const [seen] = host.seen;
    expect(seen?.headers['sec-websocket-extensions']).toBeUndefined();
    expect(seen?.headers.cookie).toBeUndefined();
    expect(seen?.headers.authorization).toBe('token hub-token-ann-1');
    socket?.write('ping');
    expect(String((await once(socket ?? process, 'data'))[0])).toBe('ping');
    socket?.destroy();
    await until(() => host.gateway.openCount() === 0, 'socket closed');
  });

  test('bodies that start kernels as they were checked, all others untouched', async () => {
    await host.startServer();
    const post = (path: string, body: string, origin: string | undefined = host.url) =>
      host.ask(path, { method: 'POST', body, headers: { origin, 'content-type': 'application/json' } });
    expect((await post('/user/ann/api/kernels', '{"name":"x","name":"python3"}')).status).toBe(200);
    expect(host.seen.at(-1)?.body).toBe('{"name":"python3"}');
    expect(host.seen.at(-1)?.headers['content-length']).toBe('18');
    expect((await post('/user/ann/api/kernels', '{"name":"python3","path":".."}')).status).toBe(422);
    expect((await post('/user/ann/api/kernels', '{"name":"python3","env":{}}')).status).toBe(422);
    expect((await post('/user/ann/api/kernels', 'x')).status).toBe(400);
    expect((await post('/user/ann/api/sessions', `{"path":"${'a'.repeat(70_000)}"}`)).status).toBe(413);
    expect(host.seen.length).toBe(1);
    const large = 'x'.repeat(3_000_000);
    const put = { method: 'PUT', body: large, headers: { origin: host.url } };
    expect((await host.ask('/user/ann/api/contents/a.ipynb', put)).status).toBe(200);
    expect(host.seen.at(-1)?.body).toBe(large);
  });

  test('nothing changes without the lab’s own origin', async () => {
    await host.startServer();
    for (const origin of [undefined, 'null', host.publicUrl, 'http://127.0.0.1:1', `${host.url}.evil.test`]) {
      const put = await host.ask('/user/ann/api/contents/a', { method: 'PUT', body: '{}', headers: { origin } });
      expect(put.status).toBe(403);
      expect((await host.upgrade(channels, { headers: { origin } })).status).toBe(403);
    }
    expect(host.seen).toEqual([]);
    expect((await host.ask('/user/ann/api/status', { headers: { origin: 'http://evil.test' } })).status).toBe(200);
  });
});

describe('what reaches the browser', () => {
  test('no cookie of the server, and no Hub token in a page', async () => {
    await host.startServer();
    const api = await host.ask('/user/ann/api/status');
    expect(api.headers['set-cookie']).toBeUndefined();
    expect(api.headers['clear-site-data']).toBeUndefined();
    expect(api.headers['x-content-type-options']).toBe('nosniff');
    const lab = await host.ask('/user/ann/lab', { headers: { 'accept-encoding': 'gzip' } });
    expect(lab).toMatchObject({ status: 200, body: '{"page_config_token":""}' });
    expect(host.seen.at(-1)?.headers['accept-encoding']).toBe('identity');
  });

  test('refused routes: a page for a person, a problem for a program, an audit event for both', async () => {
    await host.startServer();
    const person = await host.ask('/user/ann/files/secret.csv?download=1', { headers: page });
    expect(person.status).toBe(403);
    expect(person.headers['content-type']).toContain('text/html');
    expect(person.headers['content-security-policy']).toContain("default-src 'none'");
    expect(person.body).toContain('این مسیر بسته است');
    expect(person.body).toContain(`${host.publicUrl}/portal`);
    const program = await host.ask('/user/ann/api/terminals');
    expect(program.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(program.body)).toMatchObject({
      code: 'route-refused',
      status: 403,
      type: '/problems/route-refused',
    });
    expect((await host.upgrade('/user/ann/terminals/websocket/1')).status).toBe(403);
    await until(() => host.audit.length === 3, 'audit events');
    expect(host.audit[0]).toMatchObject({
      actorUserId: 7,
      actorName: 'ann',
      action: 'route-refused',
      subject: 'GET /user/ann/files/secret.csv',
      detail: { reason: 'route' },
    });
    expect(host.audit[2]?.subject).toBe('WebSocket /user/ann/terminals/websocket/1');
    expect(host.seen).toEqual([]);
  });

  test('another user’s lab is refused, whoever runs it', async () => {
    await host.startServer('bob');
    const answer = await host.ask('/user/bob/lab', { headers: page });
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('کاربر دیگری');
    expect((await host.upgrade(channels.replace('ann', 'bob'))).status).toBe(403);
    expect(host.seen).toEqual([]);
    await until(() => host.audit.length === 2, 'audit events');
    expect(host.audit[0]?.action).toBe('lab-not-yours');
  });

  test('below "/" the Hub is registered, and stays unreachable', async () => {
    await host.addRoute('/', `http+unix://${encodeURIComponent(host.hub.socket)}:80`);
    host.hub.user('ann', 'none');
    const before = host.hub.calls.length;
    expect((await host.ask('/hub/home')).status).toBe(403);
    expect((await host.ask('/user/ann/lab')).status).toBe(409);
    expect(host.hub.calls.slice(before)).toEqual(['GET /users/ann']);
  });

  test('nobody: a page with the way to the portal, 401 for programs', async () => {
    for (const cookie of [null, '__shaparak_lab=x', `${await host.cookie(randomUUID())}`]) {
      const answer = await host.ask('/user/ann/lab', { cookie, headers: page });
      expect(answer.status).toBe(401);
      expect(answer.body).toContain('اول وارد شوید');
      expect((await host.upgrade(channels, { cookie })).status).toBe(401);
    }
    const doubled = `${await host.cookie()}; ${await host.cookie()}`;
    expect((await host.ask('/user/ann/api/status', { cookie: doubled })).status).toBe(401);
  });

  test('its own addresses', async () => {
    expect(JSON.parse((await host.ask('/healthz', { cookie: null })).body)).toEqual({ status: 'ok' });
    for (const path of ['/', '/user/ann', '/user/ann/'])
      expect(await host.ask(path)).toMatchObject({ status: 303, headers: { location: '/user/ann/lab' } });
    const capture = await host.ask(`/capture/${kernel}`);
    expect(JSON.parse(capture.body)).toEqual({
      kernel_id: kernel,
      username: 'ann',
      reporting: true,
      instance: 'i-1111',
      reason: null,
    });
    expect((await host.ask('/capture/x')).status).toBe(404);
    host.databaseAway = true;
    expect(JSON.parse((await host.ask(`/capture/${kernel}`)).body)).toMatchObject({
      reporting: false,
      reason: 'intake-unavailable',
    });
  });
});

describe('when something is not there', () => {
  test('starting, then off, as the Hub says', async () => {
    host.hub.user('ann', 'starting', new Date(Date.now() - 1500).toISOString());
    const starting = await host.ask('/user/ann/lab', { headers: page });
    expect(starting).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(starting.body).toContain('در حال راه‌اندازی');
    expect(JSON.parse((await host.ask('/lab-state')).body)).toMatchObject({ state: 'starting' });
    host.hub.user('ann', 'none');
    const off = await host.ask('/user/ann/lab', { headers: page });
    expect(off.status).toBe(409);
    expect(off.body).toContain('JupyterLab روشن نیست');
    expect((await host.upgrade(channels)).status).toBe(409);
  });

  test('the Hub away: known servers go on, unknown ones say so', async () => {
    await host.startServer();
    expect((await host.ask('/user/ann/api/status')).status).toBe(200);
    await host.hub.leave();
    expect((await host.ask('/user/ann/api/status')).status).toBe(200);
    host.sessions.set('s2', { userId: 8, username: 'bob' });
    const bob = await host.ask('/user/bob/lab', { cookie: await host.cookie('s2', 'bob', 8), headers: page });
    expect(bob.status).toBe(503);
    expect(bob.body).toContain('JupyterHub پاسخ نمی‌دهد');
  });

  test('a dead server, also one that breaks off', async () => {
    await host.startServer();
    host.answerAs = (request) => request.socket.destroy();
    expect((await host.ask('/user/ann/api/status')).status).toBe(503);
    expect((await host.ask('/user/ann/lab', { headers: page })).body).toContain('پاسخ نمی‌دهد');
    await host.stopServer();
    expect((await host.ask('/user/ann/lab', { headers: page })).status).toBe(503);
    expect((await host.upgrade(channels)).status).toBe(503);
    expect((await host.ask('/healthz')).status).toBe(200);
  });

  test('clients that reset in the middle of anything end nothing but themselves', async () => {
    await host.startServer();
    host.answerAs = (_request, response) => void response.writeHead(200).write('x'.repeat(1000));
    const cookie = await host.cookie();
    for (const head of [
      `GET /user/ann/api/status HTTP/1.1\r\nhost: x\r\ncookie: ${cookie}\r\n\r\n`,
      `PUT /user/ann/api/contents/a HTTP/1.1\r\nhost: x\r\norigin: ${host.url}\r\ncontent-length: 9999\r\ncookie: ${cookie}\r\n\r\nx`,
      `GET ${channels} HTTP/1.1\r\nhost: x\r\norigin: ${host.url}\r\nconnection: upgrade\r\nupgrade: websocket\r\ncookie: ${cookie}\r\n\r\n`,
      'rubbish\r\n\r\n',
    ]) {
      const before = host.seen.length;
      const socket = connect(host.gateway.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(head);
      if (head.startsWith('GET')) await until(() => host.seen.length > before, 'request arrived');
      socket.resetAndDestroy();
    }
    await until(() => host.gateway.openCount() === 0, 'all closed');
    host.answerAs = null;
    expect((await host.ask('/user/ann/api/status')).status).toBe(200);
  });

  test('a server that no longer knows the token gets a fresh one, but not for each 403', async () => {
    await host.startServer();
    host.answerAs = (_request, response) => response.writeHead(403).end();
    await host.ask('/user/ann/api/status');
    await host.ask('/user/ann/api/status');
    expect(host.hub.tokensIssued).toBe(1);
  });

  test('without a token from the Hub nothing is forwarded', async () => {
    await host.startServer();
    host.hub.tokenFailure = true;
    expect((await host.ask('/user/ann/api/status')).status).toBe(503);
    expect(host.seen).toEqual([]);
    host.hub.tokenFailure = false;
    expect((await host.ask('/user/ann/api/status')).status).toBe(200);
  });
});

describe('the end of a session', () => {
  test('closes its sockets and answers, and only its own', async () => {
    await host.startServer();
    host.sessions.set('s2', { userId: 7, username: 'ann' });
    const mine = await host.upgrade(channels);
    const events = await host.upgrade('/user/ann/api/events/subscribe');
    const other = await host.upgrade(channels, { cookie: await host.cookie('s2') });
    expect(host.gateway.openCount()).toBe(3);
    const closed = Promise.all([once(mine.socket ?? process, 'close'), once(events.socket ?? process, 'close')]);
    host.gateway.sessions.end(host.session);
    await closed;
    await until(() => host.gateway.openCount() === 1 && host.upstreamSockets.size === 1, 'upstream closed');
    expect((await host.ask('/user/ann/api/status')).status).toBe(401);
    expect(other.socket?.destroyed).toBe(false);
    other.socket?.destroy();
    await until(() => host.gateway.openCount() === 0, 'all closed');
  });

  test('is found by the check where the bell was missed', async () => {
    await host.startServer();
    const { socket } = await host.upgrade(channels);
    host.sessions.delete(host.session);
    const closed = once(socket ?? process, 'close');
    await host.gateway.sessions.check();
    await closed;
  });

  test('is not assumed while the database is away', async () => {
    await host.startServer();
    const { socket } = await host.upgrade(channels);
    host.databaseAway = true;
    await host.gateway.sessions.check();
    expect(socket?.destroyed).toBe(false);
    expect((await host.ask('/user/ann/api/status')).status).toBe(200);
    host.sessions.set('s2', { userId: 7, username: 'ann' });
    expect((await host.ask('/user/ann/api/status', { cookie: await host.cookie('s2') })).status).toBe(503);
    socket?.destroy();
  });
});

describe('routes and restarts', () => {
  test('an empty table is filled by asking the Hub, also when the Hub comes later', async () => {
    await host.hub.leave();
    const target = await host.startServer();
    await host.stopServer();
    await host.gateway.close();
    host.hub.onProxyCheck = () => host.addRoute('/user/ann/', `http+unix://${encodeURIComponent(target)}:80`);
    await host.openGateway();
    host.hub.calls.length = 0;
    await host.hub.listen();
    await until(() => host.hub.calls.includes('POST /proxy'), 'the Hub was asked, though nobody wanted a page');
    await until(async () => (await host.ask('/user/ann/api/status')).status === 503, 'route is there');
    await host.startServer();
    expect((await host.ask('/user/ann/api/status')).status).toBe(200);
  });

  test('closing ends WebSockets at once and lets an answer finish', async () => {
    await host.startServer();
    const { socket } = await host.upgrade(channels);
    let finish = () => {};
    host.answerAs = (_request, response) => {
      response.writeHead(200).write('a');
      finish = () => response.end('b');
    };
    const slow = host.ask('/user/ann/api/status');
    await until(() => host.seen.length === 2, 'request arrived');
    const gone = once(socket ?? process, 'close');
    const closed = host.gateway.close();
    await gone;
    finish();
    expect((await slow).body).toBe('ab');
    await closed;
    await host.openGateway();
  });
});
