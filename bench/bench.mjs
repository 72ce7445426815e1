/** `npm run bench`: the same set-up as `npm test`, then the comparison. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopCommands } from '../setup/command.mjs';
import { prepare } from '../setup/prepare.mjs';
import { explain } from '../setup/start.mjs';

export async function main() {
  const checkout = dirname(dirname(fileURLToPath(import.meta.url)));
  const interrupted = () => {
    stopCommands();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, interrupted);
  try {
    const environment = { name: 'test-environment', locks: ['requirements.txt', 'requirements-dev.txt'] };
    const { installation } = await prepare({ checkout, env: process.env, stream: process.stdout, environment });
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, interrupted);
    // What it needs is there only now.
    const bench = await import('./run.mjs');
    process.exitCode = await bench.main({ installation, argv: process.argv.slice(2), out: process.stdout });
  } catch (error) {
    process.exitCode = explain(error);
  }
}
