/** GET /api/dashboard, /api/activity/stats, /api/admin/*, /api/live. */
import { api } from '@shaparak/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { actorOf, type Guards } from '../identity/index.js';
import type { Http } from '../platform/http.js';
import { readAllUsersActivity, readSystemStats } from './admin.js';
import { type ActivityDependencies, readDashboard } from './dashboard.js';
import type { LiveEvent, LiveFeed } from './live.js';
import { readDailyStats } from './stats.js';

const heartbeatMs = 15_000;
/** A subscriber that does not read is let go; it resumes by its watermark. */
const mostUnsentBytes = 4 * 1024 * 1024;

export function activityRoutes(
  http: Http,
  deps: ActivityDependencies & { live: LiveFeed },
  { requireActor, requireAdministrator }: Guards,
): void {
  http.get(
    '/api/dashboard',
    {
      preHandler: requireActor,
      schema: { tags: ['activity'], summary: 'Tiles of the home page', response: { 200: api.Dashboard } },
    },
    (request) => readDashboard(deps, actorOf(request)),
  );
  http.get(
    '/api/activity/stats',
    {
      preHandler: requireActor,
      schema: {
        tags: ['activity'],
        summary: 'Daily statistics',
        querystring: api.StatsQuery,
        response: { 200: api.DailyStats },
      },
    },
    (request) => readDailyStats(deps, actorOf(request), request.query.days),
  );
  http.get(
    '/api/admin/all-users-activity',
    {
      preHandler: requireAdministrator,
      schema: { tags: ['admin'], summary: 'Numbers of all users', response: { 200: api.AllUsersActivity } },
    },
    () => readAllUsersActivity(deps),
  );
  http.get(
    '/api/admin/system-stats',
    {
      preHandler: requireAdministrator,
      schema: { tags: ['admin'], summary: 'Numbers of the system', response: { 200: api.SystemStats } },
    },
    () => readSystemStats(deps),
  );
  http.get(
    '/api/live',
    { preHandler: requireActor, schema: { tags: ['activity'], summary: 'Server-sent events of the caller' } },
    (request, reply) => stream(deps.live, request, reply),
  );
}

/** The answer is written by hand, so that Fastify's serialiser and time-outs leave it alone. */
function stream(live: LiveFeed, request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack();
  const { raw } = reply;
  const headers = {
    ...reply.getHeaders(),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  };
  raw.writeHead(200, headers as Record<string, string>);
  raw.write(': open\n\n');
  const end = () => raw.end();
  const send = ({ event, id, data }: LiveEvent) => {
    if (raw.writableLength > mostUnsentBytes) return raw.destroy();
    raw.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const actor = actorOf(request);
  const last = String(request.headers['last-event-id'] ?? '');
  const leave = live.subscribe(actor, /^\d{1,15}$/.test(last) ? Number(last) : null, send, end);
  const heartbeat = setInterval(() => send({ event: 'ping', data: {} }), heartbeatMs);
  const sessionEnd = setTimeout(end, actor.sessionEndsAt.getTime() - Date.now());
  raw.on('close', () => {
    clearTimeout(sessionEnd);
    clearInterval(heartbeat);
    leave();
  });
  raw.on('error', () => raw.destroy());
}
