/** GET /api/lab, POST /api/lab/start, POST /api/lab/stop, POST /api/lab/ticket: each about the caller's own lab only. */
import { api } from '@shaparak/contract';
import type { FastifyRequest } from 'fastify';
import type { AuditEvent } from '../audit/index.js';
import { type Actor, actorOf, type Guards } from '../identity/index.js';
import type { Http } from '../platform/http.js';
import { problem } from '../platform/problems.js';
import { HubUnavailable } from './hub-client.js';
import { HubRefused } from './hub-user.js';
import type { Lab } from './lab.js';
import type { IssueTicket } from './ticket.js';

interface LabRouteDeps {
  lab: Lab;
  issueTicket: IssueTicket;
  recordAuditEvent(event: AuditEvent): Promise<void>;
}

export function labRoutes(http: Http, deps: LabRouteDeps, guards: Guards): void {
  const { lab } = deps;
  const schema = (summary: string, status: 200 | 202 = 200) => ({
    tags: ['lab'],
    summary,
    response: { [status]: api.LabState },
  });
  const record = (request: FastifyRequest, actor: Actor, action: string) =>
    deps.recordAuditEvent({
      actorUserId: actor.userId,
      actorName: actor.username,
      action,
      subject: actor.username,
      outcome: 'allowed',
      address: request.ip,
      detail: {},
    });

  http.get(
    '/api/lab',
    { preHandler: guards.requireActor, schema: schema('State of your JupyterLab') },
    async (request) => orUnavailable(lab.state(actorOf(request))),
  );

  http.post(
    '/api/lab/start',
    { preHandler: guards.requireActor, schema: schema('Start your JupyterLab', 202) },
    async (request, reply) => {
      const actor = actorOf(request);
      const state = await orUnavailable(lab.start(actor));
      await record(request, actor, 'lab-start');
      return reply.code(202).send(state);
    },
  );

  http.post(
    '/api/lab/stop',
    { preHandler: guards.requireActor, schema: schema('Stop your JupyterLab, or give its start up', 202) },
    async (request, reply) => {
      const actor = actorOf(request);
      const state = await orUnavailable(lab.stop(actor));
      await record(request, actor, 'lab-stop');
      return reply.code(202).send(state);
    },
  );

  http.post(
    '/api/lab/ticket',
    {
      preHandler: guards.requireActor,
      schema: {
        tags: ['lab'],
        summary: 'A one-time ticket that opens your JupyterLab',
        response: { 200: api.LabTicket },
      },
    },
    async (request) => {
      const actor = actorOf(request);
      if (!(await mayOpen(lab, actor))) throw problem('lab-not-running');
      return deps.issueTicket(actor);
    },
  );
}

/** A lab that runs can be opened while the Hub is away: the gateway knows the way. */
async function mayOpen(lab: Lab, actor: Actor): Promise<boolean> {
  try {
    const { state } = await lab.state(actor);
    return state === 'running' || state === 'starting';
  } catch (error) {
    if (isHubTrouble(error)) return true;
    throw error;
  }
}

const isHubTrouble = (error: unknown) => error instanceof HubUnavailable || error instanceof HubRefused;

async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isHubTrouble(error)) throw problem('lab-unavailable', { retryAfter: 2, cause: error });
    throw error;
  }
}
