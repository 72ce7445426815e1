import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkManifest } from './manifest-check.js';

let environment: string;
beforeEach(() => {
  environment = mkdtempSync(join(tmpdir(), 'environment-'));
  const text = 'the sensor';
  writeFileSync(join(environment, 'sensor.py'), text);
  const manifest = { 'sensor.py': createHash('sha256').update(text).digest('hex') };
  writeFileSync(join(environment, '.manifest.json'), JSON.stringify(manifest));
});
afterEach(() => rmSync(environment, { recursive: true, force: true }));

it('is content with files that are as they were installed', () => {
  expect(checkManifest(environment)).toMatchObject({
    state: 'ok',
    detail: '1 files as they were installed',
    remedy: null,
  });
});

it('names a file that was changed, one that is gone, and says how to get it back', () => {
  writeFileSync(join(environment, 'sensor.py'), 'a quieter sensor');
  expect(checkManifest(environment)).toMatchObject({ state: 'failed', detail: 'sensor.py is changed' });
  rmSync(join(environment, 'sensor.py'));
  expect(checkManifest(environment).detail).toBe('sensor.py is missing');
  expect(checkManifest(environment).remedy).toContain('npm start');
});

it('does not trust an environment without its list', () => {
  rmSync(join(environment, '.manifest.json'));
  expect(checkManifest(environment).state).toBe('failed');
});
