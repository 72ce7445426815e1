/** Starts the whole system on a data folder of its own, with the environment that `npm test` has prepared. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';

export interface StartedSystem {
  home: string;
  ports: { portal: number; lab: number };
  process: ChildProcess;
  /** everything that it printed so far */
  output(): string;
  /** resolves when the text was printed; rejects when the system ended before */
  printed(text: string | RegExp): Promise<void>;
  /** exit code, or the signal's name */
  ended: Promise<number | string>;
}

export interface Place {
  home: string;
  ports: { portal: number; lab: number };
  owner: number | null;
  close(): void;
}

/** @param owner uid of the ordinary user who starts it; null = as who the tests run */
export async function makePlace(owner: number | null): Promise<Place> {
  const file = process.env.TEST_INSTALLATION;
  if (file === undefined) throw new Error('TEST_INSTALLATION is not set; run these tests with: npm test -- e2e');
  const home = mkdtempSync(join(tmpdir(), 'shaparak-e2e-'));
  chmodSync(home, 0o711);
  const installation = { ...JSON.parse(readFileSync(file, 'utf8')), home, data: join(home, 'data') };
  writeFileSync(join(home, 'installation.json'), JSON.stringify(installation));
  if (owner !== null) chownSync(home, owner, owner);
  const ports = { portal: await freePort(), lab: await freePort() };
  return { home, ports, owner, close: () => removePlace(home) };
}

/** A system that was killed leaves its folder of sockets behind for the next start, which never comes here. */
function removePlace(home: string): void {
  try {
    const state = JSON.parse(readFileSync(join(home, 'data', 'settings', 'supervisor.json'), 'utf8'));
    rmSync(state.folders.run, { recursive: true, force: true });
  } catch {}
  rmSync(home, { recursive: true, force: true });
}

/** `supervise` of the built server, as `npm start` calls it after the set-up. */
export function start({ home, ports, owner }: Place, settings: Record<string, string> = {}): StartedSystem {
  const { runtime, node } = JSON.parse(readFileSync(join(home, 'installation.json'), 'utf8'));
  const argv = [
    node,
    join(runtime, 'server', 'dist', 'main.js'),
    'supervise',
    '--installation',
    join(home, 'installation.json'),
  ];
  return watch(owner === null ? argv : asUser(owner, argv), home, ports, settings);
}

export const asUser = (uid: number, argv: string[]) => [
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${uid}`,
  '--clear-groups',
  ...argv,
];

/** `npx shaparak` of the system at this place, as who the tests run. */
export async function shaparak({ home }: Place, argv: string[], input = ''): Promise<{ code: number; output: string }> {
  const bin = join(import.meta.dirname, '..', 'server', 'bin', 'shaparak.js');
  const child = spawn(process.execPath, [bin, ...argv], { env: { ...withoutSettings(), SHAPARAK_HOME: home } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  child.stdin.end(input);
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1)));
  return { code, output };
}

/** Runs a command that starts the system, and keeps what it prints. */
export function watch(
  [command = '', ...rest]: string[],
  home: string,
  ports: { portal: number; lab: number },
  settings: Record<string, string> = {},
  cwd = '/',
): StartedSystem {
  const child = spawn(command, rest, {
    cwd,
    env: {
      ...withoutSettings(),
      HOME: home,
      SHAPARAK_PORT: String(ports.portal),
      SHAPARAK_LAB_PORT: String(ports.lab),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const listeners = new Set<() => void>();
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 1)),
  );
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (const listener of listeners) listener();
    });
  const printed = (wanted: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (typeof wanted === 'string' ? !text.includes(wanted) : !wanted.test(text)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
      void ended.then((code) => reject(new Error(`ended with ${code} before it printed ${String(wanted)}:\n${text}`)));
    });
  return { home, ports, process: child, output: () => text, printed, ended };
}

const withoutSettings = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SHAPARAK_|DATABASE_|XDG_|PG[A-Z]+$)/.test(name)),
  );

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Processes whose command line, or that of the process they descend from, names this folder. */
export function processesOf(home: string): Array<{ pid: number; command: string }> {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
        return [{ pid: Number(pid), parent, command }];
      } catch {
        return [];
      }
    });
  const found = new Set(all.filter(({ command }) => command.includes(home)).map(({ pid }) => pid));
  for (let grown = true; grown; ) {
    grown = false;
    for (const { pid, parent } of all)
      if (found.has(parent) && !found.has(pid)) {
        found.add(pid);
        grown = true;
      }
  }
  return all.filter(({ pid }) => found.has(pid)).map(({ pid, command }) => ({ pid, command }));
}

/** As `kill -9` of the whole tree; some end by themselves meanwhile. */
export function killAll(home: string): void {
  for (const { pid } of processesOf(home)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {}
  }
}

/** For afterEach: whatever a test left running is killed, and its folder removed when nothing works in it any more. */
export async function closePlace(place: Place): Promise<void> {
  killAll(place.home);
  await vi.waitFor(() => expect(processesOf(place.home)).toEqual([]), { timeout: 20_000 });
  place.close();
}
