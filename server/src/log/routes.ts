/** GET /api/activity/recent, /api/activity/search, /api/activity/:id, /api/logs: the caller's own executions. */
import { api } from '@shaparak/contract';
import { Type } from 'typebox';
import { actorOf, type Guards } from '../identity/index.js';
import type { Http } from '../platform/http.js';
import { problem } from '../platform/problems.js';
import { type LogsDependencies, readLogs } from './logs.js';
import { oneActivity, recentActivity } from './recent.js';
import { runningActivity } from './running.js';
import { type SearchDependencies, searchActivity } from './search/index.js';

const IdParams = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) });

export function logRoutes(http: Http, deps: LogsDependencies & SearchDependencies, { requireActor }: Guards): void {
  const tags = ['activity'];
  http.get(
    '/api/activity/recent',
    {
      preHandler: requireActor,
      schema: {
        tags,
        summary: 'Newest executions',
        querystring: api.RecentQuery,
        response: { 200: api.RecentActivity },
      },
    },
    (request) => recentActivity(deps, actorOf(request), request.query.limit),
  );
  http.get(
    '/api/activity/search',
    {
      preHandler: requireActor,
      schema: {
        tags,
        summary: 'Search executed code',
        querystring: api.SearchQuery,
        response: { 200: api.SearchResults },
      },
    },
    (request) => searchActivity(deps, actorOf(request), request.query),
  );
  http.get(
    '/api/activity/running',
    {
      preHandler: requireActor,
      schema: { tags, summary: 'What runs or waits now', response: { 200: api.RunningActivity } },
    },
    (request) => runningActivity(deps, actorOf(request)),
  );
  http.get(
    '/api/activity/:id',
    {
      preHandler: requireActor,
      schema: { tags, summary: 'One execution', params: IdParams, response: { 200: api.ActivityDetails } },
    },
    async (request) => {
      const activity = await oneActivity(deps, actorOf(request), request.params.id);
      if (activity === null) throw problem('not-found');
      return activity;
    },
  );
  http.get(
    '/api/logs',
    {
      preHandler: requireActor,
      schema: { tags, summary: 'Pages of the log', querystring: api.LogsQuery, response: { 200: api.Logs } },
    },
    (request) => readLogs(deps, actorOf(request), request.query),
  );
}
