/** npm packages and the built contract, server and portal. */
import { readFile, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { refuseFullDisk, run, SetupError } from './command.mjs';
import { digestOf, once } from './stamps.mjs';

const parts = [
  {
    name: 'contract',
    title: 'Building the contract',
    sources: ['contract/src', 'contract/package.json', 'contract/tsconfig.build.json'],
  },
  {
    name: 'server',
    title: 'Building the server',
    sources: ['contract/src', 'server/src', 'server/package.json', 'server/tsconfig.build.json'],
  },
  {
    name: 'portal',
    title: 'Building the portal',
    sources: [
      'contract/src',
      'portal/src',
      'portal/public',
      'portal/index.html',
      'portal/package.json',
      'portal/vite.config.ts',
      'portal/tsconfig.json',
    ],
  },
];

/** `npm ci` where node_modules differs from the lock file; a tree that somebody installed by hand is left as it is. */
export async function installPackages({ checkout, logs, progress }) {
  if (await agreesWithLock(checkout)) {
    await linkCommand(checkout);
    return;
  }
  await progress.step('Installing the npm packages', async (say) => {
    await refuseFullDisk(checkout, 700);
    say('(from the lock file)');
    await run([...npm(), 'ci', '--no-audit', '--no-fund', '--loglevel=http'], {
      cwd: checkout,
      log: join(logs, 'npm-ci.log'),
      remedy: 'npm ci failed; look at the lines above, check that the npm registry can be reached, and start again',
      onLine: (line) => say(/http fetch \w+ \d+ \S*\/([^/ ]+?)(?:-\d\S*)?\.tgz/.exec(line)?.[1] ?? ''),
    });
  });
}

/** npm links the command of a workspace only when its file was there at installation: an older tree lacks `npx shaparak`. */
async function linkCommand(checkout) {
  const link = join(checkout, 'node_modules', '.bin', 'shaparak');
  await symlink('../@shaparak/server/bin/shaparak.js', link).catch(() => {});
}

/** The npm that runs us, else the one on the PATH; npx sets the same variable to its own file. */
export function npm() {
  const file = process.env.npm_execpath;
  return file !== undefined && basename(file) === 'npm-cli.js' ? [process.execPath, file] : ['npm'];
}

/** npm writes what it installed to node_modules/.package-lock.json. */
export async function agreesWithLock(checkout) {
  const wanted = await packagesIn(join(checkout, 'package-lock.json'));
  if (wanted === null) throw new SetupError('package-lock.json is missing; clone the project again.');
  const installed = await packagesIn(join(checkout, 'node_modules', '.package-lock.json'));
  if (installed === null) return false;
  return Object.entries(wanted).every(([place, { version, optional, peer, link }]) => {
    if (!place.startsWith('node_modules/') && !place.includes('/node_modules/')) return true;
    const found = installed[place];
    if (found === undefined) return optional === true || peer === true;
    return link === true ? found.link === true : found.version === version;
  });
}

async function packagesIn(file) {
  return readFile(file, 'utf8').then(
    (text) => JSON.parse(text).packages ?? {},
    () => null,
  );
}

/** Contract, server and portal, each only where its sources changed since. */
export async function build({ checkout, logs, progress }) {
  for (const { name, title, sources } of parts) {
    const digest = await digestOf(checkout, [...sources, 'package-lock.json', 'tsconfig.base.json']);
    await once(join(checkout, name, 'dist', '.made-from'), digest, () =>
      progress.step(title, async () => {
        await rm(join(checkout, name, 'dist'), { recursive: true, force: true });
        await run(name === 'portal' ? [...npm(), 'run', 'build', '-w', 'portal'] : compile(checkout, name), {
          cwd: checkout,
          log: join(logs, `build-${name}.log`),
          remedy: `The ${name} could not be built; undo the last change of its sources and start again`,
        });
      }),
    );
  }
}

function compile(checkout, name) {
  return [
    process.execPath,
    join(checkout, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    `${name}/tsconfig.build.json`,
  ];
}
