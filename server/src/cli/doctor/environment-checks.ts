/** Settings, Node, Python environment, isolation, data folder, disk: what must be right before anything runs. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, readConfig } from '../../config.js';
import { lockOwner } from '../../supervisor/data-lock.js';
import { findInstallation, type Installation, readInstallation } from '../../supervisor/installation.js';
import { detectIsolation, thisMachine } from '../../supervisor/isolation/isolation.js';
import { loadSecrets } from '../../supervisor/secrets.js';
import { readState } from '../../supervisor/state.js';
import { bad, type Facts, type Finding, good, messageOf, note } from './finding.js';
import { checkManifest } from './manifest-check.js';

/** `facts` is null where so much is missing that nothing later can be checked. */
export async function checkEnvironment(env: NodeJS.ProcessEnv): Promise<{ findings: Finding[]; facts: Facts | null }> {
  const findings: Finding[] = [];
  let config: Config;
  try {
    config = readConfig(env);
    findings.push(good('settings', 'every SHAPARAK_* variable is known and valid'));
  } catch (error) {
    findings.push(bad('settings', messageOf(error), 'correct that variable of the environment'));
    return { findings, facts: null };
  }
  findings.push(checkNode());
  let installation: Installation;
  try {
    installation = readInstallation(findInstallation(config.home));
    findings.push(good('installation', installation.home));
  } catch (error) {
    findings.push(bad('installation', messageOf(error), 'npm start'));
    return { findings, facts: null };
  }
  findings.push(checkPython(installation), checkManifest(installation.environment), checkIsolation());
  try {
    const state = readState(installation.data);
    const secrets = loadSecrets(installation.data);
    findings.push(...checkFolder(installation.data), checkDisk(installation.data));
    return { findings, facts: { config: state.config, installation, state, secrets } };
  } catch (error) {
    findings.push(bad('data folder', messageOf(error), 'npm start'));
    return { findings, facts: null };
  }
}

function checkNode(): Finding {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return good('Node', node);
  return bad('Node', `${node} is older than 20.19`, 'nvm install 22');
}

function checkPython({ environment }: Installation): Finding {
  const question =
    'import sys, importlib.metadata as m; print(sys.version.split()[0], *(n + " " + m.version(n) for n in ("jupyterhub", "jupyterlab", "ipykernel", "shaparak_audit_logger")))';
  const { status, stdout, stderr } = spawnSync(join(environment, 'bin', 'python'), ['-I', '-c', question], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  if (status === 0) return good('Python environment', stdout.trim());
  const reason = stderr?.trim().split('\n').at(-1) || 'it does not start';
  return bad('Python environment', `${environment}: ${reason}`, `rm -r ${environment} && npm start`);
}

function checkIsolation(): Finding {
  const { kind, missing } = detectIsolation(thisMachine(), 65_534);
  const [sentence] = missing;
  if (kind === 'none') return bad('jail of user servers', 'off', sentence ?? 'apt-get install bubblewrap');
  return sentence === undefined
    ? good('jail of user servers', `${kind}, and one for each kernel`)
    : note('jail of user servers', kind, sentence);
}

function checkFolder(data: string): Finding[] {
  try {
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [bad('data folder', `${data} cannot be written`, `chown -R $(id -u) ${data}`)];
  }
  const owner = lockOwner(data);
  const supervisor =
    owner === null
      ? bad('supervisor', 'does not run', 'npm start')
      : good('supervisor', `process ${owner} runs on ${data}`);
  return [good('data folder', data), supervisor];
}

function checkDisk(data: string): Finding {
  const { bavail, bsize } = statfsSync(data);
  const free = Math.floor((bavail * bsize) / 1024 / 1024);
  if (free >= 1024) return good('disk space', `${free} MB free`);
  return bad('disk space', `only ${free} MB free`, `free space on the disk of ${data}`);
}
