import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readKernelSpecs } from './kernel-specs.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'specs-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function spec(name: string, text: string): void {
  mkdirSync(join(directory, name));
  writeFileSync(join(directory, name, 'kernel.json'), text);
}

describe('kernel specs', () => {
  it('are those of the environment, with a word on whether they bring a sensor', async () => {
    spec('python3', '{"argv":["python","-m","shaparak_audit_logger.launch","-f","{connection_file}"]}');
    spec('bash', '{"argv":["python","-m","bash_kernel","-f","{connection_file}"]}');
    spec('odd', '{"display_name":"x"}');
    expect([...(await readKernelSpecs(directory))].sort()).toEqual([
      ['bash', false],
      ['odd', false],
      ['python3', true],
    ]);
  });

  it('have names without regard to case, as jupyter_client takes them', async () => {
    spec('Julia-1.11', '{"argv":[]}');
    expect([...(await readKernelSpecs(directory)).keys()]).toEqual(['julia-1.11']);
  });

  it('are no folders without a kernel.json, and no files', async () => {
    mkdirSync(join(directory, 'empty'));
    writeFileSync(join(directory, 'README'), '');
    expect((await readKernelSpecs(directory)).size).toBe(0);
  });

  it('that only look like the sensor’s bring none', async () => {
    spec('near', '{"argv":["shaparak_audit_logger.launcher","x shaparak_audit_logger.launch"]}');
    spec('text', '{"argv":"shaparak_audit_logger.launch"}');
    expect([...(await readKernelSpecs(directory)).values()]).toEqual([false, false]);
  });

  it('that cannot be read stop the start of the gateway', async () => {
    spec('broken', '{');
    await expect(readKernelSpecs(directory)).rejects.toThrow(SyntaxError);
    await expect(readKernelSpecs(join(directory, 'nowhere'))).rejects.toThrow('ENOENT');
  });
});
