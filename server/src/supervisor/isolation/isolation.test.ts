import { describe, expect, it } from 'vitest';
import { detectIsolation, type Machine } from './isolation.js';

function machine(
  changes: Partial<Machine> & { works?: boolean; settings?: Record<string, string> },
): Machine & { ran: string[][] } {
  const ran: string[][] = [];
  return {
    root: true,
    has: () => true,
    run: (argv) => {
      ran.push(argv);
      return { status: changes.works === false ? 1 : 0, stderr: 'bwrap: Creating new namespace failed\n' };
    },
    sysctl: (path) => changes.settings?.[path] ?? null,
    ...changes,
    ran,
  };
}

describe('isolation', () => {
  it('as root drops to the user’s uid before bubblewrap, because a jail made by root has no /proc', () => {
    const one = machine({});
    expect(detectIsolation(one, 4242)).toEqual({
      kind: 'uid+bubblewrap',
      protections: ['uid', 'bubblewrap'],
      missing: [],
    });
    expect(one.ran[0]?.slice(0, 2)).toEqual(['setpriv', '--reuid=4242']);
  });

  it('as an ordinary user has no uids, and says so', () => {
    const found = detectIsolation(machine({ root: false }), 0);
    expect(found.kind).toBe('bubblewrap');
    expect(found.missing.join()).toMatch(/as root/);
  });

  it('names the package that is missing', () => {
    const found = detectIsolation(machine({ has: (command) => command !== 'bwrap' }), 1);
    expect(found.kind).toBe('none');
    expect(found.missing.join()).toMatch(/apt-get install bubblewrap/);
  });

  it.each([
    ['user/max_user_namespaces', '0', /user\.max_user_namespaces=15000/],
    ['kernel/unprivileged_userns_clone', '0', /unprivileged_userns_clone=1/],
    ['kernel/apparmor_restrict_unprivileged_userns', '1', /apparmor_restrict_unprivileged_userns=0/],
    ['kernel/other', '1', /Creating new namespace failed.*--security-opt/],
  ])('where bubblewrap fails with %s=%s names the command', (path, value, command) => {
    const found = detectIsolation(machine({ works: false, settings: { [path]: value } }), 1);
    expect(found).toMatchObject({ kind: 'none', protections: [] });
    expect(found.missing.join()).toMatch(command);
  });
});
