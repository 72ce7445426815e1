/** The whole set-up in its order; each step is skipped where nothing changed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareEnvironment } from './environment.mjs';
import { build, installPackages } from './packages.mjs';
import { choosePlaces, writeInstallation } from './places.mjs';
import { createProgress } from './progress.mjs';
import { choosePython } from './python.mjs';
import { prepareNode, prepareRuntime } from './runtime.mjs';

/**
 * @param {{checkout: string, env: NodeJS.ProcessEnv, stream: NodeJS.WriteStream, environment?: {name: string, locks: string[]}}} options
 * @returns {Promise<{installation: object, file: string, steps: number}>}
 */
export async function prepare({ checkout: directory, env, stream, environment }) {
  // What is built here must be readable for the services' uids, whatever the umask of the person.
  process.umask(0o022);
  const progress = createProgress(stream);
  const places = await choosePlaces(directory, env);
  const { checkout, home, root } = places;
  const work = { ...places, progress, logs: join(home, 'setup') };
  const earlier = await readEarlier(home);
  const python = await keepPython(earlier, root);
  await installPackages(work);
  await build(work);
  const prefix = await prepareEnvironment({ ...work, ...environment, python });
  const installation = {
    version: 1,
    checkout,
    home,
    data: join(home, 'data'),
    runtime: await prepareRuntime(work),
    node: await prepareNode(work),
    environment: prefix,
    python,
  };
  const file = await writeInstallation(
    installation,
    environment === undefined ? undefined : `${environment.name}.json`,
  );
  return { installation, file, steps: progress.steps() };
}

async function readEarlier(home) {
  return readFile(join(home, 'installation.json'), 'utf8').then(JSON.parse, () => null);
}

/** Asking every Python of the machine takes a second; the earlier choice stands while its file does. */
async function keepPython(earlier, root) {
  const kept = earlier?.python;
  if (kept?.root === root && (await readFile(kept.executable).catch(() => null)) !== null) return kept;
  return { ...choosePython({ root }), root };
}
