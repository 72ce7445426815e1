/**
 * A stamp says from what an output was made: the digest of its sources, kept beside the output. Removed before the work
 * and written after it, so a set-up that was killed half-way is done again.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const ignored = new Set([
  'node_modules',
  'dist',
  '__pycache__',
  '.pytest_cache',
  '.mypy_cache',
  '.ruff_cache',
  'lib-out',
]);

/** Digest of files, folders (with all below them) and plain words. A path that does not exist counts as empty. */
export async function digestOf(root, paths, words = []) {
  const hash = createHash('sha256');
  for (const path of [...paths].sort()) await feed(hash, root, path);
  for (const word of words) hash.update(`\0${word}`);
  return hash.digest('hex');
}

async function feed(hash, root, path) {
  const content = await readFile(join(root, path)).catch((error) => error.code);
  if (content !== 'EISDIR') {
    hash.update(`\0${path}\0`).update(content);
    return;
  }
  const names = (await readdir(join(root, path))).sort();
  for (const name of names)
    if (!ignored.has(name) && !name.endsWith('.egg-info')) await feed(hash, root, join(path, name));
}

/** Does `work` unless the stamp says that it was done with the same digest. @returns true where it worked */
export async function once(stamp, digest, work) {
  if ((await readFile(stamp, 'utf8').catch(() => null)) === digest) return false;
  await rm(stamp, { force: true });
  await work();
  await mkdir(dirname(stamp), { recursive: true });
  await writeFile(stamp, digest);
  return true;
}
