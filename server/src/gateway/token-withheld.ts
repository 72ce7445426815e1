/**
 * JupyterHub's server writes the token of the request into the page it answers, for JupyterLab to send along. Here the
 * browser has its cookie and the gateway the token: so pages are taken in whole, and the token is taken out of them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

const largestPage = 8 * 1024 * 1024;
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'etag',
  'trailer',
  'upgrade',
]);

/** Hands the answer on without any occurrence of the token. @throws where the server breaks off or the page has no end */
export async function sendWithoutToken(
  answer: IncomingMessage,
  response: ServerResponse,
  token: string,
): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestPage) throw new Error('page too large');
    chunks.push(chunk);
  }
  const page = Buffer.concat(chunks).toString('utf8').replaceAll(token, '');
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !hopByHop.has(name)) response.setHeader(name, value);
  const length = response.req.method === 'HEAD' ? 0 : Buffer.byteLength(page);
  response.writeHead(answer.statusCode ?? 502, { 'content-length': length });
  response.end(page);
}
