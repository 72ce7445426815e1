/** One place for every answer that is not JupyterLab's: a page for a person, a problem (RFC 9457) for a program. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ProblemCode, problems } from '@shaparak/contract';
import { type PageName, renderPage } from './pages.js';

export type AnswerName = PageName | 'body-unreadable' | 'body-invalid' | 'body-too-large' | 'method-refused';

const codes: Record<AnswerName, ProblemCode> = {
  starting: 'lab-unavailable',
  'not-running': 'lab-not-running',
  'hub-away': 'lab-unavailable',
  'server-died': 'lab-unavailable',
  'database-away': 'database-unavailable',
  refused: 'route-refused',
  'other-user': 'lab-not-yours',
  'origin-refused': 'origin-refused',
  'not-logged-in': 'session-ended',
  'ticket-refused': 'session-ended',
  'not-found': 'not-found',
  'body-unreadable': 'request-unreadable',
  'body-invalid': 'request-invalid',
  'body-too-large': 'request-too-large',
  'method-refused': 'method-not-allowed',
};

const details: Partial<Record<AnswerName, string>> = {
  starting: 'The server of this user is starting.',
  'server-died': 'The server of this user has stopped answering; start it again from the portal.',
  'ticket-refused': 'The ticket was already used or is older than 30 seconds.',
};

const ownPage = new Set<AnswerName>(['body-unreadable', 'body-invalid', 'body-too-large', 'method-refused']);

export const commonHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

export interface Answers {
  /** Answers once; a response that has begun can only be cut. */
  send(request: IncomingMessage, response: ServerResponse, name: AnswerName, detail?: string): void;
  /** Refuses an upgrade: browsers show its status in their console only. */
  sendUpgrade(socket: Duplex, name: AnswerName): void;
}

export function createAnswers(portalUrl: string): Answers {
  return {
    send(request, response, name, detail) {
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const code = codes[name];
      const { status } = problems[code];
      for (const [header, value] of Object.entries(commonHeaders)) response.setHeader(header, value);
      if (status === 503) response.setHeader('retry-after', '1');
      // What the client still sends of its body is not read: the connection ends with this answer.
      if (!request.complete && hasBody(request)) response.setHeader('connection', 'close');
      if (wantsPage(request) && !ownPage.has(name)) {
        const page = renderPage(name as PageName, portalUrl);
        response.setHeader('content-security-policy', page.contentSecurityPolicy);
        end(request, response, status, 'text/html; charset=utf-8', page.html);
      } else end(request, response, status, 'application/problem+json', problemBody(name, detail));
    },
    sendUpgrade(socket, name) {
      const { status } = problems[codes[name]];
      const body = problemBody(name);
      if (!socket.writable) return void socket.destroy();
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
        () => socket.destroy(),
      );
    },
  };
}

function end(request: IncomingMessage, response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function problemBody(name: AnswerName, detail = details[name]): string {
  const code = codes[name];
  const { status, title } = problems[code];
  return JSON.stringify({
    type: `/problems/${code}`,
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
  });
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

/** A person's browser opens a page; everything that JupyterLab's own code asks for is a program. */
function wantsPage({ method, headers }: IncomingMessage): boolean {
  const mode = headers['sec-fetch-mode'];
  if (mode !== undefined) return mode === 'navigate';
  return (method === 'GET' || method === 'POST') && (headers.accept ?? '').includes('text/html');
}
