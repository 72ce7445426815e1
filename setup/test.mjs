/** `npm test`: the same set-up as `npm start`, then every check and test, then a table and one line with the sum. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopCommands } from './command.mjs';
import { prepare } from './prepare.mjs';
import { explain } from './start.mjs';
import { runSteps, summary } from './testing/runner.mjs';
import { steps } from './testing/steps.mjs';

/** Programs that the tests need and npm can't bring, with Debian's package for each. */
const programs = [
  { names: ['chromium', 'chromium-browser', 'google-chrome'], package: 'chromium' },
  { names: ['bwrap'], package: 'bubblewrap' },
];

export async function main() {
  const checkout = dirname(dirname(fileURLToPath(import.meta.url)));
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => {
      stopCommands();
      process.exit(130);
    });
  const lacking = programs.filter(({ names }) => !names.some((name) => isInstalled(name))).map((one) => one.package);
  if (lacking.length > 0) {
    process.stdout.write(
      `The tests need ${lacking.join(' and ')}; run "apt-get install ${lacking.join(' ')}" and start again.\n0 passed, 1 failed\n`,
    );
    process.exitCode = 1;
    return;
  }
  try {
    const environment = { name: 'test-environment', locks: ['requirements.txt', 'requirements-dev.txt'] };
    const { installation, file } = await prepare({ checkout, env: process.env, stream: process.stdout, environment });
    const reports = join(installation.home, 'test-reports');
    await mkdir(reports, { recursive: true });
    const chosen = process.argv.slice(2);
    // Hours of faults and of load run alone (npm run test:long).
    const long = chosen.includes('e2e-long');
    const plan = steps({ ...installation, reports, long }).filter(
      ({ name }) => chosen.length === 0 || chosen.includes(name),
    );
    const results = await runSteps(plan, { cwd: checkout, env: testEnvironment(file), out: process.stdout });
    process.stdout.write(summary(results));
    process.exitCode = results.every((result) => result.failed === 0) ? 0 : 1;
  } catch (error) {
    explain(error);
    process.stdout.write('0 passed, 1 failed\n');
    process.exitCode = 1;
  }
}

function isInstalled(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  return folders.some((folder) => existsSync(join(folder, name)));
}

/** Settings of the person who runs the tests must not change what they test. */
function testEnvironment(file) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(SHAPARAK_|DATABASE_|PG[A-Z]+$)/.test(name));
  return { ...Object.fromEntries(kept), TEST_INSTALLATION: file };
}
