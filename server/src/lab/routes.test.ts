import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HubDouble, until } from '../../test/hub-double.js';
import type { AuditEvent } from '../audit/index.js';
import { createHttp, type Http } from '../platform/http.js';
import { createHubClient } from './hub-client.js';
import { createLab, type Lab } from './lab.js';
import { labRoutes } from './routes.js';
import { createTicketIssuer } from './ticket.js';

const labUrl = 'http://127.0.0.1:8002';
const actor = { userId: 7, username: 'ann', role: 'analyst' as const, sessionId: 's1' };
let hub: HubDouble;
let lab: Lab;
let http: Http;
let audit: AuditEvent[];

beforeEach(async () => {
  hub = new HubDouble();
  await hub.listen();
  audit = [];
  lab = createLab({
    hub: createHubClient({ socket: hub.socket, token: 'service-token' }),
    openCaptureSocket: async () => '/run/capture',
    clock: { now: () => new Date() },
    log: { warn: () => {} },
    protections: ['uid'],
  });
  http = createHttp({ log: pino({ level: 'silent' }), corsOrigins: null, labUrl, publicUrl: 'http://localhost:8001' });
  const asAnn = async (request: { actor: typeof actor | null }) => {
    request.actor = actor;
  };
  const privateKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  labRoutes(
    http,
    {
      lab,
      issueTicket: createTicketIssuer({ privateKey, labUrl, clock: { now: () => new Date() } }),
      recordAuditEvent: async (event) => void audit.push(event),
    },
    { requireActor: asAnn, requireAdministrator: asAnn } as Parameters<typeof labRoutes>[2],
  );
});
afterEach(async () => {
  lab.close();
  await http.close();
  await hub.close();
});

const ask = (method: 'GET' | 'POST', url: string) => http.inject({ method, url });

test('start and stop answer 202 with the state, and are in the audit trail', async () => {
  expect((await ask('GET', '/api/lab')).json()).toMatchObject({ state: 'off', protections: ['uid'] });
  const started = await ask('POST', '/api/lab/start');
  expect([started.statusCode, started.json().state, started.json().step]).toEqual([202, 'starting', 'queued']);
  await until(() => hub.starts.length > 0, 'the Hub was asked');
  const stopped = await ask('POST', '/api/lab/stop');
  expect([stopped.statusCode, stopped.json().state]).toEqual([202, 'stopping']);
  expect(audit.map(({ action, actorName }) => `${actorName} ${action}`)).toEqual(['ann lab-start', 'ann lab-stop']);
});

test('a ticket is for this user and session, 30 seconds, and only for a lab that is there', async () => {
  const off = await ask('POST', '/api/lab/ticket');
  expect([off.statusCode, off.json().code]).toEqual([409, 'lab-not-running']);
  hub.user('ann', 'ready');
  const { action, ticket } = (await ask('POST', '/api/lab/ticket')).json();
  expect(action).toBe('http://127.0.0.1:8002/ticket');
  expect(decodeProtectedHeader(ticket).alg).toBe('EdDSA');
  const claims = decodeJwt(ticket);
  expect(claims).toMatchObject({ sub: 'ann', sid: 's1', uid: 7, aud: 'lab' });
  expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(30);
  expect(claims.jti).toMatch(/^[0-9a-f-]{36}$/);
});

test('without the Hub: a problem that says so, but the way into a running lab stays open', async () => {
  await hub.leave();
  for (const [method, url] of [
    ['GET', '/api/lab'],
    ['POST', '/api/lab/start'],
    ['POST', '/api/lab/stop'],
  ] as const) {
    const answer = await ask(method, url);
    expect([answer.statusCode, answer.json().code, answer.headers['retry-after']]).toEqual([
      503,
      'lab-unavailable',
      '2',
    ]);
  }
  expect((await ask('POST', '/api/lab/ticket')).statusCode).toBe(200);
});
