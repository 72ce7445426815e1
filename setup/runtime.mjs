/**
 * What the services execute. Normally the checkout itself; where their uids can't reach it, a copy: our built parts and
 * the npm packages that the server needs, found by walking the lock file (a second `npm ci` would need the network).
 */
import { chmod, copyFile, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isPassable } from './python.mjs';
import { digestOf, once } from './stamps.mjs';

const ours = [
  'server/dist',
  'server/migrations',
  'server/package.json',
  'contract/dist',
  'contract/package.json',
  'portal/dist',
  'hub',
  'package.json',
];

/** @returns {Promise<string>} folder that holds server/, contract/, portal/dist, hub/ and node_modules/ */
export async function prepareRuntime({ checkout, home, reachable, progress }) {
  if (reachable) return checkout;
  const target = join(home, 'runtime');
  const digest = await digestOf(checkout, [
    ...['server', 'contract', 'portal'].map((part) => `${part}/dist/.made-from`),
    ...ours,
    'package-lock.json',
  ]);
  await once(join(target, '.made-from'), digest, () =>
    progress.step('Copying the runtime to where the services can reach it', async (say) => {
      const fresh = `${target}.new`;
      await rm(fresh, { recursive: true, force: true });
      await mkdir(fresh, { recursive: true, mode: 0o755 });
      for (const path of ours) await copy(checkout, fresh, path);
      for (const path of await packagesOf(checkout)) {
        say(path.slice('node_modules/'.length));
        await copy(checkout, fresh, path, dirname(path));
      }
      await mkdir(join(fresh, 'node_modules', '@shaparak'), { recursive: true });
      await symlink('../../contract', join(fresh, 'node_modules', '@shaparak', 'contract'));
      await rm(target, { recursive: true, force: true });
      await rename(fresh, target);
    }),
  );
  return target;
}

/** Packages nested in another one are named by the walk themselves, but copying the outer one brings them along. */
async function copy(checkout, target, path) {
  await mkdir(dirname(join(target, path)), { recursive: true });
  await cp(join(checkout, path), join(target, path), { recursive: true, verbatimSymlinks: true, force: true });
}

/** Places in node_modules that the server and the contract need, by Node's own rule: the nearest one upwards. */
export async function packagesOf(checkout) {
  const { packages } = JSON.parse(await readFile(join(checkout, 'package-lock.json'), 'utf8'));
  const found = new Set();
  const queue = ['server', 'contract'];
  for (const place of queue) {
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = packages[place] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const next = nearest(packages, place, name);
      if (next === null || found.has(next) || packages[next].link === true) continue;
      if (!(await isInstalled(checkout, next))) continue;
      found.add(next);
      queue.push(next);
    }
  }
  return [...found].sort();
}

function nearest(packages, place, name) {
  for (let folder = place; ; folder = folder.includes('/') ? dirname(folder) : '') {
    const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages[candidate] !== undefined) return candidate;
    if (folder === '') return null;
  }
}

async function isInstalled(checkout, place) {
  return readFile(join(checkout, place, 'package.json')).then(
    () => true,
    () => false,
  );
}

/** The Node that the services run: ours, or a copy where their uids can't execute it (nvm in root's home). */
export async function prepareNode({ home, root, progress }) {
  if (!root || isPassable(process.execPath, '--version')) return process.execPath;
  const target = join(home, 'node', `node-${process.versions.node}`);
  await once(`${target}.made-from`, process.execPath, () =>
    progress.step('Copying Node to where the services can execute it', async () => {
      await mkdir(dirname(target), { recursive: true, mode: 0o755 });
      await copyFile(process.execPath, target);
      await chmod(target, 0o755);
    }),
  );
  return target;
}
