// Builds the extension with the `jupyter-builder` of the Python environment: SHAPARAK_PYTHON_PREFIX names it, else PATH.
// JupyterLab's own packages are shared at run time and never installed here (`dependencies` stays empty): their
// npm releases of 4.6.6 are incomplete.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const prefix = process.env.SHAPARAK_PYTHON_PREFIX;
const folders = prefix ? [join(prefix, 'bin')] : (process.env.PATH ?? '').split(delimiter);
const builder = folders.map((folder) => join(folder, 'jupyter-builder')).find((file) => existsSync(file));
if (builder === undefined) {
  console.error(
    `jupyter-builder was not found in ${prefix ? folders[0] : 'PATH'}: install jupyter-user-image/requirements.txt ` +
      'into a Python environment and name it in SHAPARAK_PYTHON_PREFIX',
  );
  process.exit(1);
}
rmSync(join(here, 'lib-out'), { recursive: true, force: true });
// The builder looks for `node` in PATH; it must be the one that runs this script.
const PATH = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
const { status, error } = spawnSync(builder, ['build', here], { stdio: 'inherit', env: { ...process.env, PATH } });
if (error) console.error(`${builder} could not be run: ${error.message}`);
process.exit(status ?? 1);
