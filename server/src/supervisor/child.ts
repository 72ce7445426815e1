/**
 * One service that is kept running. States: starting → ready → (ended) → waiting → starting …; `stop` leads to stopped from
 * everywhere. A service that ends before its first readiness three times in a row has failed: its start is given up, with
 * its last words. After its first readiness it is started again for ever, after pauses of 0.5 s doubling to 5 s: people are
 * at work, and a service that ends at each start costs little at that pace.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { findCommand } from './isolation/isolation.js';
import type { LogFile } from './log-file.js';
import { StartError } from './start-error.js';

export interface Service {
  name: string;
  argv: string[];
  env: Record<string, string>;
  /** as root: uid and gid; null = our own */
  owner: { uid: number; gid: number } | null;
  /** a Node process of ours, which says over IPC that it listens */
  ipc: boolean;
  /** for other services: resolves when it answers, rejects never; called for each start */
  answers?: (signal: AbortSignal) => Promise<void>;
  log: LogFile;
  onLine?: (line: string) => void;
}

export interface Child {
  name: string;
  /** first readiness. Rejects with StartError when the service can't start */
  ready: Promise<void>;
  restarts(): number;
  stop(patienceMs: number): Promise<void>;
  kill(): void;
}

export interface ChildOptions {
  report: (line: string) => void;
  firstPauseMs?: number;
  longestPauseMs?: number;
  /** after this long the next end counts as the first one again */
  steadyMs?: number;
}

const attempts = 3;

export function keepRunning(service: Service, options: ChildOptions): Child {
  const { report, firstPauseMs = 500, longestPauseMs = 5_000, steadyMs = 10_000 } = options;
  let process_: ChildProcess | null = null;
  let ended: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  let stopping = false;
  let everReady = false;
  let restarts = 0;
  let failures = 0;
  let lastWords: string[] = [];
  let settle: { resolve: () => void; reject: (error: Error) => void } = { resolve: () => {}, reject: () => {} };
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  ready.catch(() => {});

  function becomeReady(): void {
    everReady = true;
    settle.resolve();
  }

  function start(): void {
    timer = null;
    lastWords = [];
    const begun = performance.now();
    const child = launch(service);
    const over = new AbortController();
    process_ = child;
    readLines(child, service, (line) => {
      lastWords = [...lastWords.slice(-11), line];
    });
    if (service.ipc) child.on('message', (message) => isListening(message) && becomeReady());
    else void service.answers?.(over.signal).then(() => over.signal.aborted || becomeReady());
    ended = new Promise((resolve) => {
      const end = (reason: string) => {
        over.abort();
        process_ = null;
        resolve();
        if (!stopping) again(reason, performance.now() - begun);
      };
      child.once('error', (error) => end(error.message));
      child.once('close', (code, signal) => end(signal ?? `exit code ${code}`));
    });
  }

  function again(reason: string, livedMs: number): void {
    failures = livedMs > steadyMs ? 1 : failures + 1;
    if (!everReady && failures >= attempts) {
      settle.reject(
        new StartError(`The ${service.name} does not start (${reason}). Its last lines:\n${lastWords.join('\n')}`),
      );
      return;
    }
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
    restarts += 1;
    report(`The ${service.name} ended (${reason}); restart ${restarts} in ${(pause / 1000).toFixed(1)} s.`);
    timer = setTimeout(start, pause);
  }

  async function stop(patienceMs: number): Promise<void> {
    stopping = true;
    if (timer !== null) clearTimeout(timer);
    const child = process_;
    if (child === null) return;
    child.kill('SIGTERM');
    const late = setTimeout(() => {
      report(`The ${service.name} did not stop within ${patienceMs / 1000} s and is killed.`);
      child.kill('SIGKILL');
    }, patienceMs);
    await ended;
    clearTimeout(late);
  }

  start();
  return {
    name: service.name,
    ready,
    restarts: () => restarts,
    stop,
    kill: () => {
      stopping = true;
      process_?.kill('SIGKILL');
    },
  };
}

function launch({ argv, env, owner, ipc }: Service): ChildProcess {
  const setpriv = findCommand('setpriv');
  // The kernel ends the service when we die, however we die. Without setpriv (macOS) our own services notice by their IPC channel.
  const lifeline = setpriv === null || process.platform !== 'linux' ? [] : [setpriv, '--pdeathsig', 'TERM', '--'];
  const [command = '', ...rest] = [...lifeline, ...argv];
  return spawn(command, rest, {
    ...(owner ?? {}),
    env,
    cwd: '/',
    // A session of its own: Ctrl-C of the terminal reaches the supervisor only, which stops services in their order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
  });
}

const isListening = (message: unknown) =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === 'listening';

function readLines(child: ChildProcess, { log, onLine }: Service, keep: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      log.write(chunk);
      const lines = (rest + chunk).split('\n');
      // A line without end must not fill the memory.
      rest = (lines.pop() ?? '').slice(-64 * 1024);
      for (const line of lines) {
        keep(line);
        onLine?.(line);
      }
    });
  }
}
