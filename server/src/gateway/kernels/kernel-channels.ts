/**
 * The border to the wire: who carries the messages of one kernel WebSocket. All that the wire's bridge may not decide is
 * decided before: caller, origin, route, the user's own token.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Forwarding, LabProxy } from '../lab-proxy.js';
import type { Caller } from '../sessions/session-cookie.js';

interface KernelChannel {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  caller: Caller;
  kernelId: string;
  /** where the user's server listens, http://… or http+unix://…, and the token that it takes */
  to: Forwarding;
}

export type CarryKernelChannel = (channel: KernelChannel) => void;

export function passThrough(proxy: LabProxy): CarryKernelChannel {
  return ({ request, socket, head, to }) => proxy.forwardUpgrade({ request, socket, head }, to);
}
