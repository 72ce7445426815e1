/** Requests below /user/<name>/: decided, given the user's own Hub token, and forwarded. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { type HubClient, HubUnavailable, readHubUser } from '../lab/index.js';
import type { CarryKernelChannel } from './kernels/kernel-channels.js';
import type { KernelSpecs } from './kernels/kernel-specs.js';
import { followKernel, type KernelWatch } from './kernels/kernel-watch.js';
import { checkBody, largestBody } from './kernels/start-bodies.js';
import type { Forwarding, LabProxy } from './lab-proxy.js';
import type { AnswerName, Answers } from './refusals/refusal-answers.js';
import type { Refusals } from './refusals/refusals.js';
import { readBody } from './request-body.js';
import type { RouteTable } from './route-table.js';
import { decideRoute, type LabRoute } from './routes.js';
import { comesFromLab, onlyReads } from './sessions/admission.js';
import type { HubTokens } from './sessions/hub-tokens.js';
import type { LiveSessions } from './sessions/live-sessions.js';
import type { OpenWork } from './sessions/open-work.js';
import type { Caller } from './sessions/session-cookie.js';

export interface LabTrafficDeps {
  labUrl(): string;
  answers: Answers;
  carryKernelChannel: CarryKernelChannel;
  hub: HubClient;
  kernelSpecs: KernelSpecs;
  kernelWatch: KernelWatch;
  log: Logger;
  openWork: OpenWork;
  proxy: LabProxy;
  refusals: Refusals;
  routeTable: RouteTable;
  sessions: Pick<LiveSessions, 'hasEnded'>;
  tokens: HubTokens;
}

export interface LabTraffic {
  handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void>;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, caller: Caller): Promise<void>;
}

type Passed = { kind: 'passed'; route: LabRoute } | { kind: 'stopped'; answer: AnswerName };
type Ready = { kind: 'ready'; target: string; token: string } | { kind: 'stopped'; answer: AnswerName };

export function createLabTraffic(deps: LabTrafficDeps): LabTraffic {
  const forwarding = (
    caller: Caller,
    ready: Ready & { kind: 'ready' },
    onFailure: Forwarding['onFailure'],
  ): Forwarding => ({
    username: caller.username,
    target: ready.target,
    token: ready.token,
    onFailure,
    onTokenRefused: () => deps.tokens.discard(caller.username, ready.token),
  });

  return {
    async handle(request, response, caller) {
      const passed = pass(deps, request, request.method ?? '', caller);
      if (passed.kind === 'stopped') return deps.answers.send(request, response, passed.answer);
      const body = await takeBody(deps, request, passed.route, caller);
      if (body.kind === 'stopped') return deps.answers.send(request, response, body.answer, body.detail);
      const ready = await prepare(deps, caller);
      if (ready.kind === 'stopped') return deps.answers.send(request, response, ready.answer);
      if (response.destroyed || deps.sessions.hasEnded(caller.sessionId)) return void response.destroy();
      deps.openWork.add(caller.sessionId, response);
      const to = forwarding(caller, ready, (error) => {
        deps.log.info({ code: error.code, username: caller.username }, 'a JupyterLab server does not answer');
        deps.answers.send(request, response, 'server-died');
      });
      const withholdToken = passed.route.kind === 'page';
      const read = followKernel(deps.kernelWatch, passed.route, caller, body.text);
      const exchange = { request, response, withholdToken, ...(read ? { read } : {}) };
      deps.proxy.forward(body.text === null ? exchange : { ...exchange, body: body.text }, to);
    },
    async handleUpgrade(request, socket, head, caller) {
      const passed = pass(deps, request, 'UPGRADE', caller);
      if (passed.kind === 'stopped') return deps.answers.sendUpgrade(socket, passed.answer);
      const ready = await prepare(deps, caller);
      if (ready.kind === 'stopped') return deps.answers.sendUpgrade(socket, ready.answer);
      if (socket.destroyed || deps.sessions.hasEnded(caller.sessionId)) return void socket.destroy();
      deps.openWork.add(caller.sessionId, socket);
      const to = forwarding(caller, ready, () => deps.answers.sendUpgrade(socket, 'server-died'));
      const kernelId = passed.route.captured[0];
      if (passed.route.kind === 'kernel-channels' && kernelId !== undefined)
        deps.carryKernelChannel({ request, socket, head, caller, kernelId, to });
      else deps.proxy.forwardUpgrade({ request, socket, head }, to);
    },
  };
}

/** The policy, without asking anybody: route, owner, origin. */
function pass(deps: LabTrafficDeps, request: IncomingMessage, method: string, caller: Caller): Passed {
  const note = (action: string, reason: string) => noteRefusal(deps.refusals, request, caller, action, reason);
  const decision = decideRoute(method, request.url ?? '');
  if (decision.username !== null && decision.username !== caller.username) {
    note('lab-not-yours', 'other user');
    return { kind: 'stopped', answer: 'other-user' };
  }
  if (decision.verdict === 'refused') {
    note('route-refused', decision.reason);
    return { kind: 'stopped', answer: 'refused' };
  }
  if (!onlyReads(method) && !comesFromLab(request, deps.labUrl())) {
    note('origin-refused', 'origin');
    return { kind: 'stopped', answer: 'origin-refused' };
  }
  return { kind: 'passed', route: decision };
}

type TakenBody = { kind: 'taken'; text: string | null } | { kind: 'stopped'; answer: AnswerName; detail?: string };

/** Bodies that start kernels are checked and written anew; all others stream through untouched. */
async function takeBody(
  deps: LabTrafficDeps,
  request: IncomingMessage,
  { kind }: LabRoute,
  caller: Caller,
): Promise<TakenBody> {
  if (kind !== 'kernel-start' && kind !== 'session-start' && kind !== 'session-change')
    return { kind: 'taken', text: null };
  const read = await readBody(request, largestBody);
  if (read.kind !== 'text') return { kind: 'stopped', answer: 'body-too-large' };
  const verdict = checkBody(kind, read.text, deps.kernelSpecs);
  if (verdict.kind === 'valid') return { kind: 'taken', text: verdict.body };
  if (verdict.kind === 'unreadable') return { kind: 'stopped', answer: 'body-unreadable' };
  noteRefusal(deps.refusals, request, caller, 'kernel-request-refused', verdict.reason);
  return { kind: 'stopped', answer: 'body-invalid', detail: verdict.reason };
}

/** Where the user's server is and the token for it; or why there is none. */
async function prepare(deps: LabTrafficDeps, { username }: Caller): Promise<Ready> {
  try {
    const target = (await deps.proxy.target(username)) ?? (await lateTarget(deps, username));
    if (target === null) return { kind: 'stopped', answer: 'not-running' };
    if (target === 'starting') return { kind: 'stopped', answer: 'starting' };
    return { kind: 'ready', target, token: await deps.tokens.of(username) };
  } catch (error) {
    if (!(error instanceof HubUnavailable))
      deps.log.warn({ err: error, username }, 'JupyterHub gave no token or state');
    return { kind: 'stopped', answer: 'hub-away' };
  }
}

/** No route: the server is not there yet or no more, or this gateway has lost its routes in a restart. */
async function lateTarget(deps: LabTrafficDeps, username: string): Promise<string | 'starting' | null> {
  const { phase } = await readHubUser(deps.hub, username);
  if (phase === 'starting') return 'starting';
  if (phase !== 'ready') return null;
  await deps.routeTable.refresh();
  return (await deps.proxy.target(username)) ?? 'starting';
}

export function noteRefusal(
  refusals: Refusals,
  request: IncomingMessage,
  caller: Caller | null,
  action: string,
  reason: string,
): void {
  // Without its query, where tokens and search words live.
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const method = request.headers.upgrade === undefined ? (request.method ?? '') : 'WebSocket';
  refusals.note({
    caller,
    action,
    subject: `${method} ${path}`,
    address: request.socket.remoteAddress ?? null,
    reason,
  });
}
