/** The built portal, below /portal; every page of it is index.html, because its router runs in the browser. */
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
  const policy = contentSecurityPolicy(labUrl);
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
    return (
      reply
        .type('text/html; charset=utf-8')
        .headers({ 'content-security-policy': policy, 'cache-control': 'no-cache' })
        // read each time: a new build has new names of its files
        .send(await readFile(join(directory, 'index.html')))
    );
  };
  http.get('/portal', { schema: { hide: true } }, sendPage);
  http.get('/portal/*', { schema: { hide: true } }, sendPage);
  http.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/portal', 302));
}

/** Mantine sets styles from script, hence 'unsafe-inline' for styles alone; scripts come from our own files only. */
function contentSecurityPolicy(labUrl: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    `form-action 'self' ${labUrl}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
