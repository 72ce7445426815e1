/** What the REST interface does to kernels reaches the wire sensor, and the browser gets the server's answer as it was. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LabHost } from '../../../test/lab-host.js';

const id = '11111111-2222-4333-8444-555555555555';
const other = '99999999-2222-4333-8444-555555555555';
const owner = expect.objectContaining({ userId: 7, username: 'ann' });
const kernelModel = { id, name: 'python3', execution_state: 'starting', connections: 0 };
const sessionModel = { id: other, path: 'دفتر.ipynb', name: '', type: 'notebook', kernel: kernelModel };

let host: LabHost;
beforeEach(async () => {
  host = await LabHost.open();
  await host.startServer();
});
afterEach(() => host.close());

/** The server gives this answer, with headers of its own and as it likes to write JSON. */
function serverAnswers(status: number, model: unknown): string {
  const body = model === null ? '' : `  ${JSON.stringify(model, null, 2)}\n`;
  host.answerAs = (_request, response) => {
    const headers = { 'content-type': 'application/json', location: `/user/ann/api/kernels/${id}`, 'x-own': 'yes' };
    response.writeHead(status, headers);
    response.end(body);
  };
  return body;
}

const ask = (method: string, path: string, body?: unknown) =>
  host.ask(`/user/ann/api/${path}`, {
    method,
    headers: { origin: host.url, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

interface Case {
  name: string;
  request: [method: string, path: string, body?: unknown];
  answer: [status: number, model: unknown];
  told: unknown[][];
  /** told also where the server then refuses */
  toldAnyway?: unknown[][];
}

const cases: Case[] = [
  {
    name: 'a kernel that starts',
    request: ['POST', 'kernels', { name: 'python3' }],
    answer: [201, kernelModel],
    told: [['answered', owner, kernelModel, true]],
  },
  {
    name: 'a session with a new kernel',
    request: ['POST', 'sessions', { path: 'دفتر.ipynb', type: 'notebook', name: '', kernel: { name: 'python3' } }],
    answer: [201, sessionModel],
    told: [['answered', owner, sessionModel, true]],
  },
  {
    name: 'a session for a kernel that runs already',
    request: ['POST', 'sessions', { path: 'b.ipynb', type: 'notebook', name: '', kernel: { id, name: 'python3' } }],
    answer: [201, sessionModel],
    told: [['answered', owner, sessionModel, false]],
  },
  {
    name: 'a notebook that gets another name',
    request: ['PATCH', `sessions/${other}`, { path: 'دفتر.ipynb' }],
    answer: [200, sessionModel],
    told: [['answered', owner, sessionModel, false]],
  },
  {
    name: 'a session that gets another kernel',
    request: ['PATCH', `sessions/${other}`, { kernel: { name: 'python3' } }],
    answer: [200, sessionModel],
    told: [['answered', owner, sessionModel, true]],
  },
  {
    name: 'a kernel that is ended',
    request: ['DELETE', `kernels/${id}`],
    answer: [204, null],
    told: [['ended', owner, id]],
  },
  {
    name: 'a session that is ended',
    request: ['DELETE', `sessions/${other}`],
    answer: [204, null],
    told: [['sessionEnded', owner, other]],
  },
  {
    name: 'a restart',
    request: ['POST', `kernels/${id}/restart`],
    answer: [200, kernelModel],
    told: [
      ['interrupted', owner, id],
      ['restarted', owner, id],
    ],
    toldAnyway: [['interrupted', owner, id]],
  },
  {
    name: 'an interrupt',
    request: ['POST', `kernels/${id}/interrupt`],
    answer: [204, null],
    told: [['interrupted', owner, id]],
    toldAnyway: [['interrupted', owner, id]],
  },
];

describe('the wire is told of', () => {
  it.each(cases)('$name, and the browser has its answer', async ({ request, answer, told }) => {
    const body = serverAnswers(...answer);
    const got = await ask(...request);
    expect(host.told).toEqual(told);
    expect([got.status, got.body]).toEqual([answer[0], body]);
    expect(got.headers).toMatchObject({ 'x-own': 'yes', location: `/user/ann/api/kernels/${id}` });
    if (answer[0] !== 204) expect(got.headers['content-length']).toBe(String(Buffer.byteLength(body)));
  });

  it.each(cases)(
    'no more than what was asked of $name that the server refuses',
    async ({ request, toldAnyway = [] }) => {
      for (const status of [300, 404, 500]) {
        host.told.length = 0;
        const body = serverAnswers(status, { message: 'نشد' });
        const got = await ask(...request);
        expect([got.status, got.body]).toEqual([status, body]);
        expect(host.told).toEqual(toldAnyway);
      }
    },
  );

  it('nothing by what only reads', async () => {
    serverAnswers(200, [kernelModel]);
    for (const path of ['kernels', `kernels/${id}`, 'sessions', `sessions/${other}`, 'kernelspecs'])
      await ask('GET', path);
    expect(host.told).toEqual([]);
  });

  it('nothing by what the gateway refuses', async () => {
    await ask('POST', 'kernels', { name: 'no such kernel' });
    await host.ask('/user/ann/api/kernels', { method: 'POST', body: '{"name":"python3"}' });
    await host.ask(`/user/bob/api/kernels/${id}`, { method: 'DELETE', headers: { origin: host.url } });
    expect([host.told, host.seen]).toEqual([[], []]);
  });

  it('an answer that is no JSON as of nothing known', async () => {
    host.answerAs = (_request, response) => response.end('<html>');
    expect((await ask('POST', 'kernels', { name: 'python3' })).body).toBe('<html>');
    expect(host.told).toEqual([['answered', owner, null, true]]);
  });

  it('nothing where the server breaks off in its answer', async () => {
    host.answerAs = (_request, response) => {
      response.writeHead(201, { 'content-length': '1000' });
      response.write('{"id":');
      setImmediate(() => response.destroy());
    };
    expect((await ask('POST', 'kernels', { name: 'python3' })).status).toBeGreaterThanOrEqual(500);
    expect(host.told).toEqual([]);
  });
});
