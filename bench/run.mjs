/**
 * `npm run bench [-- SUITE …] [--rows N] [--quick] [--out FILE] [--chart] [--cpu-prof FOLDER]`: measures each suite against its peers
 * in one run on one machine, prints a table and adds the rows to a JSON file. Numbers are for comparing within a run; no
 * time passes or fails, but answers that differ from a peer's end the run.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createProgress } from '../setup/progress.mjs';
import { chart } from './chart.mjs';
import { createReport, growth, merged, table } from './report.mjs';

/** name → what `npm run bench -- name` measures; a suite is `run(context)`, see Context */
const suites = {
  capture: () => import('./capture/suite.mjs'),
  reads: () => import('./log/reads-suite.mjs'),
  search: () => import('./log/search-suite.mjs'),
  // After the reads, whose answers are compared with a table that has nothing of what this adds.
  ingest: () => import('./ingest/suite.mjs'),
};

const defaultRows = 1_000_000;
const quickRows = 100_000;
/** The busiest of 1,000 people must have pages to turn. */
const fewestRows = 50_000;

/**
 * What a suite is given.
 * @typedef {object} Context
 * @property {boolean} quick fewer rounds, for CI: shows that the suite works, not how fast anything is
 * @property {number} rows how long a history is made
 * @property {(name: string, make: () => Promise<any>) => Promise<any>} once what several suites share is made once
 * @property {(text: string) => void} say a line of its own
 * @property {object} installation what the set-up prepared: checkout, home, runtime, node, environment
 * @property {ReturnType<typeof createProgress>['step']} step a titled part of the work, with a progress line
 * @property {ReturnType<typeof createReport>} report takes the rows
 * @property {(close: () => unknown) => void} onClose called backwards at the end, however the run ends
 * @property {string | null} cpuProfile folder for profiles of the gateway under load
 */

/**
 * @param {{installation: object, argv: string[], out: NodeJS.WriteStream}} options
 * @returns {Promise<number>} exit code
 */
export async function main({ installation, argv, out }) {
  const chosen = readArguments(argv);
  if (typeof chosen === 'string') {
    out.write(`${chosen}\n`);
    return 2;
  }
  if (chosen.isFresh) rmSync(chosen.file, { force: true });
  const closers = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse())
      await Promise.resolve(one()).catch((error) => out.write(`${error}\n`));
  };
  stopOnSignal(close);
  stopOnSurprise(close);
  const report = createReport();
  const shared = new Map();
  const context = {
    quick: chosen.quick,
    rows: chosen.rows,
    once: (name, make) => {
      if (!shared.has(name)) shared.set(name, make());
      return shared.get(name);
    },
    say: (text) => void out.write(`${text}\n`),
    installation,
    step: createProgress(out).step,
    report,
    onClose: (one) => void closers.push(one),
    cpuProfile: chosen.cpuProfile,
  };
  try {
    out.write(`${cpus().length} cores, ${cpus()[0]?.model.trim()}, Node ${process.versions.node}\n`);
    for (const name of Object.keys(suites).filter((one) => chosen.names.includes(one))) {
      await (await suites[name]()).run(context);
      // Each suite takes minutes: what was measured is not lost with a later one.
      save(chosen, report.rows);
    }
  } finally {
    await close();
  }
  out.write(`\n${table(report.rows)}\n`);
  out.write(`\nWritten to ${relative(process.cwd(), chosen.file)}\n`);
  return 0;
}

function save({ file, chart: withChart }, rows) {
  const measured = merged(readRows(file), rows);
  const all = merged(measured, growth(measured));
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
  if (withChart) writeFileSync(join(import.meta.dirname, '../docs/reference/performance-chart.svg'), chart(all));
}

function readRows(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return [];
  }
}

function readArguments(argv) {
  const known = Object.keys(suites);
  const usage = `Usage: npm run bench [-- ${known.join('|')} …] [--rows N] [--quick] [--out FILE] [--chart] [--cpu-prof FOLDER]`;
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        rows: { type: 'string' },
        out: { type: 'string' },
        chart: { type: 'boolean', default: false },
        'cpu-prof': { type: 'string' },
      },
    });
    const rows = Number(values.rows ?? (values.quick ? quickRows : defaultRows));
    if (!Number.isSafeInteger(rows) || rows < fewestRows)
      return `--rows must be a number from ${fewestRows} on.\n${usage}`;
    const unknown = positionals.filter((name) => !known.includes(name));
    if (unknown.length > 0) return `There is no suite ${unknown.join(', ')}.\n${usage}`;
    const cpuProfile = values['cpu-prof'] === undefined ? null : resolve(values['cpu-prof']);
    if (cpuProfile !== null) mkdirSync(cpuProfile, { recursive: true });
    return {
      names: positionals.length > 0 ? positionals : known,
      quick: values.quick,
      rows,
      // A quick run says nothing about speed: it must not stand among the numbers that others read.
      file: resolve(values.out ?? join(import.meta.dirname, values.quick ? 'results-quick.json' : 'results.json')),
      isFresh: values.quick,
      chart: values.chart,
      cpuProfile,
    };
  } catch (error) {
    return `${error.message}\n${usage}`;
  }
}

function stopOnSignal(close) {
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.on(signal, () => {
      if (isStopping) return;
      isStopping = true;
      process.stdout.write('\nStopping …\n');
      void close().finally(() => process.exit(130));
    });
}

/** An error that nobody waits for must not leave processes behind either. */
function stopOnSurprise(close) {
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${error.stack ?? error}\n`);
    void close().finally(() => process.exit(1));
  });
}
