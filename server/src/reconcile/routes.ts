/** GET /api/admin/findings, /api/admin/coverage: for administrators, without anybody's code. */
import { api } from '@shaparak/contract';
import type { Guards } from '../identity/index.js';
import type { Http } from '../platform/http.js';
import { readCoverage } from './coverage.js';
import { type ReconcileDependencies, readFindings } from './findings.js';

export function reconcileRoutes(http: Http, deps: ReconcileDependencies, { requireAdministrator }: Guards): void {
  http.get(
    '/api/admin/findings',
    {
      preHandler: requireAdministrator,
      schema: {
        tags: ['admin'],
        summary: 'What does not fit between the witnesses',
        querystring: api.FindingsQuery,
        response: { 200: api.Findings },
      },
    },
    (request) => readFindings(deps, request.query),
  );
  http.get(
    '/api/admin/coverage',
    {
      preHandler: requireAdministrator,
      schema: {
        tags: ['admin'],
        summary: 'How many executions every expected witness saw',
        querystring: api.CoverageQuery,
        response: { 200: api.Coverage },
      },
    },
    (request) => readCoverage(deps, request.query.days),
  );
}
