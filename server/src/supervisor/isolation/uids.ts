/**
 * As root each service and each user has a uid of its own. The numbers are chosen once per installation, inside the range
 * that this machine (or container) has, and kept in the data folder, because its files belong to them.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../secrets.js';
import { StartError } from '../start-error.js';

export interface Uids {
  postgres: number;
  portal: number;
  gateway: number;
  /** for a machine where the Hub can't jail its servers and so must not be root */
  hub: number;
  /** group of the services: may pass the folder of the database socket */
  services: number;
  /** user number n runs as userBase + n */
  userBase: number;
}

interface Range {
  first: number;
  count: number;
}

/** A machine of its own has 2^32 uids: a million for each installation, far above those of people and packages. */
const installationSize = 1_000_000;
const installations = 1_000;
const bigBase = 1_000_000_000;
/** A container in a user namespace often has 65,536: services from 20,000, users from 21,000. */
const smallBase = 20_000;
const smallUsers = 1_000;

/** @throws StartError where the range of uids is too small, or no longer holds those of the data folder */
export function loadUids(data: string, uidMap: string = readFileSync('/proc/self/uid_map', 'latin1')): Uids {
  const ranges = parseUidMap(uidMap);
  const file = join(data, 'uids.json');
  const kept = readKept(file);
  if (kept !== null) {
    if (holds(ranges, kept.postgres) && holds(ranges, kept.userBase + 1)) return kept;
    throw new StartError(
      `The files of ${data} belong to uids from ${kept.postgres} on, which do not exist here (a container with other uids?); start it where it was made, or set SHAPARAK_HOME to a new folder.`,
    );
  }
  const uids = chooseUids(ranges, data);
  writePrivateFile(file, JSON.stringify(uids));
  return uids;
}

/** The numbers follow from the folder's path, so that two installations of one machine do not share them. */
export function chooseUids(ranges: Range[], data: string): Uids {
  const slot = createHash('sha256').update(data).digest().readUInt32BE(0) % installations;
  const big = bigBase + slot * installationSize;
  if (holds(ranges, big) && holds(ranges, big + installationSize - 1)) return from(big, 100_000);
  if (holds(ranges, smallBase) && holds(ranges, smallBase + 2 * smallUsers)) return from(smallBase, smallUsers);
  throw new StartError(
    'This container has too few uids for services and users of their own; give it 65536 (for example with --userns-remap), or run Shaparak as an ordinary user.',
  );
}

const from = (base: number, users: number): Uids => ({
  postgres: base + 1,
  portal: base + 2,
  gateway: base + 3,
  hub: base + 4,
  services: base + 5,
  userBase: base + users,
});

/** Lines of "inside outside count". */
export function parseUidMap(text: string): Range[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((parts) => parts.length === 3)
    .map(([first = 0, , count = 0]) => ({ first, count }));
}

const holds = (ranges: Range[], uid: number) => ranges.some(({ first, count }) => uid >= first && uid < first + count);

function readKept(file: string): Uids | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  const kept: Partial<Uids> = JSON.parse(text);
  return Object.keys(from(0, 0)).every((key) => typeof kept[key as keyof Uids] === 'number') ? (kept as Uids) : null;
}
