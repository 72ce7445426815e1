/** The two public ports are tried before anything starts, so that a taken one costs a second and not a half-started system. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Config } from '../config.js';
import { errorCode } from '../platform/postgres.js';
import { StartError } from './start-error.js';

/** @throws StartError naming the port and the setting */
export async function checkPorts(config: Pick<Config, 'bind' | 'port' | 'labPort'>): Promise<void> {
  await checkPort(config.bind, config.port, 'SHAPARAK_PORT', 'portal');
  await checkPort(config.bind, config.labPort, 'SHAPARAK_LAB_PORT', 'lab');
}

async function checkPort(bind: string, port: number, setting: string, what: string): Promise<void> {
  // Root could bind it here, but the service runs under a uid of its own, which can't.
  if (port < firstFreePort())
    throw new StartError(
      `Port ${port} of the ${what} is reserved for root, and no service of Shaparak runs as root; set ${setting} to ${firstFreePort()} or more and let a reverse proxy serve port ${port}.`,
    );
  try {
    await holdPort(bind, port);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EADDRINUSE')
      throw new StartError(
        `Port ${port} of the ${what} is taken by another program (see "ss -ltnp sport = :${port}"); stop that program, or set ${setting} to a free port.`,
      );
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EINVAL')
      throw new StartError(
        `SHAPARAK_BIND is "${bind}", which is no address of this machine; use 127.0.0.1 or 0.0.0.0.`,
      );
    throw error;
  }
}

function firstFreePort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'latin1'));
  } catch {
    return 1024;
  }
}

/** Binds and frees the port at once. @returns the port, chosen by the system for 0 */
export function holdPort(bind: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: bind, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}
