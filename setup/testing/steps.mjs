/** What `npm test` runs, in its order: the cheap ones first. `npm test -- lint vitest` runs those only. */
import { join } from 'node:path';

/** @returns {import('./runner.mjs').Step[]} */
export function steps({ checkout, environment, reports, long = false }) {
  const bin = (name) => join(checkout, 'node_modules', '.bin', name);
  const python = join(environment, 'bin', 'python');
  const vitest = (name, ...projects) => ({
    name,
    argv: [
      bin('vitest'),
      'run',
      ...projects.flatMap((project) => ['--project', project]),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${join(reports, `${name}.json`)}`,
    ],
    report: { kind: 'vitest', file: join(reports, `${name}.json`) },
  });
  const pytest = (name, folder) => ({
    name,
    argv: [python, '-m', 'pytest', '-q', folder, `--junitxml=${join(reports, `${name}.xml`)}`],
    report: { kind: 'pytest', file: join(reports, `${name}.xml`) },
  });
  const npm = (script) => ({ name: script, argv: ['npm', 'run', '--silent', script] });
  const e2e = vitest('e2e', 'e2e');
  return [
    npm('types'),
    npm('lint'),
    npm('layers'),
    npm('unused'),
    npm('duplicates'),
    { name: 'ruff', argv: [python, '-m', 'ruff', 'check', 'jupyter-user-image', 'hub'] },
    {
      name: 'mypy',
      argv: [python, '-m', 'mypy', '--config-file', 'jupyter-user-image/pyproject.toml', 'jupyter-user-image/src'],
    },
    vitest('vitest', 'unit', 'portal', 'banner', 'bench'),
    pytest('pytest-kernel', 'jupyter-user-image/tests'),
    pytest('pytest-hub', 'hub/tests'),
    {
      // That both sides answer alike, not how fast they are: the machine of the tests may do anything else.
      name: 'bench',
      argv: [
        process.execPath,
        join(checkout, 'bench', 'bench.cjs'),
        'reads',
        'search',
        'ingest',
        '--quick',
        '--out',
        join(reports, 'bench.json'),
      ],
    },
    long ? { ...e2e, name: 'e2e-long', argv: [...e2e.argv, 'e2e/faults.test.ts', 'e2e/flat-memory.test.ts'] } : e2e,
  ];
}
