/** Runs one command of the set-up: output goes to a log file, its last lines are shown where it fails. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The set-up can't go on; `message` says in one sentence what to do, `detail` holds the last lines of a log. */
export class SetupError extends Error {
  constructor(message, detail = '') {
    super(message);
    this.name = 'SetupError';
    this.detail = detail;
  }
}

const running = new Set();

/** Ends what the set-up started; called when we are asked to stop. */
export function stopCommands() {
  for (const child of running) child.kill('SIGTERM');
}

/**
 * @param {string[]} argv command and its arguments
 * @param {{log: string, cwd?: string, env?: NodeJS.ProcessEnv, remedy: string, onLine?: (line: string) => void}} options
 */
export async function run(argv, { log, cwd, env, remedy, onLine }) {
  await mkdir(dirname(log), { recursive: true });
  const file = createWriteStream(log, { flags: 'w' });
  const tail = [];
  const outcome = await new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), { cwd, env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    const keep = (text) => {
      for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
        tail.push(line);
        if (tail.length > 12) tail.shift();
        onLine?.(line);
      }
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', keep);
      stream.pipe(file, { end: false });
    }
    child.once('error', (error) => resolve(error.code ?? error.message));
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve(code ?? signal);
    });
  });
  await new Promise((resolve) => file.end(resolve));
  if (outcome === 0) return;
  await refuseFullDisk(cwd ?? dirname(log), 50);
  throw new SetupError(`${remedy} (ended with ${outcome}; all output: ${log})`, tail.join('\n'));
}

/** @throws SetupError where less than this many MB are free on the disk of the folder */
export async function refuseFullDisk(directory, megabytes) {
  const { bavail, bsize } = await statfs(directory);
  const free = Math.floor((bavail * bsize) / 1024 / 1024);
  if (free >= megabytes) return;
  throw new SetupError(
    `The disk of ${directory} is full: ${free} MB free, ${megabytes} MB needed; free some space, or set SHAPARAK_HOME to a folder on another disk, and start again.`,
  );
}
