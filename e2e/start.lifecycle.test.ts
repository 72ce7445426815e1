/** Start, refusal, stop and sudden death of the whole system, as root with uids of its own and as an ordinary user. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { asUser, closePlace, killAll, makePlace, type Place, processesOf, start } from './started-system.js';

const ready = 'Shaparak is ready';
const isRoot = process.getuid?.() === 0;
const ordinary = 54_321;

const starters: [title: string, owner: number | null][] = [['as who runs the tests', null]];
if (isRoot) starters.push(['as an ordinary user', ordinary]);

describe.each(starters)('the system, started %s', (_title, owner) => {
  let place: Place;
  beforeEach(async () => {
    place = await makePlace(owner);
  });
  afterEach(() => closePlace(place));

  const shaparak = (...args: string[]) => {
    const { runtime, node } = JSON.parse(readFileSync(join(place.home, 'installation.json'), 'utf8'));
    const argv = [node, join(runtime, 'server', 'bin', 'shaparak.js'), ...args];
    const [command = '', ...rest] = owner === null ? argv : asUser(owner, argv);
    const env = { PATH: process.env.PATH, HOME: place.home, SHAPARAK_HOME: place.home };
    return spawnSync(command, rest, { encoding: 'utf8', env, cwd: '/' });
  };
  const login = async (password: string) => {
    const body = new URLSearchParams({ username: 'test_user', password });
    const answer = await fetch(`http://127.0.0.1:${place.ports.portal}/api/login`, { method: 'POST', body });
    return answer.status;
  };

  it('serves, refuses a second start on the same folder, and leaves no process after Ctrl-C', async () => {
    const system = start(place, { SHAPARAK_TEST_USER_PASSWORD: 'chosen by the operator' });
    await system.printed(ready);
    expect(await login('chosen by the operator')).toBe(200);
    expect(system.output()).not.toContain('chosen by the operator');
    expect(system.output()).toMatch(/admin +[0-9a-f-]{27}/);
    const second = start(place);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`already runs on ${join(place.home, 'data')} (process ${system.process.pid})`);
    const doctor = shaparak('doctor');
    expect(doctor.stdout).toContain('Everything is in order.');
    expect(doctor.status).toBe(0);
    system.process.kill('SIGINT');
    expect(await system.ended).toBe(0);
    expect(processesOf(place.home)).toEqual([]);
    expect(shaparak('doctor').stdout).toMatch(/✘ supervisor: does not run\n {4}→ npm start/);
    expect(shaparak('user', 'list').stderr).toContain('start it first with "npm start"');
  });

  it('loses nothing and leaves no process when it is killed, and comes up again by itself', async () => {
    const system = start(place);
    await system.printed(ready);
    expect(shaparak('user', 'add', 'kept').status).toBe(0);
    system.process.kill('SIGKILL');
    await vi.waitFor(() => expect(processesOf(place.home)).toEqual([]), { timeout: 15_000 });
    const again = start(place);
    await again.printed(ready);
    expect(again.output()).not.toContain('First users');
    killAll(place.home);
    await again.ended;
    const third = start(place);
    await third.printed(ready);
    expect(
      JSON.parse(shaparak('user', 'list', '--json').stdout).map((user: { username: string }) => user.username),
    ).toEqual(['admin', 'kept', 'test_user']);
  });

  it('starts a service again that dies, and says so', async () => {
    const system = start(place);
    await system.printed(ready);
    for (const name of ['portal', 'gateway']) {
      const service = processesOf(place.home).find(({ command }) => command.includes(`main.js ${name} `));
      expect(service).toBeDefined();
      process.kill(service?.pid ?? 0, 'SIGKILL');
      await system.printed(`The ${name} ended (SIGKILL); restart 1`);
    }
    await vi.waitFor(() => expect(shaparak('doctor').status).toBe(0), { timeout: 30_000, interval: 500 });
  });

  it('names the port that is taken before it starts anything', async () => {
    const holder = createServer().listen(place.ports.lab, '127.0.0.1');
    const system = start(place);
    expect(await system.ended).toBe(1);
    expect(system.output()).toMatch(new RegExp(`^Port ${place.ports.lab} of the lab is taken.*SHAPARAK_LAB_PORT.*\n$`));
    holder.close();
  });
});

it.runIf(isRoot)('as root each service has a uid of its own, and none of them is root', async () => {
  const place = await makePlace(null);
  const system = start(place);
  await system.printed(ready);
  const uidOf = (part: string) => {
    const service = processesOf(place.home).find(({ command }) => command.includes(part));
    return execFileSync('ps', ['-o', 'uid=', '-p', String(service?.pid)], { encoding: 'utf8' }).trim();
  };
  const uids = ['main.js portal', 'main.js gateway', 'bin/postgres'].map(uidOf);
  system.process.kill('SIGTERM');
  expect(await system.ended).toBe(0);
  place.close();
  expect(new Set(uids).size).toBe(3);
  expect(uids).not.toContain('0');
});
