/**
 * Compiles scan.ts into server/src/log/search/generated/scan.ts, which is committed: so a set-up needs no compiler, and the
 * test beside the scanner proves that the committed bytes are this source's.
 */
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const folder = dirname(fileURLToPath(import.meta.url));

/** @returns {Promise<string>} the module, base64 */
export async function compileScan() {
  let binary = null;
  const { error, stderr } = await asc.main(
    ['scan.ts', '--outFile', 'scan.wasm', '-O3', '--runtime', 'stub', '--noAssert', '--enable', 'simd'].concat([
      '--importMemory',
      '--use',
      'abort=',
      '--baseDir',
      folder,
    ]),
    {
      writeFile: (name, contents) => {
        if (name === 'scan.wasm') binary = contents;
      },
    },
  );
  if (error !== null || binary === null) throw new Error(`scan.ts does not compile: ${error}\n${stderr}`);
  return Buffer.from(binary).toString('base64');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const base64 = await compileScan();
  const lines = base64.match(/.{1,110}/g) ?? [];
  await writeFile(
    join(folder, '../src/log/search/generated/scan.ts'),
    `/** Made by server/assembly/build.mjs from server/assembly/scan.ts. */\nexport const scanModule =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`,
  );
}
