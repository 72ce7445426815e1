/**
 * configurable-http-proxy as a library: it keeps the route table that JupyterHub writes through its API, and forwards.
 * Its own front server and its error pages are not used; which request may be forwarded is decided before it gets here.
 *
 * What a user's server answers is made by a process that the user controls. So it can't set cookies for the lab's host,
 * clear what other pages keep, or open itself to other origins.
 */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { type Duplex, Readable } from 'node:stream';
import { ConfigurableProxy } from 'configurable-http-proxy/lib/configproxy.js';
import type { Logger } from 'pino';
import { commonHeaders } from './refusals/refusal-answers.js';
import { sendWhole } from './whole-answer.js';

export interface LabProxy {
  readonly routes: ConfigurableProxy;
  /** the server of this user as the Hub registered it, or null */
  target(username: string): Promise<string | null>;
  forward(exchange: Exchange, to: Forwarding): void;
  /** the person does something: a server that is used is not culled */
  touch(username: string): void;
  forwardUpgrade(upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer }, to: Forwarding): void;
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** in the place of what the browser sent */
  body?: string;
  /** a page of JupyterLab, into which the server writes the token that it was asked with */
  withholdToken?: boolean;
  /** looks at the answer before the browser gets it */
  read?: (text: string, status: number) => void;
}

export interface Forwarding {
  username: string;
  target: string;
  token: string;
  /** the server could not be reached, or broke off before it answered */
  onFailure(error: NodeJS.ErrnoException): void;
  /** the server, or the Hub behind it, did not take the token */
  onTokenRefused(): boolean;
}

const notForTheServer =
  /^(?:cookie|authorization|sec-websocket-extensions|forwarded|x-forwarded-.*|x-real-ip|x-scheme|proxy-.*|x-xsrftoken)$/;
const notForTheBrowser =
  /^(?:set-cookie2?|clear-site-data|service-worker-allowed|strict-transport-security|alt-svc|refresh|server|x-jupyterhub-version|access-control-.*|report-to|reporting-endpoints|nel)$/;

class RouteKeeper extends ConfigurableProxy {
  /** The Hub writes ":80" behind the path of a unix socket, which would become part of the socket's name. */
  override addRoute(prefix: string, route: { target: string }): Promise<void> {
    return super.addRoute(prefix, { ...route, target: withoutSocketPort(route.target) });
  }
}

function withoutSocketPort(target: string): string {
  return target.replace(/^((?:http\+unix|unix\+http):\/\/[^/:]+):\d+/, '$1');
}

export function createLabProxy(authToken: string, log: Logger): LabProxy {
  const routes = new RouteKeeper({ authToken, log: routeLog(log) });
  const waiting = new WeakMap<IncomingMessage, { exchange: Exchange; to: Forwarding }>();
  // Without a listener http-proxy-3 throws ECONNRESET out of the process when a tab is closed.
  routes.proxy.on('error', (error: Error) => log.debug({ err: error }, 'proxy error'));
  routes.proxy.on('econnreset', () => {});
  routes.proxy.on('proxyRes', (answer: IncomingMessage, request: IncomingMessage) => {
    cleanAnswer(answer.headers);
    const { exchange, to } = waiting.get(request) ?? {};
    if (to !== undefined && refusesToken(answer) && to.onTokenRefused() && answer.statusCode === 302)
      answer.headers.location = request.url;
    for (const name of ['x-content-type-options', 'referrer-policy', 'cross-origin-resource-policy'] as const)
      answer.headers[name] = commonHeaders[name];
    if ((answer.statusCode ?? 500) < 300 && to !== undefined) void routes.updateLastActivity(prefixOf(to.username));
    if (exchange !== undefined && to !== undefined && isTakenWhole(exchange))
      sendWhole(answer, exchange.response, (text, status) => {
        exchange.read?.(text, status);
        return exchange.withholdToken ? text.replaceAll(to.token, '') : text;
      }).catch((error: Error) => to.onFailure(error));
  });
  routes.proxy.on('proxyReqWs', (outgoing: ClientRequest) => {
    outgoing.on('upgrade', (answer: IncomingMessage) => cleanAnswer(answer.headers));
  });

  return {
    routes,
    async target(username) {
      // Only the user's own prefix: below "/" the Hub registers itself.
      return (await routes._routes.get(prefixOf(username)))?.target ?? null;
    },
    forward(exchange, to) {
      const { request, response, body } = exchange;
      waiting.set(request, { exchange, to });
      prepareRequest(request, to.token);
      const options = routes.proxyOptsForTarget(new URL(to.target));
      if (body !== undefined) {
        request.headers['content-length'] = String(Buffer.byteLength(body));
        delete request.headers['transfer-encoding'];
        options.buffer = Readable.from([Buffer.from(body)]);
      }
      if (isTakenWhole(exchange)) {
        options.selfHandleResponse = true;
        request.headers['accept-encoding'] = 'identity';
      }
      routes.proxy.web(request, response, options, to.onFailure);
    },
    touch(username) {
      void routes.updateLastActivity(prefixOf(username));
    },
    forwardUpgrade({ request, socket, head }, to) {
      prepareRequest(request, to.token);
      void routes.updateLastActivity(prefixOf(to.username));
      routes.proxy.ws(request, socket, head, routes.proxyOptsForTarget(new URL(to.target)), to.onFailure);
    },
  };
}

const isTakenWhole = ({ withholdToken, read }: Exchange) => withholdToken === true || read !== undefined;

const prefixOf = (username: string) => `/user/${username}`;

/** Replaces what the browser says about itself by what the gateway knows. */
function prepareRequest(request: IncomingMessage, token: string): void {
  for (const name of Object.keys(request.headers)) if (notForTheServer.test(name)) delete request.headers[name];
  request.headers.authorization = `token ${token}`;
}

function cleanAnswer(headers: IncomingHttpHeaders): void {
  for (const name of Object.keys(headers)) if (notForTheBrowser.test(name)) delete headers[name];
}

/** A server that doesn't know the token answers 403, or sends a page's reader to the Hub's login. */
function refusesToken(answer: IncomingMessage): boolean {
  if (answer.statusCode === 403) return true;
  return answer.statusCode === 302 && /^(?:https?:\/\/[^/]+)?\/hub\//.test(answer.headers.location ?? '');
}

/** The proxy's lines go below info: each is a request that already has its own answer. Addresses come without query. */
function routeLog(log: Logger) {
  const write =
    (level: 'debug' | 'info') =>
    (format: unknown, ...parts: unknown[]) =>
      log[level]({ parts: parts.map(String) }, String(format));
  return { debug: () => {}, info: write('debug'), warn: write('debug'), error: write('info') };
}
