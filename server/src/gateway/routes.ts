/**
 * The allow-list of what may reach a user's JupyterLab server. It starts from nothing; each line is there because
 * JupyterLab 4.6 asked for it in a browser while notebooks were opened, run, saved and settings were changed.
 * Not on it, and so refused: terminals, /files, /view, /nbconvert, /api/nbconvert, /lsp, /api/shutdown, extension and
 * plugin managers, /metrics, every page of the Hub.
 */
import { type LabPath, readLabPath } from './lab-path.js';

export type RouteKind =
  | 'page'
  | 'asset'
  | 'api'
  | 'kernel-start'
  | 'session-start'
  | 'session-change'
  | 'kernel-end'
  | 'kernel-restart'
  | 'kernel-interrupt'
  | 'session-end'
  | 'events'
  | 'kernel-channels';

export interface LabRoute {
  kind: RouteKind;
  username: string;
  /** what the route's variable parts captured, decoded */
  captured: readonly string[];
}

export type RouteDecision =
  | ({ verdict: 'allowed' } & LabRoute)
  | { verdict: 'refused'; username: string | null; reason: 'path' | 'route' | 'query' };

interface Rule {
  kind: RouteKind;
  methods: ReadonlySet<string>;
  parts: readonly string[];
  query: ReadonlySet<string> | null;
}

const read = ['GET', 'HEAD'];
const contentsQuery = ['content', 'type', 'format', 'hash', 'contentProviderId'];

// ":uuid" is one id, ":name" one segment, "**" one segment or more.
const rules: readonly Rule[] = [
  rule('page', read, 'lab'),
  rule('page', read, 'lab/tree/**'),
  rule('page', read, 'lab/workspaces/:name'),
  rule('page', read, 'lab/workspaces/:name/tree/**'),
  rule('asset', read, 'static/**'),
  rule('asset', read, 'lab/extensions/**'),
  rule('asset', read, 'lab/api/themes/**'),
  rule('asset', read, 'kernelspecs/**'),
  rule('asset', read, 'custom/custom.css'),
  rule('asset', read, 'favicon.ico'),
  rule('api', read, 'lab/api/settings'),
  rule('api', [...read, 'PUT'], 'lab/api/settings/**'),
  rule('api', read, 'lab/api/translations'),
  rule('api', read, 'lab/api/translations/:name'),
  rule('api', read, 'lab/api/workspaces'),
  rule('api', [...read, 'PUT', 'DELETE'], 'lab/api/workspaces/:name'),
  rule('api', read, 'api/me'),
  rule('api', read, 'api/status'),
  // turns a path in an output or traceback into a link; it tells which of the person's own files exist
  rule('api', read, 'api/resolvePath', ['path', 'kernel']),
  rule('api', read, 'api/kernelspecs'),
  rule('api', read, 'api/kernelspecs/:name'),
  rule('api', [...read, 'POST'], 'api/contents', contentsQuery),
  rule('api', [...read, 'POST', 'PUT', 'PATCH', 'DELETE'], 'api/contents/**', contentsQuery),
  rule('api', read, 'api/kernels'),
  rule('kernel-start', ['POST'], 'api/kernels'),
  rule('api', read, 'api/kernels/:uuid'),
  rule('kernel-end', ['DELETE'], 'api/kernels/:uuid'),
  rule('kernel-interrupt', ['POST'], 'api/kernels/:uuid/interrupt'),
  rule('kernel-restart', ['POST'], 'api/kernels/:uuid/restart'),
  rule('api', read, 'api/sessions'),
  rule('session-start', ['POST'], 'api/sessions'),
  rule('api', read, 'api/sessions/:uuid'),
  rule('session-end', ['DELETE'], 'api/sessions/:uuid'),
  rule('session-change', ['PATCH'], 'api/sessions/:uuid'),
  rule('kernel-channels', ['UPGRADE'], 'api/kernels/:uuid/channels', ['session_id']),
  rule('events', ['UPGRADE'], 'api/events/subscribe'),
];

function rule(kind: RouteKind, methods: string[], template: string, query?: string[]): Rule {
  return { kind, methods: new Set(methods), parts: template.split('/'), query: query ? new Set(query) : null };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Decides about one request; `method` is UPGRADE for a WebSocket. */
export function decideRoute(method: string, target: string): RouteDecision {
  const path = readLabPath(target);
  if (path === null) return { verdict: 'refused', username: null, reason: 'path' };
  const [top, username] = path.raw;
  if (top !== 'user' || username === undefined) return { verdict: 'refused', username: null, reason: 'route' };
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(username)) return { verdict: 'refused', username: null, reason: 'path' };
  for (const candidate of rules) {
    const captured = candidate.methods.has(method) ? match(candidate.parts, path) : null;
    if (captured === null) continue;
    if (!admitsQuery(candidate, path.query)) return { verdict: 'refused', username, reason: 'query' };
    if (candidate.kind === 'api' && opensHiddenHandler(method, path)) break;
    return { verdict: 'allowed', kind: candidate.kind, username, captured };
  }
  return { verdict: 'refused', username, reason: 'route' };
}

function match(parts: readonly string[], path: LabPath): string[] | null {
  const captured: string[] = [];
  for (const [index, part] of parts.entries()) {
    const at = index + 2;
    const raw = path.raw[at];
    if (raw === undefined) return null;
    if (part === '**') return [...captured, ...path.decoded.slice(at)];
    if (part === ':name') captured.push(path.decoded[at] ?? '');
    else if (part === ':uuid' && uuid.test(raw)) captured.push(raw);
    else if (part !== raw) return null;
  }
  return path.raw.length === parts.length + 2 ? captured : null;
}

/**
 * A token in the address would take the place of the one that the gateway adds. JupyterLab itself appends a bare number
 * against caches.
 */
function admitsQuery(candidate: Rule, query: URLSearchParams): boolean {
  for (const name of query.keys()) {
    if (/^\d{1,20}$/.test(name)) continue;
    if (['token', 'download', 'code', 'state'].includes(name.toLowerCase())) return false;
    if (candidate.query !== null && !candidate.query.has(name)) return false;
  }
  return true;
}

/** POST /api/contents/<path>/trust is not "create in the folder trust" to jupyter_server: it signs a notebook's outputs. */
function opensHiddenHandler(method: string, path: LabPath): boolean {
  return method === 'POST' && path.raw[3] === 'contents' && path.decoded.at(-1)?.toLowerCase() === 'trust';
}
