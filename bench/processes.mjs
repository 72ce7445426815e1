/** Processes that the benchmark starts and stops, each by its id. */
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const stopWithinMs = 30_000;
/** Where the kernel can send it, what we started is told to stop when we die, however we die. */
const lifeline = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'TERM', '--'] : [];

/**
 * @param {string[]} argv
 * @param {{env?: NodeJS.ProcessEnv, cwd?: string, log: string, ipc?: boolean}} options what it prints goes to the log file
 */
export function startProcess([command, ...rest], { env, cwd = '/', log, ipc = false }) {
  const [program, ...options] = [...lifeline, command, ...rest];
  const child = spawn(program, options, { env, cwd, stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc'] : [])] });
  const file = createWriteStream(log);
  let output = '';
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => {
      output = (output + chunk).slice(-20_000);
      file.write(chunk);
    });
  const died = ended.then((how) => {
    throw new Error(`${command} ended with ${how}:\n${output.slice(-2_000)}`);
  });
  died.catch(() => {});
  return {
    child,
    pid: child.pid,
    output: () => output,
    /** @template T @param {Promise<T>} awaited @returns {Promise<T>} rejects where the process ends before */
    orDied: (awaited) => Promise.race([awaited, died]),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
      await ended;
      clearTimeout(timer);
      file.end();
    },
  };
}

/** Asks every 50 ms until it works. @template T @param {() => T | Promise<T>} work @returns {Promise<T>} */
export async function until(work, what, timeoutMs = 60_000) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`, { cause: error });
      await pause(50);
    }
  }
}

/** A process and everything below it. */
export function treeOf(pid) {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const status = readFileSync(`/proc/${name}/status`, 'utf8');
        return [{ pid: Number(name), parent: Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) }];
      } catch {
        return []; // ended meanwhile
      }
    });
  const below = (one) => [one, ...parents.filter(({ parent }) => parent === one).flatMap((child) => below(child.pid))];
  return below(pid);
}

/** @param {number[]} pids */
export function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {}
  }
}

/** Resident memory in MB. */
export function memoryOf(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Processor time that it has used, in seconds; with that of its children that have ended, where they count. */
export function processorTimeOf(pid, withEnded = false) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const used = fields.slice(11, withEnded ? 15 : 13);
  return used.reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

/** @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Settings of the person who runs the benchmark must not change what it measures. */
export const plainEnvironment = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(SHAPARAK_|DATABASE_|XDG_|JUPYTER|IPYTHON|PYTHON|PG[A-Z]+$)/.test(name),
    ),
  );
