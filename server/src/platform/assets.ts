/** The built portal, below /portal; every page of it is index.html, because its router runs in the browser. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import files from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Http } from './http.js';

export interface AssetOptions {
  directory: string;
  publicUrl: string;
  labUrl: string;
}

export function assetRoutes(http: Http, { directory, publicUrl, labUrl }: AssetOptions): void {
  http.register(files, {
    root: join(directory, 'assets'),
    prefix: '/portal/assets/',
    immutable: true,
    maxAge: '365d',
    index: false,
    schemaHide: true,
  });
  for (const name of ['favicon.svg', 'first-paint.js'])
    http.get(`/portal/${name}`, { schema: { hide: true } }, (_request, reply) => reply.sendFile(name, directory));
  const sendPage = async (request: FastifyRequest, reply: FastifyReply) => {
    // Cookies ignore ports: on the lab's host name the portal's cookie would reach the lab.
    if (request.host !== new URL(publicUrl).host && request.hostname === new URL(labUrl).hostname)
      return reply.redirect(`${publicUrl}${request.url}`, 302);
    const nonce = randomBytes(16).toString('base64');
    // read each time: a new build has new names of its files
    const page = await readFile(join(directory, 'index.html'), 'utf8');
    return (
      reply
        .type('text/html; charset=utf-8')
        // kept nowhere: the nonce of a stored page would be known beforehand
        .headers({ 'content-security-policy': contentSecurityPolicy(labUrl, nonce), 'cache-control': 'no-store' })
        .send(page.replace('{csp-nonce}', nonce))
    );
  };
  http.get('/portal', { schema: { hide: true } }, sendPage);
  http.get('/portal/*', { schema: { hide: true } }, sendPage);
  http.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/portal', 302));
}

/** Mantine adds style elements from script: they carry the page's nonce. Scripts come from our own files only. */
function contentSecurityPolicy(labUrl: string, nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "font-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    `form-action 'self' ${labUrl}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
