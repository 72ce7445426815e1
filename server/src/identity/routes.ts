/** POST /api/login, POST /api/session/renew, DELETE /api/session, GET /api/me; and the guards other rooms put before theirs. */
import cookie from '@fastify/cookie';
import { api } from '@shaparak/contract';
import type { FastifyRequest } from 'fastify';
import { recordAuditEvent } from '../audit/index.js';
import type { Config } from '../config.js';
import type { Http } from '../platform/http.js';
import type { Database } from '../platform/postgres.js';
import { problem } from '../platform/problems.js';
import { login } from './login.js';
import { type Actor, authenticate, endSession, type IssuedToken, renewSession, sessionLifetime } from './sessions.js';

declare module 'fastify' {
  interface FastifyRequest {
    actor: Actor | null;
  }
}

export interface IdentityDependencies {
  database: Database;
  config: Pick<Config, 'publicUrl' | 'timeZone'>;
  decoyHash: string;
}

const cookieName = 'shaparak_session';
const cookiePath = '/api/session';

/** Puts `requireActor` and `requireAdministrator` on the server. Register before any room that uses them. */
export function createGuards(database: Database) {
  const requireActor = async (request: FastifyRequest): Promise<void> => {
    const token = /^Bearer +([\w-]{20,200})$/i.exec(request.headers.authorization ?? '')?.[1];
    request.actor = token === undefined ? null : await authenticate(database, token);
    if (request.actor === null) throw problem('token-missing');
  };
  const requireAdministrator = async (request: FastifyRequest): Promise<void> => {
    await requireActor(request);
    if (request.actor?.role === 'administrator') return;
    await recordAuditEvent(database, {
      actorUserId: request.actor?.userId ?? null,
      actorName: request.actor?.username ?? null,
      action: 'admin-read',
      subject: request.url.split('?', 1)[0] ?? null,
      outcome: 'refused',
      address: request.ip,
      detail: {},
    });
    throw problem('role-missing');
  };
  return { requireActor, requireAdministrator };
}

export type Guards = ReturnType<typeof createGuards>;

/** The actor that `requireActor` found; a route without that guard fails loudly. */
export function actorOf(request: FastifyRequest): Actor {
  if (request.actor === null) throw problem('token-missing');
  return request.actor;
}

export function identityRoutes(http: Http, deps: IdentityDependencies, guards: Guards): void {
  const secure = deps.config.publicUrl.startsWith('https:');
  const cookieOptions = { path: cookiePath, httpOnly: true, sameSite: 'strict', secure } as const;
  const token = ({ accessToken, expiresIn }: IssuedToken): api.AccessToken => ({
    access_token: accessToken,
    token_type: 'bearer',
    expires_in: expiresIn,
  });
  const fromPortal = (request: FastifyRequest) => request.headers.origin === deps.config.publicUrl;
  http.register(cookie);

  http.post(
    '/api/login',
    { schema: { tags: ['identity'], summary: 'Log in', body: api.Login, response: { 200: api.AccessToken } } },
    async (request, reply) => {
      const opened = await login(deps, {
        ...request.body,
        address: request.ip,
        userAgent: request.headers['user-agent']?.slice(0, 300) ?? null,
      });
      // The cookie is the portal's alone; scripts and other pages keep their token themselves.
      if (fromPortal(request))
        reply.setCookie(cookieName, opened.renewal, { ...cookieOptions, maxAge: sessionLifetime });
      return token(opened);
    },
  );

  http.post(
    '/api/session/renew',
    {
      schema: {
        tags: ['identity'],
        summary: 'A new access token from the portal’s cookie',
        response: { 200: api.AccessToken },
      },
    },
    async (request) => {
      if (!fromPortal(request)) throw problem('origin-refused');
      const renewal = request.cookies[cookieName];
      const issued = renewal === undefined ? null : await renewSession(deps.database, renewal);
      if (issued === null) throw problem('session-ended');
      return token(issued);
    },
  );

  http.delete(
    '/api/session',
    { preHandler: guards.requireActor, schema: { tags: ['identity'], summary: 'Log out' } },
    async (request, reply) => {
      const actor = actorOf(request);
      await endSession(deps.database, actor.sessionId);
      await recordAuditEvent(deps.database, {
        actorUserId: actor.userId,
        actorName: actor.username,
        action: 'logout',
        subject: actor.username,
        outcome: 'allowed',
        address: request.ip,
        detail: {},
      });
      return reply.clearCookie(cookieName, cookieOptions).code(204).send();
    },
  );

  http.get(
    '/api/me',
    {
      preHandler: guards.requireActor,
      schema: { tags: ['identity'], summary: 'Who the token belongs to', response: { 200: api.Me } },
    },
    async (request) => {
      const { username, role } = actorOf(request);
      return { username, role, time_zone: deps.config.timeZone };
    },
  );
}
