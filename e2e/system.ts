/** The whole system for one test file: its own data, its own ports, the Python environment that `npm test` prepared. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const checkout = resolve(import.meta.dirname, '..');

export interface System {
  portalUrl: string;
  labUrl: string;
  home: string;
  env: NodeJS.ProcessEnv;
  supervisor: ChildProcess;
  passwords: { test_user: string; admin: string };
  /** what it printed so far */
  output(): string;
  /** Ctrl-C; resolves with the exit code */
  stop(): Promise<number | null>;
}

const passwords = { test_user: 'walk-through-1', admin: 'walk-through-2' };

export async function startSystem(extra: NodeJS.ProcessEnv = {}, home = makeHome()): Promise<System> {
  const [port, labPort] = await Promise.all([freePort(), freePort()]);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    SHAPARAK_HOME: home,
    SHAPARAK_PORT: String(port),
    SHAPARAK_LAB_PORT: String(labPort),
    SHAPARAK_TEST_USER_PASSWORD: passwords.test_user,
    SHAPARAK_ADMIN_PASSWORD: passwords.admin,
    ...extra,
  };
  const supervisor = spawn(process.execPath, [join(checkout, 'server/dist/main.js'), 'supervise'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = new Promise<number | null>((done) => supervisor.once('exit', done));
  await new Promise<void>((ready, fail) => {
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Shaparak is ready')) ready();
    };
    supervisor.stdout?.on('data', collect);
    supervisor.stderr?.on('data', collect);
    void exited.then((code) => fail(new Error(`The system ended with ${code} before it was ready:\n${output}`)));
  });
  return {
    portalUrl: `http://localhost:${port}`,
    labUrl: `http://127.0.0.1:${labPort}`,
    home,
    env,
    supervisor,
    passwords,
    output: () => output,
    stop() {
      supervisor.kill('SIGINT');
      return exited;
    },
  };
}

/** A home whose installation is the prepared one, with data of its own. */
export function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'shaparak-e2e-'));
  // Services run under uids of their own and have to pass.
  chmodSync(home, 0o711);
  const prepared = JSON.parse(readFileSync(join(checkout, '.shaparak/installation.json'), 'utf8')) as object;
  writeFileSync(join(home, 'installation.json'), JSON.stringify({ ...prepared, home, data: join(home, 'data') }));
  return home;
}

export const removeHome = (home: string) => rmSync(home, { recursive: true, force: true });

function freePort(): Promise<number> {
  return new Promise((resolvePort, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolvePort(port));
    });
  });
}
