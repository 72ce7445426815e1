/**
 * The clock of the machine is turned while cells run: by an hour, forward and back. Portal, gateway and PostgreSQL see it
 * (libfaketime, which leaves the monotonic clock alone, as the kernel does); kernels keep the true time, which is the harder
 * case, because then the two witnesses of a cell disagree about when it was.
 */
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ExternalServer, externalServer } from './external-postgres.js';
import { logIn, passwords } from './lab-client.js';
import { expectComplete, keepRunning, openKernel } from './running-cells.js';
import { closePlace, makePlace, type Place, type StartedSystem, start } from './started-system.js';

let place: Place;
let database: ExternalServer;
let system: StartedSystem;
let turnTo: (seconds: number) => void;

beforeEach(async () => {
  place = await makePlace(null);
  const library = readdirSync('/usr/lib')
    .map((folder) => join('/usr/lib', folder, 'faketime', 'libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
  if (library === undefined) throw new Error('The test needs libfaketime; run "apt-get install faketime".');
  const clock = join(place.home, 'clock');
  turnTo = (seconds) => writeFileSync(clock, `${seconds < 0 ? '' : '+'}${seconds}`);
  turnTo(0);
  chmodSync(clock, 0o644);
  const turned = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  underNode(turned);
  database = await externalServer(turned);
  system = start(place, { ...passwords, DATABASE_URL: database.url });
  await system.printed('Shaparak is ready');
});
afterEach(async () => {
  system.process.kill('SIGTERM');
  await system.ended;
  await database.close();
  await closePlace(place);
});

/** Services are started without the environment of who starts them: so their Node is a script that sets it. */
function underNode(environment: Record<string, string>): void {
  const file = join(place.home, 'installation.json');
  const installation = JSON.parse(readFileSync(file, 'utf8'));
  const node = join(place.home, 'node');
  const settings = Object.entries(environment).map(([name, value]) => `${name}='${value}'`);
  writeFileSync(node, `#!/bin/sh\nexport ${settings.join(' ')}\nexec '${installation.node}' "$@"\n`);
  chmodSync(node, 0o755);
  writeFileSync(file, JSON.stringify({ ...installation, node }));
}

it.each([
  ['forward', 3_600],
  ['back', -3_600],
])('turned %s, nothing is missing, twice, or taken for missing', async (_, seconds) => {
  const { kernel, person } = await openKernel(place);
  const beside = keepRunning(person, await person.startKernel(), 'beside');
  const cells = keepRunning(person, kernel, 'turned');
  await cells.progress(50);
  turnTo(seconds);
  await cells.progress(cells.seen.size + 100);
  turnTo(0);
  await cells.progress(cells.seen.size + 100);
  await Promise.all([cells.stop(), beside.stop()]);
  await expectComplete(place, 'turned', cells);
  await expectComplete(place, 'beside', beside);
  expect(readFileSync(join(place.home, 'data', 'logs', 'portal.log'), 'utf8')).toContain('The clock of the machine');
  const chief = await logIn(place, 'admin', 'admin_password');
  const { findings } = await chief.get<{ findings: { kind: string }[] }>('/api/admin/findings?limit=100');
  // That the clocks differ is said of each of the two kernels; and nothing else is said.
  expect(new Set(findings.map(({ kind }) => kind))).toEqual(new Set(['clock-difference']));
});
