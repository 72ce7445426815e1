/** The whole system under test, on a data folder of its own, and one person who uses it. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort, plainEnvironment, signalAll, startProcess, treeOf, until } from './processes.mjs';

/** A module of the built server. */
export const product = ({ runtime }, path) => import(pathToFileURL(join(runtime, 'server', 'dist', path)));

const passwords = { SHAPARAK_TEST_USER_PASSWORD: 'bench_password', SHAPARAK_ADMIN_PASSWORD: 'bench_admin_password' };

/** A folder for everything that a run makes; removed at the end. */
export function makeFolder(context) {
  const folder = mkdtempSync(join(tmpdir(), 'shaparak-bench-'));
  // Services and users run under uids of their own.
  chmodSync(folder, 0o711);
  context.onClose(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @param {import('./run.mjs').Context} context @param {string} folder */
export async function startSystem(context, folder) {
  const installation = { ...context.installation, home: folder, data: join(folder, 'data') };
  const file = join(folder, 'installation.json');
  writeFileSync(file, JSON.stringify(installation));
  const ports = { portal: await freePort(), lab: await freePort() };
  const main = join(installation.runtime, 'server', 'dist', 'main.js');
  const system = startProcess([installation.node, main, 'supervise', '--installation', file], {
    env: {
      ...plainEnvironment(),
      HOME: folder,
      SHAPARAK_PORT: String(ports.portal),
      SHAPARAK_LAB_PORT: String(ports.lab),
      ...passwords,
    },
    log: join(folder, 'system.log'),
  });
  let stopping;
  // Once: the id of a process that has ended may be another one's.
  const stop = () => {
    stopping ??= stopAll();
    return stopping;
  };
  const stopAll = async () => {
    const tree = treeOf(system.pid);
    await system.stop();
    signalAll(tree, 'SIGKILL'); // what an orderly end has left
  };
  context.onClose(stop);
  await system.orDied(
    until(
      () => {
        if (!system.output().includes('Shaparak is ready')) throw new Error(system.output());
      },
      'the start of the system',
      120_000,
    ),
  );
  const readSettings = (name) => JSON.parse(readFileSync(join(installation.data, 'settings', `${name}.json`), 'utf8'));
  const state = readSettings('supervisor');
  return {
    installation,
    main,
    state,
    pid: system.pid,
    stop,
    gatewaySettings: readSettings('gateway'),
    portalUrl: `http://127.0.0.1:${ports.portal}`,
    labUrl: `http://127.0.0.1:${ports.lab}`,
    /** process id of PostgreSQL */
    databasePid: () => Number(readFileSync(join(state.folders.postgres, 'postmaster.pid'), 'utf8').split('\n')[0]),
  };
}

/** Logs in as the first user, starts the lab and enters it. @param {Awaited<ReturnType<typeof startSystem>>} system */
export async function enterLab(system) {
  const { portalUrl, labUrl } = system;
  const username = 'test_user';
  const login = new URLSearchParams({ username, password: passwords.SHAPARAK_TEST_USER_PASSWORD });
  const { access_token: token } = await json(await fetch(`${portalUrl}/api/login`, { method: 'POST', body: login }));
  const headers = { authorization: `Bearer ${token}` };
  await fetch(`${portalUrl}/api/lab/start`, { method: 'POST', headers });
  await until(async () => {
    const { state, reason } = await json(await fetch(`${portalUrl}/api/lab`, { headers }));
    if (state !== 'running') throw new Error(`the lab is ${state} ${reason ?? ''}`);
  }, 'the start of the lab');
  const { ticket } = await json(await fetch(`${portalUrl}/api/lab/ticket`, { method: 'POST', headers }));
  const body = new URLSearchParams({ ticket });
  const entered = await fetch(`${labUrl}/ticket`, { method: 'POST', redirect: 'manual', body });
  const cookie = (entered.headers.get('set-cookie') ?? '').split(';')[0] ?? '';

  const channels = (kernelId) => `/user/${username}/api/kernels/${kernelId}/channels`;
  return {
    username,
    token,
    cookie,
    /** @returns {Promise<string>} id of a new kernel with a notebook */
    async startKernel() {
      const path = `${crypto.randomUUID().slice(0, 8)}.ipynb`;
      const answer = await fetch(`${labUrl}/user/${username}/api/sessions`, {
        method: 'POST',
        headers: { cookie, origin: labUrl, 'content-type': 'application/json' },
        body: JSON.stringify({ path, name: path, type: 'notebook', kernel: { name: 'python3' } }),
      });
      return (await json(answer)).kernel.id;
    },
    /** the way of a browser: through the gateway */
    throughGateway: (kernelId) => ({
      url: `${labUrl.replace('http', 'ws')}${channels(kernelId)}`,
      headers: { cookie, origin: labUrl },
    }),
    /** past the gateway, which nobody but the machine's own administrator could do */
    async straight(kernelId) {
      const { hub, proxyApi } = system.gatewaySettings;
      const routes = await json(
        await fetch(`http://127.0.0.1:${proxyApi.port}/api/routes`, {
          headers: { authorization: `token ${proxyApi.token}` },
        }),
      );
      const { target } = routes[`/user/${username}`] ?? routes[`/user/${username}/`];
      const socket = decodeURIComponent(/^(?:http\+unix|unix\+http):\/\/([^/:]+)/.exec(target)?.[1] ?? '');
      const { createHubClient } = await product(system.installation, 'lab/index.js');
      const { body: issued } = await createHubClient(hub).call('POST', `/users/${username}/tokens`, {
        note: 'bench',
        expires_in: 3600,
        scopes: [`access:servers!user=${username}`],
      });
      return {
        url: `ws+unix:${socket}:${channels(kernelId)}`,
        headers: { authorization: `token ${issued.token}`, host: 'localhost' },
      };
    },
  };
}

/** @param {Response} answer */
export async function json(answer) {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}
