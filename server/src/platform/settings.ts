/**
 * What the supervisor hands to the two processes: a JSON file of mode 0600 that their uid owns. Secrets travel in it and
 * not in arguments or environments, which other processes of the machine may read.
 */
import { readFileSync } from 'node:fs';
import type { JWK } from 'jose';
import type { Config } from '../config.js';
import type { DatabaseSettings } from './postgres.js';

export interface HubSettings {
  /** unix socket of JupyterHub's API */
  socket: string;
  /** API token of the Hub service "portal" */
  token: string;
}

interface CommonSettings {
  config: Config;
  database: DatabaseSettings;
  hub: HubSettings;
}

export interface PortalSettings extends CommonSettings {
  /** unix sockets of the intake: <directory>/<name of the user's folder>/capture.sock */
  captureDirectory: string;
  /** key of the folders' names, hex; a name can't be guessed by another user */
  captureKey: string;
  /** signs lab tickets, Ed25519, JWK */
  ticketPrivateKey: JWK;
  /** built portal, portal/dist */
  assetsDirectory: string;
  /** isolation of user servers that is on: uid, bubblewrap */
  protections: string[];
}

export interface GatewaySettings extends CommonSettings {
  ticketPublicKey: JWK;
  /** signs the lab host's own cookie, hex */
  cookieKey: string;
  proxyApi: { port: number; token: string };
  /** records of the wire sensor wait here for the database */
  spoolDirectory: string;
  /** share/jupyter/kernels of the Python environment: which kernels may be started */
  kernelSpecsDirectory: string;
}

export function readSettings<T extends PortalSettings | GatewaySettings>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
