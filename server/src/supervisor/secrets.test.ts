import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chooseRun } from './folders.js';
import { loadSecrets } from './secrets.js';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'secrets-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

it('secrets are made once, differ from each other, and are private', () => {
  const first = loadSecrets(data);
  expect(loadSecrets(data)).toEqual(first);
  const file = join(data, 'secrets', 'secrets.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const words = readFileSync(file, 'utf8').match(/[0-9a-f]{64}/g) ?? [];
  expect(words).toHaveLength(8);
  expect(new Set(words).size).toBe(8);
});

it('a damaged secrets file is refused, never replaced', () => {
  loadSecrets(data);
  truncateSync(join(data, 'secrets', 'secrets.json'), 10);
  expect(() => loadSecrets(data)).toThrow(/damaged; restore it/);
  expect(statSync(join(data, 'secrets', 'secrets.json')).size).toBe(10);
});

it('the folder of sockets is short, and one that others can write is refused', async () => {
  const { chmodSync } = await import('node:fs');
  const run = chooseRun(data, false, { XDG_RUNTIME_DIR: `/run/${'long'.repeat(20)}` });
  try {
    expect(run).toMatch(/^\/tmp\/shaparak-[0-9a-f]{8}$/);
    chmodSync(run, 0o777);
    expect(() => chooseRun(data, false, {})).toThrow(/open to others/);
  } finally {
    rmSync(run, { recursive: true, force: true });
  }
});
