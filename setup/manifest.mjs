/** Digests of what the set-up put into the environment; `shaparak doctor` compares them with what is there later. */
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

const guarded = ['share/jupyter/labextensions/shaparak-banner', 'share/jupyter/kernels', 'etc/jupyter'];

export async function writeManifest(prefix) {
  const [python = 'python3'] = (await readdir(join(prefix, 'lib'))).filter((name) => name.startsWith('python3'));
  const sensor = join('lib', python, 'site-packages', 'shaparak_audit_logger');
  const manifest = {};
  for (const folder of [...guarded, sensor])
    for (const file of await filesBelow(join(prefix, folder)))
      manifest[relative(prefix, file)] = createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
  await writeFile(join(prefix, '.manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`);
}

async function filesBelow(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.pyc'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}
