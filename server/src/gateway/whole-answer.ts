/**
 * Answers of a user's server that the gateway takes in whole before it hands them on: pages, into which JupyterHub's server
 * writes the token of the request (the browser has its cookie and the gateway the token), and the models of kernels.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

const largest = 8 * 1024 * 1024;
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'etag',
  'trailer',
  'upgrade',
]);

/** @throws where the server breaks off or the answer has no end */
export async function sendWhole(
  answer: IncomingMessage,
  response: ServerResponse,
  change: (text: string, status: number) => string,
): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largest) throw new Error('answer too large');
    chunks.push(chunk);
  }
  const status = answer.statusCode ?? 502;
  const text = change(Buffer.concat(chunks).toString('utf8'), status);
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !hopByHop.has(name)) response.setHeader(name, value);
  if (status === 204) response.writeHead(status).end();
  else {
    const length = response.req.method === 'HEAD' ? 0 : Buffer.byteLength(text);
    response.writeHead(status, { 'content-length': length });
    response.end(text);
  }
}
