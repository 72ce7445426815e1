import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockData, lockOwner } from './data-lock.js';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

it('is held once, names its holder, and is free again after release', () => {
  const lock = lockData(data);
  expect(lockOwner(data)).toBe(process.pid);
  expect(() => lockData(data)).toThrow(new RegExp(`already runs on .* \\(process ${process.pid}\\)`));
  lock.release();
  expect(lockOwner(data)).toBeNull();
  lockData(data).release();
  expect(readdirSync(data)).toEqual([]);
});

it('counts for nothing when its holder is dead', async () => {
  const dead = spawn('true');
  await new Promise((resolve) => dead.once('exit', resolve));
  writeFileSync(join(data, 'lock'), JSON.stringify({ pid: dead.pid, startedAt: null }));
  const lock = lockData(data);
  expect(lockOwner(data)).toBe(process.pid);
  lock.release();
});

it('counts for nothing when the pid belongs to another process by now', () => {
  const lock = lockData(data);
  const mine = JSON.parse(readFileSync(join(data, 'lock'), 'utf8'));
  lock.release();
  writeFileSync(join(data, 'lock'), JSON.stringify({ ...mine, startedAt: 'another boot 1' }));
  expect(lockOwner(data)).toBeNull();
  lockData(data).release();
});

it('that is no JSON (a full disk) is taken over', () => {
  writeFileSync(join(data, 'lock'), '');
  lockData(data).release();
});
