/** GET /healthz (the process runs), /readyz (it can serve), /metrics, /api/openapi.json and /problems/<code>. */
import swagger from '@fastify/swagger';
import { api, problems } from '@shaparak/contract';
import { Type } from 'typebox';
import type { Http } from './http.js';
import type { Metrics } from './metrics.js';
import { problem } from './problems.js';

export interface ProbeDependencies {
  metrics: Metrics;
  apiDescription(): unknown;
  /** each throws where its link of the chain is broken */
  checks: Record<string, () => Promise<void>>;
}

/** Must be registered before the routes that it describes. */
export function describeApi(http: Http, { version, publicUrl }: { version: string; publicUrl: string }): void {
  http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Shaparak',
        version,
        description: 'Code execution log of JupyterLab: history, search, statistics.',
      },
      servers: [{ url: publicUrl }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
  });
}

export function probeRoutes(http: Http, deps: ProbeDependencies): void {
  http.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    deps.metrics.requests.observe(
      { route, method: request.method, status: String(reply.statusCode) },
      reply.elapsedTime / 1_000,
    );
  });
  http.get('/healthz', { schema: { hide: true, response: { 200: api.Health } } }, async () => ({
    status: 'ok' as const,
  }));
  http.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    const results = await Promise.all(
      Object.entries(deps.checks).map(async ([name, check]) => {
        const failed = await check().then(
          () => false,
          () => true,
        );
        return [name, failed ? 'failed' : 'ok'] as const;
      }),
    );
    const ready = results.every(([, state]) => state === 'ok');
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status: ready ? 'ready' : 'not-ready', checks: Object.fromEntries(results) });
  });
  http.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply.type(deps.metrics.registry.contentType).send(await deps.metrics.registry.metrics()),
  );
  http.get('/api/openapi.json', { schema: { hide: true } }, async () => deps.apiDescription());
  http.get(
    '/problems/:code',
    { schema: { hide: true, params: Type.Object({ code: Type.String() }) } },
    async (request, reply) => {
      const page = problemPage(request.params.code);
      if (page === null) throw problem('not-found');
      return reply.type('text/markdown; charset=utf-8').send(page);
    },
  );
}

/** The page of a problem, as it stands in docs/problems/. */
function problemPage(code: string): string | null {
  const entry = new Map<string, (typeof problems)[keyof typeof problems]>(Object.entries(problems)).get(code);
  return entry ? `# ${code}\n\nHTTP ${entry.status}. ${entry.title}\n\n**Next step.** ${entry.next}\n` : null;
}
