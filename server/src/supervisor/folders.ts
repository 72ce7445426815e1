/** Folders of a running installation and who may pass them. RUN is short, because a unix socket's path has 107 bytes. */
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../platform/postgres.js';
import { giveToHub } from './isolation/ownership.js';
import type { Uids } from './isolation/uids.js';
import { StartError } from './start-error.js';

export interface Folders {
  data: string;
  postgres: string;
  hub: string;
  users: string;
  /** the wire sensor's spool */
  gateway: string;
  logs: string;
  settings: string;
  run: string;
  runPostgres: string;
  runHub: string;
  runUsers: string;
  runCapture: string;
}

/** <RUN>/users/<64 characters>/s.sock and <RUN>/capture/<32 hex>/capture.sock must fit into 107 bytes. */
const longestRun = 29;

/** Makes all folders, empties RUN: what an earlier run left there is dead, since we hold the lock. */
export function makeFolders(data: string, uids: Uids | null, hubIsRoot: boolean, env: NodeJS.ProcessEnv): Folders {
  const run = chooseRun(data, uids !== null, env);
  const under = (name: string, mode: number, owner: number | null = null, group = owner) =>
    make(join(data, name), mode, owner, group);
  const running = (name: string, owner: number | null) => make(join(run, name), 0o711, owner, owner);
  // null only where we are an ordinary user, to whom everything belongs anyway.
  const hub = uids === null ? null : hubIsRoot ? 0 : uids.hub;
  make(data, 0o711);
  if (hub !== null) giveToHub(data, hub);
  return {
    data,
    run,
    // PostgreSQL makes it itself, with an owner of its own.
    postgres: join(data, 'pg'),
    hub: under('hub', 0o700, hub),
    users: under('users', 0o711, hub),
    gateway: under('gateway', 0o700, uids?.gateway ?? null),
    logs: under('logs', 0o700),
    settings: under('settings', 0o711),
    runPostgres: join(run, 'pg'),
    runHub: running('hub', hub),
    // The folders of the users' sockets take its group: the services may pass them, other users may not.
    runUsers: uids === null ? running('users', null) : make(join(run, 'users'), 0o2711, hub, uids.services),
    runCapture: running('capture', uids?.portal ?? null),
  };
}

function make(path: string, mode: number, owner: number | null = null, group: number | null = null): string {
  mkdirSync(path, { recursive: true, mode });
  if (owner !== null) chownSync(path, owner, group ?? owner);
  // Last, because a change of the owner may take the set-group bit away.
  chmodSync(path, mode);
  return path;
}

/** /run/shaparak-<digest> as root; else $XDG_RUNTIME_DIR where that is short enough, else /tmp, where ownership is checked. */
export function chooseRun(data: string, root: boolean, env: NodeJS.ProcessEnv): string {
  const digest = createHash('sha256').update(data).digest('hex').slice(0, 8);
  const xdg = env.XDG_RUNTIME_DIR;
  const places = root
    ? [`/run/shaparak-${digest}`, `/tmp/shaparak-${digest}`]
    : [...(xdg?.startsWith('/') ? [join(xdg, `shp-${digest}`)] : []), `/tmp/shaparak-${digest}`];
  for (const run of places.filter((place) => place.length <= longestRun)) {
    try {
      mkdirSync(run, { mode: 0o711 });
    } catch (error) {
      if (errorCode(error) === 'EEXIST') checkOurs(run);
      else continue;
    }
    for (const entry of readdirSync(run)) rmSync(join(run, entry), { recursive: true, force: true });
    chmodSync(run, root ? 0o711 : 0o700);
    return run;
  }
  throw new StartError(
    `No folder for sockets could be made (tried ${places.join(', ')}); set XDG_RUNTIME_DIR to a short folder of yours.`,
  );
}

/** In /tmp anybody could have made it before us, as a link or open to others. */
function checkOurs(run: string): void {
  const state = lstatSync(run);
  if (state.isDirectory() && state.uid === process.getuid?.() && (state.mode & 0o022) === 0) return;
  throw new StartError(
    `${run} belongs to somebody else or is open to others; remove it, or set XDG_RUNTIME_DIR to a short folder of yours.`,
  );
}
