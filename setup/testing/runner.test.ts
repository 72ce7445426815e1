import { expect, it } from 'vitest';
import { countJunit, countVitest, judge, runSteps, summary } from './runner.mjs';

it.each([
  [0, null, false, { passed: 1, failed: 0, skipped: 0 }],
  [2, null, false, { passed: 0, failed: 1, skipped: 0 }],
  [0, null, true, { passed: 0, failed: 1, skipped: 0 }],
  [0, { passed: 3, failed: 0, skipped: 1 }, true, { passed: 3, failed: 0, skipped: 1 }],
  [1, { passed: 3, failed: 2, skipped: 0 }, true, { passed: 3, failed: 2, skipped: 0 }],
  [1, { passed: 3, failed: 0, skipped: 0 }, true, { passed: 3, failed: 1, skipped: 0 }],
  [0, { passed: 0, failed: 0, skipped: 4 }, true, { passed: 0, failed: 1, skipped: 4 }],
])('exit code %s with counts %j, report expected: %s', (code, counts, expects, result) => {
  expect(judge(code, counts, expects)).toEqual(result);
});

it('counts a vitest report, a file that failed before its first test included', () => {
  const testResults = [
    { status: 'failed', assertionResults: [] },
    { status: 'failed', assertionResults: [{ status: 'failed' }] },
  ];
  const report = { numPassedTests: 5, numFailedTests: 1, numPendingTests: 2, numTodoTests: 0, testResults };
  expect(countVitest(JSON.stringify(report))).toEqual({ passed: 5, failed: 2, skipped: 2 });
  expect(countVitest('{')).toBeNull();
});

it('counts a pytest report', () => {
  const report =
    '<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1.0">';
  expect(countJunit(report)).toEqual({ passed: 4, failed: 3, skipped: 3 });
  expect(countJunit('')).toBeNull();
});

it('runs steps in order, goes on after a failed one, and closes with the sum', async () => {
  let printed = '';
  const out = {
    write(text: string | Buffer) {
      printed += text;
      return true;
    },
  };
  const script = (text: string) => [process.execPath, '-e', text];
  const steps = [
    { name: 'good', argv: script('console.log("first")') },
    { name: 'bad', argv: script('process.exit(1)') },
    { name: 'absent', argv: ['/does/not/exist'] },
    { name: 'last', argv: script('console.log("last")') },
  ];
  const results = await runSteps(steps, { cwd: '/', env: {}, out });
  expect(printed.indexOf('first')).toBeLessThan(printed.indexOf('last'));
  expect(summary(results).trimEnd().split('\n').at(-1)).toBe('2 passed, 2 failed');
  expect(summary([{ name: 'a', passed: 1, failed: 0, skipped: 2, seconds: 1 }])).toMatch(
    /\n1 passed, 0 failed, 2 skipped\n$/,
  );
});
