/**
 * One unix socket a user: who connects to it is that user, whatever a message says. The folder's name is an HMAC of the
 * user's id, so that it can't be guessed where no bubblewrap hides it. A restarted portal makes new sockets in the same
 * folders; user servers have the folder bound and not the socket, so they find them.
 */
import { createHmac } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createHttp, type Http } from '../platform/http.js';
import type { Logger } from '../platform/logging.js';
import { problem } from '../platform/problems.js';
import { checkDelivery, checkRefused } from './check.js';
import type { IntakeDependencies } from './dependencies.js';
import { forgeryIn, recordForgery } from './forgeries.js';
import { receive } from './receive.js';

export interface CaptureSocketOptions extends IntakeDependencies {
  log: Logger;
  directory: string;
  /** hex */
  key: string;
  observe(receipt: { accepted: number; duplicate: number; quarantined: number }): void;
}

/** DESIGN: overload is an answer; the sensors spool meanwhile. */
const mostDeliveriesAtOnce = 32;
const bodyLimit = 8 * 1024 * 1024;

export class CaptureSockets {
  private readonly servers = new Map<number, Promise<Http>>();
  private readonly options: CaptureSocketOptions;
  private underWay = 0;

  constructor(options: CaptureSocketOptions) {
    this.options = options;
  }

  /** Makes sure that the user's socket listens. @returns its folder */
  async open(userId: number): Promise<string> {
    const directory = join(this.options.directory, captureFolder(this.options.key, userId));
    let server = this.servers.get(userId);
    if (!server) {
      server = this.listen(userId, directory);
      this.servers.set(userId, server);
      server.catch(() => this.servers.delete(userId));
    }
    await server;
    return directory;
  }

  private async listen(userId: number, directory: string): Promise<Http> {
    await mkdir(directory, { recursive: true, mode: 0o711 });
    await chmod(directory, 0o711);
    const path = join(directory, 'capture.sock');
    await rm(path, { force: true });
    const http = createHttp({ log: this.options.log, bodyLimit, corsOrigins: [], labUrl: '', publicUrl: '' });
    http.post('/v1/observations', (request) =>
      this.deliver(userId, request.body, request.headers['x-shaparak-kernel'] ?? null),
    );
    http.post('/v1/refused-deliveries', async (request, reply) => {
      const refused = checkRefused(request.body);
      if (refused === null) throw problem('request-unreadable', { detail: 'The body is no refused delivery.' });
      const { kernel_id: kernelId, claimed_kernel_id: claimedKernelId, instance, reason } = refused;
      await recordForgery(this.options.database, userId, { kernelId, claimedKernelId, instance, reason });
      return reply.code(204).send();
    });
    await http.listen({ path });
    await chmod(path, 0o666);
    return http;
  }

  /** @param vouched the kernel that the person's server says it comes from, where a server stands between */
  private async deliver(userId: number, body: unknown, vouched: string | string[] | null) {
    const delivery = checkDelivery(body);
    if (delivery === null) throw problem('request-unreadable', { detail: 'The body is no delivery of observations.' });
    const forgery = forgeryIn(delivery, typeof vouched === 'string' ? vouched : null);
    if (forgery !== null) {
      await recordForgery(this.options.database, userId, forgery);
      throw problem('request-unreadable', { detail: 'The delivery is not from the sensor that it names.' });
    }
    if (this.underWay >= mostDeliveriesAtOnce) throw problem('intake-pushback', { retryAfter: 1 });
    this.underWay += 1;
    try {
      const receipt = await receive(this.options, userId, delivery);
      this.options.observe(receipt);
      return receipt;
    } finally {
      this.underWay -= 1;
    }
  }

  async close(): Promise<void> {
    const servers = await Promise.allSettled(this.servers.values());
    await Promise.all(servers.map((server) => (server.status === 'fulfilled' ? server.value.close() : undefined)));
    this.servers.clear();
  }
}

function captureFolder(key: string, userId: number): string {
  return createHmac('sha256', Buffer.from(key, 'hex')).update(`capture ${userId}`).digest('hex').slice(0, 32);
}
