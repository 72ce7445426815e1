import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepRunning, type Service } from './child.js';
import { type LogFile, openLogFile } from './log-file.js';

let place: string;
let log: LogFile;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'child-'));
  log = openLogFile(join(place, 'log'));
});
afterEach(async () => {
  await log.close();
  rmSync(place, { recursive: true, force: true });
});

const service = (script: string, changes: Partial<Service> = {}): Service => ({
  name: 'test service',
  argv: [process.execPath, '-e', script],
  env: { PATH: '/usr/bin:/bin' },
  owner: null,
  ipc: true,
  log,
  ...changes,
});

const listening = "process.send({ type: 'listening' });";

it('is ready when the service says that it listens, and stops it', async () => {
  const lines: string[] = [];
  const child = keepRunning(
    service(`console.log('[a line]'); ${listening} setInterval(() => {}, 1000)`, {
      onLine: (line) => lines.push(line),
    }),
    { report: () => {} },
  );
  await child.ready;
  await vi.waitFor(() => expect(lines).toEqual(['[a line]']));
  await child.stop(5000);
  expect(child.restarts()).toBe(0);
});

it('gives up a service that never comes up, with its last words', async () => {
  const reports: string[] = [];
  const child = keepRunning(service("console.error('no such table'); process.exit(3)"), {
    report: (line) => reports.push(line),
    firstPauseMs: 5,
  });
  await expect(child.ready).rejects.toThrow(/test service does not start \(exit code 3\)[\s\S]*no such table/);
  expect(reports).toHaveLength(2);
  await child.stop(100);
});

it('starts a service again that dies after it was ready', async () => {
  const counter = join(place, 'starts');
  writeFileSync(counter, '');
  const reports: string[] = [];
  const script = `require('fs').appendFileSync(${JSON.stringify(counter)}, 'x'); ${listening} setTimeout(() => process.exit(1), 20)`;
  const child = keepRunning(service(script), {
    report: (line) => reports.push(line),
    firstPauseMs: 5,
    longestPauseMs: 20,
  });
  await vi.waitFor(() => expect(readFileSync(counter, 'utf8').length).toBeGreaterThan(4), { timeout: 20_000 });
  await child.stop(1000);
  const seen = readFileSync(counter, 'utf8').length;
  expect(child.restarts()).toBeGreaterThanOrEqual(seen - 1);
  expect(reports[0]).toMatch(/restart 1 in/);
});

it('kills a service that ignores the request to stop', async () => {
  const reports: string[] = [];
  const child = keepRunning(service(`process.on('SIGTERM', () => {}); ${listening} setInterval(() => {}, 1000)`), {
    report: (line) => reports.push(line),
  });
  await child.ready;
  await child.stop(50);
  expect(reports.join()).toMatch(/did not stop within/);
});

it('keeps the log below its limit, and the lines before it', async () => {
  const file = openLogFile(join(place, 'small'), 100);
  for (let line = 0; line < 12; line += 1) file.write(`${String(line).padStart(29, '.')}\n`);
  await file.close();
  const lines = (name: string) => readFileSync(join(place, name), 'utf8').match(/\d+/g);
  expect([lines('small'), lines('small.1'), lines('small.2')]).toEqual([
    ['9', '10', '11'],
    ['6', '7', '8'],
    ['3', '4', '5'],
  ]);
});
