/** What the lab's host answers itself: tickets, the way in, the state of a start, the banner's question, its own health. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { capture } from '@shaparak/contract';
import type { Config } from '../config.js';
import { type HubClient, readHubUser } from '../lab/index.js';
import { noteRefusal } from './lab-traffic.js';
import { type Answers, commonHeaders } from './refusals/refusal-answers.js';
import type { Refusals } from './refusals/refusals.js';
import { readBody } from './request-body.js';
import { comesFromPortal } from './sessions/admission.js';
import type { Caller, SessionCookie } from './sessions/session-cookie.js';
import type { TicketDesk } from './sessions/ticket-desk.js';

type CaptureStatus = capture.CaptureStatus;

const kernelIdText = /^[0-9a-f-]{36}$/;

export interface OwnRouteDeps {
  config: Pick<Config, 'publicUrl'>;
  hub: HubClient;
  captureStatus(userId: number, kernelId: string): Promise<Pick<CaptureStatus, 'reporting' | 'instance' | 'reason'>>;
  answers: Answers;
  cookie: SessionCookie;
  desk: TicketDesk;
  refusals: Refusals;
}

/** `open` needs no caller, `private` does; each says whether it answered. */
export function createOwnRoutes(deps: OwnRouteDeps) {
  const { answers } = deps;
  const takeTicket = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'POST') return answers.send(request, response, 'method-refused');
    const refuse = (name: 'origin-refused' | 'ticket-refused', reason: string) => {
      noteRefusal(deps.refusals, request, null, name, reason);
      answers.send(request, response, name);
    };
    if (!comesFromPortal(request, deps.config.publicUrl)) return refuse('origin-refused', 'origin');
    const body = await readBody(request, 8192);
    if (body.kind !== 'text') return answers.send(request, response, 'body-too-large');
    const outcome = await deps.desk.take(new URLSearchParams(body.text).get('ticket') ?? '');
    if (outcome.kind === 'database-away') return answers.send(request, response, 'database-away');
    if (outcome.kind === 'refused') return refuse('ticket-refused', outcome.reason);
    const location = `/user/${outcome.caller.username}/lab`;
    const setCookie = await deps.cookie.issue(outcome.caller);
    response.writeHead(303, { ...commonHeaders, location, 'set-cookie': setCookie, 'content-length': 0 }).end();
  };

  return {
    async open(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
      const path = (request.url ?? '').split('?', 1)[0];
      if (path === '/healthz') sendJson(request, response, { status: 'ok' });
      else if (path === '/ticket') await takeTicket(request, response);
      else if (path === '/favicon.ico') response.writeHead(204, commonHeaders).end();
      else return false;
      return true;
    },
    async private(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<boolean> {
      if (request.method !== 'GET' && request.method !== 'HEAD') return false;
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      const home = `/user/${caller.username}`;
      if (path === '/' || path === home || path === `${home}/`)
        response.writeHead(303, { ...commonHeaders, location: `${home}/lab`, 'content-length': 0 }).end();
      else if (path === '/lab-state') sendJson(request, response, await labState(deps.hub, caller));
      else if (path.startsWith('/capture/'))
        await sendCapture(request, response, caller, path.slice('/capture/'.length));
      else return false;
      return true;
    },
  };

  async function sendCapture(request: IncomingMessage, response: ServerResponse, caller: Caller, kernelId: string) {
    if (!kernelIdText.test(kernelId)) return answers.send(request, response, 'not-found');
    sendJson(request, response, await capturedOrAway(deps, caller, kernelId));
  }
}

/** The banner asks this often and shows the reason; it must never be an error. */
async function capturedOrAway(
  { captureStatus }: OwnRouteDeps,
  caller: Caller,
  kernelId: string,
): Promise<CaptureStatus> {
  const { userId, username } = caller;
  try {
    return { kernel_id: kernelId, username, ...(await captureStatus(userId, kernelId)) };
  } catch {
    return { kernel_id: kernelId, username, reporting: false, instance: null, reason: 'intake-unavailable' };
  }
}

/** For the page that waits for a start. */
async function labState(hub: HubClient, { username }: Caller): Promise<{ state: string; elapsed_ms: number | null }> {
  try {
    const { phase, startedAt } = await readHubUser(hub, username);
    const elapsed = phase === 'starting' && startedAt !== null ? Math.max(0, Date.now() - startedAt.getTime()) : null;
    return { state: phase === 'ready' ? 'running' : phase, elapsed_ms: elapsed };
  } catch {
    return { state: 'starting', elapsed_ms: null }; // the Hub is away for a moment: keep waiting
  }
}

function sendJson(request: IncomingMessage, response: ServerResponse, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(200, {
    ...commonHeaders,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
