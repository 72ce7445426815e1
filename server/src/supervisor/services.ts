/** The three services beside the database: what each is told, as whom it runs, and how we know that it answers. */
import { chownSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../config.js';
import type { GatewaySettings, HubSettings, PortalSettings } from '../platform/settings.js';
import type { Service } from './child.js';
import type { InstalledDatabase } from './database.js';
import type { Folders } from './folders.js';
import type { Installation } from './installation.js';
import type { Isolation } from './isolation/isolation.js';
import type { Uids } from './isolation/uids.js';
import { openLogFile } from './log-file.js';
import { type Secrets, writePrivateFile } from './secrets.js';

export interface ServiceDeps {
  config: Config;
  installation: Installation;
  folders: Folders;
  secrets: Secrets;
  uids: Uids | null;
  isolation: Isolation;
  database: InstalledDatabase;
  /** loopback port of the gateway's proxy API, held free until now */
  proxyPort: number;
  /** lines of the Hub and of users' servers that name the sensor */
  onSensorLine: (line: string) => void;
}

/** In the order in which they start; they stop in the opposite one. */
export function describeServices(deps: ServiceDeps): Service[] {
  return [portal(deps), gateway(deps), hub(deps)];
}

function portal(deps: ServiceDeps): Service {
  const { folders, secrets, installation, isolation, database } = deps;
  const settings: PortalSettings = {
    config: withoutSecrets(deps.config),
    database: database.portal,
    hub: hubAccess(deps),
    captureDirectory: folders.runCapture,
    captureKey: secrets.captureKey,
    ticketPrivateKey: secrets.ticketPrivateKey,
    assetsDirectory: join(installation.runtime, 'portal', 'dist'),
    protections: isolation.protections,
  };
  return nodeService('portal', settings, deps);
}

function gateway(deps: ServiceDeps): Service {
  const { secrets, database, proxyPort } = deps;
  const settings: GatewaySettings = {
    config: withoutSecrets(deps.config),
    database: database.gateway,
    hub: hubAccess(deps),
    ticketPublicKey: secrets.ticketPublicKey,
    cookieKey: secrets.cookieKey,
    proxyApi: { port: proxyPort, token: secrets.proxyToken },
    spoolDirectory: deps.folders.gateway,
    kernelSpecsDirectory: join(deps.installation.environment, 'share', 'jupyter', 'kernels'),
  };
  return nodeService('gateway', settings, deps);
}

export const hubSocket = (folders: Folders) => join(folders.runHub, 'hub.sock');

/** `python -m jupyterhub`, less 1.0 s: jsonschema's optional rfc3987_syntax compiles a grammar when it is imported. */
const runHub =
  "import runpy, sys; sys.modules['rfc3987_syntax'] = None; runpy.run_module('jupyterhub', run_name='__main__', alter_sys=True)";

const hubAccess = ({ folders, secrets }: ServiceDeps): HubSettings => ({
  socket: hubSocket(folders),
  token: secrets.hubToken,
});

/** First passwords and the owner's database address are the supervisor's business alone. */
const withoutSecrets = (config: Config): Config => ({
  ...config,
  testUserPassword: null,
  adminPassword: null,
  databaseUrl: null,
  databaseDirectUrl: null,
});

function nodeService(
  name: 'portal' | 'gateway',
  settings: PortalSettings | GatewaySettings,
  deps: ServiceDeps,
): Service {
  const { installation, folders, uids } = deps;
  const owner = uids === null ? null : { uid: uids[name], gid: uids.services };
  const file = join(folders.settings, `${name}.json`);
  writePrivateFile(file, JSON.stringify(settings));
  if (owner !== null) chownSync(file, owner.uid, owner.gid);
  return {
    name,
    argv: [installation.node, join(installation.runtime, 'server', 'dist', 'main.js'), name, '--settings', file],
    env: { ...baseEnvironment(), NODE_ENV: 'production', TZ: deps.config.timeZone },
    owner,
    ipc: true,
    log: openLogFile(join(folders.logs, `${name}.log`)),
  };
}

function hub(deps: ServiceDeps): Service {
  const { installation, folders, secrets, uids, isolation, config } = deps;
  const owner = uids === null || isolation.kind === 'uid+bubblewrap' ? null : { uid: uids.hub, gid: uids.hub };
  const file = join(folders.settings, 'hub.json');
  const settings = {
    hub_socket: hubSocket(folders),
    service_token: secrets.hubToken,
    proxy_api_url: `http://127.0.0.1:${deps.proxyPort}`,
    proxy_token: secrets.proxyToken,
    data_directory: folders.hub,
    users_directory: folders.users,
    run_directory: folders.runUsers,
    lab_url: config.labUrl,
    environment_prefix: installation.environment,
    time_zone: config.timeZone,
    isolation: isolation.kind,
    user_uid_base: uids?.userBase ?? 1_000_100_000,
  };
  writePrivateFile(file, JSON.stringify(settings));
  if (owner !== null) chownSync(file, owner.uid, owner.gid);
  const bin = join(installation.environment, 'bin');
  return {
    name: 'hub',
    argv: [join(bin, 'python'), '-c', runHub, '-f', join(installation.runtime, 'hub', 'jupyterhub_config.py')],
    env: {
      ...baseEnvironment(),
      PATH: `${bin}:${baseEnvironment().PATH}`,
      HOME: folders.hub,
      PYTHONUNBUFFERED: '1',
      PYTHONDONTWRITEBYTECODE: '1',
      SHAPARAK_HUB_SETTINGS: file,
    },
    owner,
    ipc: false,
    answers: (signal) => untilHubAnswers(hubSocket(folders), signal),
    log: openLogFile(join(folders.logs, 'hub.log')),
    onLine: (line) => {
      if (line.includes('[shaparak_audit_logger]')) deps.onSensorLine(line);
    },
  };
}

/** Nothing of the operator's environment reaches a service: it may hold passwords. */
const baseEnvironment = () => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  LC_ALL: 'C.UTF-8',
});

/** The Hub tells nobody when it is ready; its socket is asked every 50 ms. */
async function untilHubAnswers(socketPath: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await askHub(socketPath))) await pause(50);
}

/** True where the Hub's API answers at all. */
function askHub(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/hub/api/', timeout: 2000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => resolve(false));
    asked.end();
  });
}
