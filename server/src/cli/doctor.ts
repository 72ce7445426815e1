/** `shaparak doctor`: each link of the chain from the settings to the last kernel heard, each failure with its remedy. */

import { checkDatabase } from './doctor/database-checks.js';
import { checkEnvironment } from './doctor/environment-checks.js';
import type { Finding } from './doctor/finding.js';
import { checkSensors } from './doctor/sensor-checks.js';
import { checkServices } from './doctor/service-checks.js';
import type { AddCommand } from './terminal.js';

export const addDoctor: AddCommand = (program, terminal, finish) => {
  program
    .command('doctor')
    .description(
      'Check every part and say what is wrong and which command mends it. Exit code 1 when something failed.',
    )
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const { findings, facts } = await checkEnvironment(terminal.env);
      const print = (some: Finding[]) => {
        if (!json) terminal.out(some.map(line).join(''));
      };
      print(findings);
      if (facts !== null)
        for (const check of [checkDatabase, checkServices, checkSensors]) {
          const more = await check(facts);
          findings.push(...more);
          print(more);
        }
      const failed = findings.filter((finding) => finding.state === 'failed').length;
      if (json) terminal.out(`${JSON.stringify({ ok: failed === 0, checks: findings }, null, 2)}\n`);
      else
        terminal.out(failed === 0 ? 'Everything is in order.\n' : `${failed} of ${findings.length} checks failed.\n`);
      finish(failed === 0 ? 0 : 1);
    });
};

const signs = { ok: '✔', failed: '✘', note: '·' } as const;

function line({ check, state, detail, remedy }: Finding): string {
  return `${signs[state]} ${check}: ${detail}\n${remedy === null ? '' : `    → ${remedy}\n`}`;
}
