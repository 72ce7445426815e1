/**
 * Where this installation lives. HOME is SHAPARAK_HOME, else .shaparak/ in the checkout; as root, where other uids can't
 * pass to the checkout (a clone in root's home), /var/lib/shaparak/<digest of the checkout's path>, because services and
 * users run under uids of their own.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants, mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SetupError } from './command.mjs';

const stranger = 65_534;
const isRoot = process.getuid?.() === 0;

/** @returns {Promise<{checkout: string, home: string, reachable: boolean, root: boolean}>} */
export async function choosePlaces(directory, env, { root = isRoot, passes = canPass } = {}) {
  const checkout = await realpath(directory);
  const reachable = !root || passes(checkout);
  const asked = env.SHAPARAK_HOME ? resolve(env.SHAPARAK_HOME) : null;
  const home = asked ?? (reachable ? join(checkout, '.shaparak') : join('/var/lib/shaparak', digest(checkout)));
  await makeHome(home);
  if (root && !passes(home))
    throw new SetupError(
      `Other users cannot reach ${home}, and as root services run under users of their own; allow it with "chmod o+x ${home}" and the same for the folders above, or set SHAPARAK_HOME to another folder.`,
    );
  return { checkout, home, reachable, root };
}

const digest = (path) => createHash('sha256').update(path).digest('hex').slice(0, 12);

async function makeHome(home) {
  try {
    await mkdir(home, { recursive: true, mode: 0o711 });
    await access(home, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new SetupError(
      `The folder ${home} cannot be written (${error.code}); give it to this user, or set SHAPARAK_HOME to a folder that can be written.`,
    );
  }
}

/** Tried for real as a stranger: permissions of all folders above and access lists have their say. */
function canPass(directory) {
  const options = { uid: stranger, gid: stranger, cwd: '/', stdio: 'ignore' };
  return spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', directory], options).status === 0;
}

/**
 * What the supervisor and the command line need to know; read by server/src/supervisor/installation.ts. The environment of
 * the tests gets a file of its own, so that `npm test` changes nothing for an installation that runs.
 */
export async function writeInstallation(installation, name = 'installation.json') {
  const text = `${JSON.stringify(installation, null, 2)}\n`;
  const file = join(installation.home, name);
  await writeIfChanged(file, text).catch((error) => {
    throw new SetupError(`${file} cannot be written (${error.code}); check the owner of the folder.`);
  });
  // A pointer for `npx shaparak`; with a read-only checkout SHAPARAK_HOME does its work.
  await writeIfChanged(join(installation.checkout, '.shaparak', name), text).catch(() => {});
  return file;
}

async function writeIfChanged(file, text) {
  if ((await readFile(file, 'utf8').catch(() => null)) === text) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
