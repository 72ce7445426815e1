/**
 * The HTTP server that every room's routes are registered on: one place for problems, security headers, CORS and the
 * rule that private answers are not stored.
 */
import { randomBytes } from 'node:crypto';
import formbody from '@fastify/formbody';
import type {} from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from './logging.js';
import { errorCode, isUnavailable } from './postgres.js';
import { ProblemError, type ProblemOptions, problem, problemBody } from './problems.js';

export interface HttpOptions {
  log: Logger;
  bodyLimit?: number;
  /** exact origins that may call Bearer endpoints, or null for any localhost port but the lab's */
  corsOrigins: string[] | null;
  labUrl: string;
  publicUrl: string;
}

export type Http = ReturnType<typeof createHttp>;

export function createHttp(options: HttpOptions) {
  const http = Fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomBytes(8).toString('hex'),
    bodyLimit: options.bodyLimit ?? 65_536,
    requestTimeout: 60_000,
    // An https address means a proxy on this machine in front of us: the person's address is in its header. Without
    // one that header would be the caller's own word, and the limit on logins by address worth nothing.
    trustProxy: options.publicUrl.startsWith('https:') ? 'loopback' : false,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 500 },
    frameworkErrors: (error, request, reply) => sendProblem(asProblem(error), request, reply),
  }).withTypeProvider<TypeBoxTypeProvider>();
  http.register(formbody, { bodyLimit: options.bodyLimit ?? 65_536 });
  http.setErrorHandler((error: FastifyError, request, reply) => sendProblem(asProblem(error), request, reply));
  const methodsOf = collectMethods(http);
  http.setNotFoundHandler((request, reply) => {
    const allowed = methodsOf(pathOf(request) ?? '');
    if (allowed.length === 0) return sendProblem(problem('not-found'), request, reply);
    return sendProblem(problem('method-not-allowed'), request, reply.header('allow', allowed.join(', ')));
  });
  http.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    if (request.url.startsWith('/api/')) {
      reply.header('cache-control', 'no-store');
      await answerCors(options, request, reply);
    }
  });
  return http;
}

/** Which methods a path answers: Fastify itself takes a known path with another method for an unknown one. */
function collectMethods(http: FastifyInstance): (path: string) => string[] {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  http.addHook('onRoute', ({ url, method }) => {
    const pattern = new RegExp(`^${url.replace(/[.+*?^$()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}$`);
    routes.push({ pattern, methods: [method].flat() });
  });
  return (path) => [...new Set(routes.filter((route) => route.pattern.test(path)).flatMap((route) => route.methods))];
}

const securityHeaders = {
  'x-content-type-options': 'nosniff',
  // 'no-referrer' would turn the Origin of the ticket's form into "null", which the gateway refuses.
  'referrer-policy': 'strict-origin',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin-allow-popups',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
} as const;

/**
 * CORS for Bearer endpoints: no credentials, so a foreign page gets nothing that it has no token for. The paths of the
 * renewal cookie never answer it.
 */
async function answerCors(options: HttpOptions, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const origin = request.headers.origin;
  if (origin === undefined || /^\/api\/session(?![^/?])/.test(request.url)) return;
  reply.header('vary', 'Origin');
  if (!mayCall(options, origin)) return;
  reply.header('access-control-allow-origin', origin);
  reply.header('access-control-expose-headers', 'Retry-After');
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return;
  await reply
    .code(204)
    .headers({
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'Authorization, Content-Type, Last-Event-ID',
      'access-control-max-age': '600',
    })
    .send();
}

function mayCall({ corsOrigins, labUrl }: HttpOptions, origin: string): boolean {
  if (origin === labUrl) return false;
  if (corsOrigins !== null) return corsOrigins.includes(origin);
  if (!URL.canParse(origin)) return false;
  const { hostname, port } = new URL(origin);
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname) && port !== new URL(labUrl).port;
}

function sendProblem(error: ProblemError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error.status >= 500) request.log.error({ err: error.cause ?? error, code: error.code, path: pathOf(request) });
  if (error.options.retryAfter !== undefined) reply.header('retry-after', String(error.options.retryAfter));
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(error.status)
    .headers(securityHeaders)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(problemBody(error, request.id)));
}

/** Addresses are logged without their query, where people put what is private. */
const pathOf = (request: FastifyRequest) => request.url.split('?', 1)[0];

function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (isUnavailable(error)) return problem('database-unavailable', { retryAfter: 5, cause: error });
  const validation = validationErrors(error);
  if (validation !== null) return problem('request-invalid', validation);
  const status =
    typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : undefined;
  const code = errorCode(error);
  if (status === 413) return problem('request-too-large');
  if (status === 415) return problem('media-type-unsupported');
  if (status !== undefined && status >= 400 && status < 500) return problem('request-unreadable', { cause: error });
  // Fastify's own parsing failures carry FST_ codes of the 4xx kind; anything else is ours.
  return problem('unexpected', { cause: error, ...(code === null ? {} : { detail: `code ${code}` }) });
}

interface AjvError {
  instancePath: string;
  message?: string;
  params?: { missingProperty?: string };
}

function validationErrors(error: unknown): ProblemOptions | null {
  if (typeof error !== 'object' || error === null || !('validation' in error) || !Array.isArray(error.validation))
    return null;
  const errors = (error.validation as AjvError[]).map(({ instancePath, message, params }) => ({
    field: params?.missingProperty ?? instancePath.slice(1),
    message: message ?? 'is not valid',
  }));
  return { errors, detail: errors.map(({ field, message }) => `${field} ${message}`).join('; ') };
}
