import type { IncomingMessage } from 'node:http';

export type ReadBody = { kind: 'text'; text: string } | { kind: 'too-large' } | { kind: 'aborted' };

/** Reads a small body whole; stops reading, but keeps the connection for the answer, where it is larger. */
export async function readBody(request: IncomingMessage, limit: number): Promise<ReadBody> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return { kind: 'too-large' };
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (result: ReadBody) => {
      request.off('data', take);
      resolve(result);
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        request.pause();
        finish({ kind: 'too-large' });
      } else chunks.push(chunk);
    };
    request.on('data', take);
    request.once('end', () => finish({ kind: 'text', text: Buffer.concat(chunks).toString('utf8') }));
    request.once('close', () => finish({ kind: 'aborted' }));
    request.once('error', () => finish({ kind: 'aborted' }));
  });
}
