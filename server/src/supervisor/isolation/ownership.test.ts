import { chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { giveToHub } from './ownership.js';

it.runIf(process.getuid?.() === 0)('follows the Hub when jails go away and come back, and never follows a link', () => {
  const place = mkdtempSync(join(tmpdir(), 'owner-'));
  const outside = join(place, 'outside');
  const home = join(place, 'users', 'ali', 'home');
  const secret = join(place, 'hub', 'cookie_secret');
  mkdirSync(home, { recursive: true });
  mkdirSync(join(place, 'hub'));
  writeFileSync(outside, '');
  writeFileSync(secret, '');
  writeFileSync(join(home, 'a.ipynb'), '');
  symlinkSync(outside, join(home, 'link'));
  for (const path of [home, join(home, 'a.ipynb')]) chownSync(path, 7001, 7001);
  const owners = () =>
    [secret, join(place, 'users', 'ali'), home, join(home, 'a.ipynb'), join(home, 'link'), outside].map(
      (path) => lstatSync(path).uid,
    );
  giveToHub(place, 9000);
  expect(owners()).toEqual([9000, 9000, 9000, 9000, 9000, 0]);
  giveToHub(place, 0);
  // The home goes to its user when that user's server starts.
  expect(owners()).toEqual([0, 0, 9000, 9000, 9000, 0]);
  rmSync(place, { recursive: true });
});
