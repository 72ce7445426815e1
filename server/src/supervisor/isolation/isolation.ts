/** Which protection of user servers this machine allows: tried for real, and named plainly where it is off. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export type IsolationKind = 'uid+bubblewrap' | 'bubblewrap' | 'none';

export interface Isolation {
  kind: IsolationKind;
  /** names for the portal: uid, bubblewrap */
  protections: string[];
  /** what is off, each a sentence with the command that brings it */
  missing: string[];
}

type Run = (argv: string[]) => Pick<SpawnSyncReturns<string>, 'status' | 'stderr'>;

export interface Machine {
  root: boolean;
  has(command: string): boolean;
  run: Run;
  /** content of a file below /proc/sys, or null */
  sysctl(path: string): string | null;
}

export const thisMachine = (): Machine => ({
  root: process.getuid?.() === 0,
  has: (command) => findCommand(command) !== null,
  run: ([command = '', ...rest]) => spawnSync(command, rest, { encoding: 'utf8', cwd: '/', timeout: 10_000 }),
  sysctl: (path) => {
    try {
      return readFileSync(join('/proc/sys', path), 'latin1').trim();
    } catch {
      return null;
    }
  },
});

/** Full path of a command, or null. */
export function findCommand(name: string, path = process.env.PATH ?? ''): string | null {
  const folders = [...path.split(delimiter), '/usr/bin', '/bin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? null;
}

/** @param uid a user's uid, for the trial as root */
export function detectIsolation(machine: Machine, uid: number): Isolation {
  const lacking = ['bwrap', 'setpriv', 'prlimit'].filter((command) => !machine.has(command));
  if (lacking.length > 0)
    return off(
      machine,
      `The jail of user servers is off, because ${lacking.join(', ')} is not installed; run "apt-get install bubblewrap util-linux" and start again.`,
    );
  const drop = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs'];
  // A server's jail and a kernel's inside it: where only the first works, every kernel would fail to start.
  const jail = [...bubblewrap(), ...bubblewrap('--disable-userns'), 'true'];
  const trial = machine.run(machine.root ? [...drop, ...jail] : jail);
  if (trial.status === 0)
    return machine.root
      ? { kind: 'uid+bubblewrap', protections: ['uid', 'bubblewrap'], missing: [] }
      : {
          kind: 'bubblewrap',
          protections: ['bubblewrap'],
          missing: [
            'User servers share the uid of this user; run "npm start" as root to give each user a uid of its own.',
          ],
        };
  return off(machine, `The jail of user servers is off, because ${whyNot(machine, trial.stderr)}`);
}

const bubblewrap = (...options: string[]) => [
  ...['bwrap', '--unshare-user', '--unshare-all', ...options, '--die-with-parent'],
  ...['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev'],
];

function off(machine: Machine, sentence: string): Isolation {
  const consequence = machine.root
    ? 'Until then all user servers run under one uid and can read each other’s files.'
    : 'Until then user servers can read everything that this user can read.';
  return { kind: 'none', protections: [], missing: [`${sentence} ${consequence}`] };
}

function whyNot(machine: Machine, stderr: string): string {
  if (machine.sysctl('user/max_user_namespaces') === '0')
    return 'this machine allows no user namespaces; run "sysctl -w user.max_user_namespaces=15000" and start again.';
  if (machine.sysctl('kernel/unprivileged_userns_clone') === '0')
    return 'only root may make user namespaces here; run "sysctl -w kernel.unprivileged_userns_clone=1" and start again.';
  if (machine.sysctl('kernel/apparmor_restrict_unprivileged_userns') === '1')
    return 'AppArmor restricts user namespaces here; run "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" and start again.';
  if (stderr.includes('disable-userns'))
    return 'this bubblewrap is older than 0.8 and cannot make a jail for each kernel; install a newer one and start again.';
  const said = stderr.split('\n').find((line) => line.trim() !== '') ?? 'bwrap did not start';
  return `bubblewrap cannot work here (${said}); in a container, run it with "--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined".`;
}
