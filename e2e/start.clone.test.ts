/** `npm start` on a fresh clone with nothing but Node and Python: set-up, first start, second start. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { freePort, processesOf, watch } from './started-system.js';

const checkout = dirname(import.meta.dirname);
let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'shaparak-clone-'));
  chmodSync(place, 0o711);
  execFileSync('git', ['clone', '--quiet', checkout, join(place, 'clone')]);
}, 900_000);
afterAll(() => rmSync(place, { recursive: true, force: true }));

it('sets itself up, serves, and starts in seconds the second time', async () => {
  const clone = join(place, 'clone');
  const ports = { portal: await freePort(), lab: await freePort() };
  const npmStart = () => watch(['npm', 'start'], place, ports, {}, clone);
  const first = npmStart();
  await first.printed('Shaparak is ready');
  expect(first.output()).toContain('✔ Installing the npm packages');
  expect(first.output()).toContain('✔ Installing the Python packages');
  expect((await fetch(`http://127.0.0.1:${ports.portal}/readyz`)).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${ports.lab}/healthz`)).status).toBe(200);
  const help = execFileSync('npx', ['shaparak', '--help'], { cwd: clone, encoding: 'utf8' });
  expect(help).toContain('doctor');
  first.process.kill('SIGTERM');
  await first.ended;
  await vi.waitFor(() => expect(processesOf(clone)).toEqual([]), { timeout: 10_000 });

  const begun = performance.now();
  const second = npmStart();
  await second.printed('Shaparak is ready');
  expect(second.output()).not.toContain('Installing');
  expect(second.output()).not.toContain('Building');
  expect(performance.now() - begun).toBeLessThan(30_000);
  second.process.kill('SIGTERM');
  await second.ended;
  await vi.waitFor(() => expect(processesOf(clone)).toEqual([]), { timeout: 10_000 });
}, 900_000);
