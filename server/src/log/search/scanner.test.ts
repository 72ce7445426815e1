import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { scanModule } from './generated/scan.js';
import { createScanner } from './scanner.js';
import { createPlainScanner } from './scanner-plain.js';

it('is what its source compiles to', async () => {
  const builder = pathToFileURL(join(import.meta.dirname, '../../../assembly/build.mjs')).href;
  const { compileScan } = (await import(builder)) as { compileScan(): Promise<string> };
  expect(await compileScan()).toBe(scanModule);
});

it('finds what Buffer.indexOf finds, at every place and of every length, up to the last byte', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const fast = createScanner(memory);
  const plain = createPlainScanner(memory);
  const bytes = Buffer.from(memory.buffer);
  // Few letters, so that a needle begins often and ends seldom.
  for (let at = 1_024; at < bytes.length; at += 1) bytes[at] = 97 + (((at * at * 31) >> 7) % 3);
  for (let length = 2; length <= 300; length += 7)
    for (let place = 2_000; place + length <= 2_700; place += 13) {
      bytes.copy(bytes, 0, place, place + length);
      for (const end of [place + length, place + length - 1, 2_700]) {
        const found = fast.find(1_500, end, 0, length, 0, length - 1, length >> 1);
        expect(found, `${length} ${place} ${end}`).toBe(plain.find(1_500, end, 0, length, 0, 0, 0));
      }
    }
});
