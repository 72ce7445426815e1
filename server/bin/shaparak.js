#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
  const { main: run } = await import(main.href);
  process.exitCode = await run(process.argv);
} else {
  process.stderr.write('Shaparak is not built yet; run "npm start" once, which sets everything up.\n');
  process.exitCode = 1;
}
