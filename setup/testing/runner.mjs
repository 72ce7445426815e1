/** Runs named steps one after the other, shows what they print, and counts what they tested. */
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';

/**
 * @typedef {{name: string, argv: string[], env?: Record<string, string>, report?: {kind: 'vitest' | 'pytest', file: string}}} Step
 * @typedef {{name: string, passed: number, failed: number, skipped: number, seconds: number}} Result
 *
 * A step without a report (types, lint, …) counts as one test.
 * @param {Step[]} steps
 * @returns {Promise<Result[]>}
 */
export async function runSteps(steps, { cwd, env, out }) {
  const results = [];
  for (const step of steps) {
    out.write(`\n── ${step.name} ──\n`);
    if (step.report) await rm(step.report.file, { force: true });
    const begun = performance.now();
    const code = await runStep(step, cwd, env, out);
    const counts = step.report ? await readCounts(step.report) : null;
    results.push({
      name: step.name,
      ...judge(code, counts, step.report !== undefined),
      seconds: (performance.now() - begun) / 1000,
    });
  }
  return results;
}

function runStep({ argv, env: own }, cwd, env, out) {
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), { cwd, env: { ...env, ...own }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => out.write(chunk));
    child.stderr.on('data', (chunk) => out.write(chunk));
    child.once('error', (error) => {
      out.write(`${error.message}\n`);
      resolve(1);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** A run that ends badly without a failed test (a crash, a missing report, a leaked handle) is one failure more. */
export function judge(code, counts, expectsReport) {
  if (!expectsReport) return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  if (counts === null) return { passed: 0, failed: 1, skipped: 0 };
  const nothing = counts.passed + counts.failed === 0;
  const unexplained = (code !== 0 || nothing) && counts.failed === 0;
  return { ...counts, failed: counts.failed + (unexplained ? 1 : 0) };
}

/** @returns {Promise<{passed: number, failed: number, skipped: number} | null>} null where there is no readable report */
async function readCounts({ kind, file }) {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  return kind === 'vitest' ? countVitest(text) : countJunit(text);
}

export function countVitest(text) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests = 0, testResults = [] } = JSON.parse(text);
    // A file that fails before its first test is a failed suite without a failed test.
    const emptyFailures = testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.every((one) => one.status !== 'failed'),
    ).length;
    return { passed: numPassedTests, failed: numFailedTests + emptyFailures, skipped: numPendingTests + numTodoTests };
  } catch {
    return null;
  }
}

export function countJunit(text) {
  const suites = [...text.matchAll(/<testsuite\s[^>]*>/g)].map(([tag]) => tag);
  if (suites.length === 0) return null;
  const sum = (name) =>
    suites.reduce((total, tag) => total + Number(new RegExp(`\\s${name}="(\\d+)"`).exec(tag)?.[1] ?? 0), 0);
  const failed = sum('failures') + sum('errors');
  return { passed: sum('tests') - failed - sum('skipped'), failed, skipped: sum('skipped') };
}

/** @param {Result[]} results */
export function summary(results) {
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
  const width = Math.max(4, ...results.map(({ name }) => name.length));
  const line = (name, ...cells) => `${name.padEnd(width)}${cells.map((cell) => String(cell).padStart(10)).join('')}`;
  const rows = results.map((one) => line(one.name, one.passed, one.failed, one.skipped, `${one.seconds.toFixed(1)} s`));
  const skipped = total('skipped');
  const sum = `${total('passed')} passed, ${total('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  return `\n${[line('step', 'passed', 'failed', 'skipped', 'time'), ...rows, '', sum].join('\n')}\n`;
}
