/** The Python environment: locked packages, our wheel with its kernel spec and configuration, the banner extension. */
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { refuseFullDisk, run, SetupError } from './command.mjs';
import { writeManifest } from './manifest.mjs';
import { npm } from './packages.mjs';
import { findForeignPip } from './python.mjs';
import { digestOf, once } from './stamps.mjs';

const image = 'jupyter-user-image';

/**
 * @param {{checkout: string, home: string, logs: string, python: object, progress: object, name?: string, locks?: string[]}} place
 * @returns {Promise<string>} the folder of the environment
 */
export async function prepareEnvironment(place) {
  const { checkout, home, python, name = 'environment', locks = ['requirements.txt'] } = place;
  const prefix = join(home, name);
  const files = locks.map((lock) => join(image, lock));
  const packages = await digestOf(checkout, files, [python.executable, python.version, prefix]);
  await once(join(prefix, '.packages'), packages, () => installPackages({ ...place, prefix, files }));
  const sources = await digestOf(checkout, await existing(checkout), [packages]);
  await once(join(prefix, '.wheel'), sources, () => installWheel({ ...place, prefix }));
  const banner = await digestOf(checkout, [join(image, 'labextension')], [sources]);
  await once(join(prefix, '.banner'), banner, () => installBanner({ ...place, prefix }));
  return prefix;
}

/** All files of the wheel: what the folder holds besides the extension, tests and locks. */
async function existing(checkout) {
  const names = await readdir(join(checkout, image));
  return names.filter((name) => !notInWheel.has(name)).map((name) => join(image, name));
}

const notInWheel = new Set([
  'labextension',
  'tests',
  'node_modules',
  'dist',
  'requirements-dev.in',
  'requirements-dev.txt',
  'requirements.in',
  'requirements.txt',
  'Dockerfile',
]);

async function installPackages({ checkout, home, logs, progress, prefix, python, files, name = 'environment' }) {
  await mkdir(home, { recursive: true });
  await refuseFullDisk(home, 1500);
  const log = join(logs, `${name}.log`);
  const pip = python.ensurepip ? null : findForeignPip();
  if (!python.ensurepip && pip === null)
    throw new SetupError(
      `Python ${python.version} at ${python.executable} can make no environment with pip; run "apt-get install python3-venv" and start again.`,
    );
  await progress.step(`Making the Python environment (Python ${python.version})`, async () => {
    await rm(prefix, { recursive: true, force: true });
    await run([python.executable, '-m', 'venv', ...(pip === null ? [] : ['--without-pip']), prefix], {
      log,
      remedy: 'The Python environment could not be made; run "apt-get install python3-venv" and start again',
    });
  });
  await progress.step('Installing the Python packages', (say) => {
    let seen = 0;
    return run(
      [
        ...(pip === null
          ? [join(prefix, 'bin', 'python'), '-m', 'pip']
          : [...pip, '--python', join(prefix, 'bin', 'python')]),
        ...['install', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off', '--only-binary', ':all:'],
        ...['--require-hashes', ...files.flatMap((file) => ['-r', file])],
      ],
      {
        cwd: checkout,
        log,
        remedy:
          'The Python packages could not be installed; look at the lines above, check that the package index can be reached, and start again',
        onLine: (line) => {
          const package_ = /^Collecting ([^\s=]+)/.exec(line)?.[1];
          if (package_ === undefined && !line.startsWith('Installing')) return;
          seen += 1;
          say(package_ === undefined ? '(unpacking)' : `(${seen}: ${package_})`);
        },
      },
    );
  });
}

/** Built from a copy: the build writes beside its sources, and the checkout may be read-only. */
async function installWheel({ checkout, home, logs, progress, prefix, name = 'environment' }) {
  await progress.step('Installing the kernel sensor', async () => {
    const copy = join(home, 'setup', `${name}-wheel`);
    await rm(copy, { recursive: true, force: true });
    await mkdir(copy, { recursive: true });
    for (const entry of await readdir(join(checkout, image)))
      if (!notInWheel.has(entry)) await cp(join(checkout, image, entry), join(copy, entry), { recursive: true });
    const python = join(prefix, 'bin', 'python');
    const step = {
      cwd: copy,
      log: join(logs, `${name}-wheel.log`),
      remedy: 'The kernel sensor could not be installed; look at the lines above',
    };
    const pip = await pipOf(prefix, python);
    await run(
      [
        ...pip,
        'install',
        '--disable-pip-version-check',
        '--no-input',
        '--no-index',
        '--no-deps',
        '--no-build-isolation',
        '--force-reinstall',
        copy,
      ],
      step,
    );
    await run([python, '-m', 'shaparak_audit_logger', 'install', '--prefix', prefix], step);
    await rm(copy, { recursive: true, force: true });
  });
}

async function pipOf(prefix, python) {
  const own = (await readdir(join(prefix, 'bin'))).includes('pip');
  const foreign = own ? null : findForeignPip();
  return foreign === null ? [python, '-m', 'pip'] : [...foreign, '--python', python];
}

async function installBanner({ checkout, logs, progress, prefix, name = 'environment' }) {
  await progress.step('Building the banner of JupyterLab', async () => {
    await run([...npm(), 'run', 'build', '-w', 'shaparak-banner'], {
      cwd: checkout,
      env: { ...process.env, SHAPARAK_PYTHON_PREFIX: prefix },
      log: join(logs, `${name}-banner.log`),
      remedy: 'The banner of JupyterLab could not be built; look at the lines above',
    });
    const target = join(prefix, 'share', 'jupyter', 'labextensions', 'shaparak-banner');
    await rm(target, { recursive: true, force: true });
    await cp(join(checkout, image, 'labextension', 'lib-out'), target, { recursive: true });
    await writeManifest(prefix);
  });
}
