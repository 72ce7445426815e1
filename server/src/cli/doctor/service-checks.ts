/** Portal, gateway, Hub and the sockets between them. */
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { bad, type Facts, type Finding, good, messageOf, note } from './finding.js';
import { askHubApi } from './hub-api.js';

export async function checkServices(facts: Facts): Promise<Finding[]> {
  const { config, state } = facts;
  const host = ['0.0.0.0', '::'].includes(config.bind) ? '127.0.0.1' : config.bind;
  return [
    await checkAddress('portal', `http://${host}:${config.port}/readyz`, join(state.folders.logs, 'portal.log')),
    await checkAddress('gateway', `http://${host}:${config.labPort}/healthz`, join(state.folders.logs, 'gateway.log')),
    await checkHub(facts),
    await checkCaptureSockets(state.folders.runCapture),
  ];
}

async function checkAddress(check: string, url: string, log: string): Promise<Finding> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
    const text = (await answer.text()).slice(0, 200);
    if (answer.ok) return good(check, `${url} answers ${answer.status}`);
    return bad(check, `${url} answers ${answer.status} ${text}`, `look at the last lines of ${log}`);
  } catch (error) {
    const reason = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    return bad(check, `${url} does not answer (${reason})`, `npm start, or look at the last lines of ${log}`);
  }
}

async function checkHub({ state, secrets }: Facts): Promise<Finding> {
  const log = join(state.folders.logs, 'hub.log');
  try {
    const { status, body } = await askHubApi(state.hubSocket, secrets.hubToken, '/hub/api/info');
    if (status !== 200) return bad('JupyterHub', `answers ${status}`, `look at the last lines of ${log}`);
    const version = typeof body === 'object' && body !== null && 'version' in body ? String(body.version) : 'unknown';
    return good('JupyterHub', `version ${version}`);
  } catch (error) {
    return bad('JupyterHub', `does not answer (${messageOf(error)})`, `npm start, or look at the last lines of ${log}`);
  }
}

/** Each user who ever started a lab in this run has one; a folder without an answering socket is a deaf intake. */
async function checkCaptureSockets(directory: string): Promise<Finding> {
  let folders: string[];
  try {
    folders = readdirSync(directory);
  } catch (error) {
    return bad('capture sockets', messageOf(error), 'npm start');
  }
  if (folders.length === 0) return note('capture sockets', 'none yet; the first start of a lab makes one');
  const answers = await Promise.all(folders.map((folder) => accepts(join(directory, folder, 'capture.sock'))));
  const deaf = answers.filter((answer) => !answer).length;
  if (deaf === 0) return good('capture sockets', `${folders.length} accept records`);
  return bad(
    'capture sockets',
    `${deaf} of ${folders.length} do not answer; their kernels keep records in their spool`,
    'restart with npm start',
  );
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.setTimeout(3000, () => socket.destroy());
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
