/**
 * One supervisor per data folder. The lock is a file that names its owner by pid and start time, so the file of a killed
 * owner counts for nothing, also when its pid belongs to another process by now. A stale file is first renamed by the one
 * who takes over: of two starters only one succeeds in that.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode } from '../platform/postgres.js';
import { StartError } from './start-error.js';

export interface DataLock {
  release(): void;
}

interface Owner {
  pid: number;
  startedAt: string | null;
}

/** @throws StartError with the pid of the supervisor that works on this folder */
export function lockData(data: string): DataLock {
  mkdirSync(data, { recursive: true, mode: 0o711 });
  const file = join(data, 'lock');
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, JSON.stringify({ pid: process.pid, startedAt: startTime(process.pid) } satisfies Owner));
  try {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      if (tryLink(mine, file)) return { release: () => rmSync(file, { force: true }) };
      const owner = readOwner(file);
      if (owner !== null && isAlive(owner))
        throw new StartError(
          `Shaparak already runs on ${dirname(file)} (process ${owner.pid}); stop that one with Ctrl-C or "kill ${owner.pid}" first, or set SHAPARAK_HOME to another folder.`,
        );
      removeStale(file, owner);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  throw new StartError(
    `The lock ${file} changes all the time; wait until the other starts have ended and start again.`,
  );
}

/** The process that holds the folder, or null. */
export function lockOwner(data: string): number | null {
  const owner = readOwner(join(data, 'lock'));
  return owner !== null && isAlive(owner) ? owner.pid : null;
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(file: string): Owner | null {
  try {
    const owner: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof owner !== 'object' || owner === null || !('pid' in owner) || typeof owner.pid !== 'number') return null;
    return {
      pid: owner.pid,
      startedAt: 'startedAt' in owner && typeof owner.startedAt === 'string' ? owner.startedAt : null,
    };
  } catch {
    return null;
  }
}

/** What was renamed away may be the fresh lock of a faster starter: then it is put back. */
function removeStale(file: string, stale: Owner | null): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  const taken = readOwner(aside);
  if (taken !== null && isAlive(taken) && taken.pid !== stale?.pid) tryLink(aside, file);
  rmSync(aside, { force: true });
}

function isAlive({ pid, startedAt }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
  }
  return startedAt === null || startTime(pid) === startedAt;
}

/** Field 22 of /proc/<pid>/stat, ticks since boot, with the boot it counts from; null where there is no /proc. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${ticks}`;
  } catch {
    return null;
  }
}
