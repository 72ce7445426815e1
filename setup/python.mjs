/** Which Python runs the Hub and the user servers: 3.11 or newer, and as root one that other uids can execute. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { SetupError } from './command.mjs';

const names = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.14', 'python'];
const question =
  'import json, sys, importlib.util as u; print(json.dumps([list(sys.version_info[:2]), sys.executable, sys.base_prefix, bool(u.find_spec("venv")), bool(u.find_spec("ensurepip"))]))';
/** any uid that is not ours and owns nothing */
const stranger = 65_534;

/**
 * @param {{root: boolean}} machine
 * @returns {{executable: string, prefix: string, version: string, ensurepip: boolean}}
 */
export function choosePython({ root, candidates = listCandidates(), ask = askPython, passable = isPassable }) {
  const seen = [];
  const usable = [];
  for (const path of candidates) {
    const found = ask(path);
    if (found === null || seen.some((one) => one.executable === found.executable)) continue;
    seen.push(found);
    if (found.minor < 11 || !found.venv) continue;
    if (root && !passable(found.executable)) continue;
    usable.push(found);
  }
  // The lock was made for 3.11 to 3.13; a newer Python may lack wheels, so it comes last.
  const best =
    usable.find((one) => one.minor <= 13 && one.ensurepip) ?? usable.find((one) => one.minor <= 13) ?? usable[0];
  if (best !== undefined) return best;
  throw new SetupError(explain(seen, root));
}

function explain(seen, root) {
  const newest = seen.filter((one) => one.minor >= 11)[0];
  const install = 'apt-get install python3 python3-venv';
  if (newest === undefined)
    return `Shaparak needs Python 3.11 or newer and found ${seen.length === 0 ? 'none' : seen.map((one) => one.version).join(', ')}; install one (${install}) and start again.`;
  if (root)
    return `Python ${newest.version} at ${newest.executable} cannot be executed by other users, and as root services run under users of their own; install one for all users (${install}) and start again.`;
  return `Python ${newest.version} at ${newest.executable} has no venv module; install it (${install}) and start again.`;
}

function listCandidates() {
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions');
  const pyenvs = existsSync(pyenv) ? readdirSync(pyenv).map((version) => join(pyenv, version, 'bin')) : [];
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/bin',
    '/usr/local/bin',
    '/opt/homebrew/bin',
    ...pyenvs,
  ];
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).filter((path) => existsSync(path));
}

/** A pyenv shim answers with the interpreter that it stands for. */
function askPython(path) {
  const { status, stdout } = spawnSync(path, ['-I', '-c', question], { encoding: 'utf8', timeout: 20_000, cwd: '/' });
  if (status !== 0) return null;
  try {
    const [[major, minor], executable, prefix, venv, ensurepip] = JSON.parse(stdout);
    if (major !== 3) return null;
    return { minor, version: `${major}.${minor}`, executable: realpathSync(executable), prefix, venv, ensurepip };
  } catch {
    return null;
  }
}

/** Tried for real: permissions, access lists and mount options all have their say. */
export function isPassable(executable, ...argv) {
  const options = { uid: stranger, gid: stranger, cwd: '/', timeout: 20_000, stdio: 'ignore' };
  return spawnSync(executable, argv.length > 0 ? argv : ['-c', 'pass'], options).status === 0;
}

/** A pip that can install into a venv without one of its own (`pip --python`, since 22.3), as Debian's python3-pip. */
export function findForeignPip(candidates = listCandidates()) {
  for (const path of candidates) {
    const { status, stdout } = spawnSync(path, ['-m', 'pip', '--version'], {
      encoding: 'utf8',
      timeout: 20_000,
      cwd: '/',
    });
    const version = /^pip (\d+)\.(\d+)/.exec(status === 0 ? stdout : '');
    if (version !== null && Number(version[1]) * 100 + Number(version[2]) >= 2203) return [path, '-m', 'pip'];
  }
  return null;
}
