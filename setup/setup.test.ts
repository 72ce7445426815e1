import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run, SetupError } from './command.mjs';
import { agreesWithLock } from './packages.mjs';
import { choosePlaces } from './places.mjs';
import { createProgress } from './progress.mjs';
import { choosePython } from './python.mjs';
import { packagesOf } from './runtime.mjs';
import { digestOf, once } from './stamps.mjs';

const { complaint } = createRequire(import.meta.url)('./machine.cjs');
const checkout = dirname(import.meta.dirname);

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'setup-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const write = (path: string, text: string) => {
  mkdirSync(dirname(join(place, path)), { recursive: true });
  writeFileSync(join(place, path), text);
};

describe('the machine', () => {
  it.each([
    ['4.9.1', /needs Node 20\.19 or newer and this is Node 4\.9\.1/],
    ['20.18.3', /needs Node 20\.19/],
  ])('with Node %s is refused', (version, sentence) => expect(complaint(version, 'linux')).toMatch(sentence));

  it.each(['20.19.0', '20.20.2', '22.1.0', '26.0.0'])('with Node %s is accepted', (version) => {
    expect(complaint(version, 'darwin')).toBeNull();
  });

  it('that runs Windows is refused before its Node matters', () => {
    expect(complaint('4.0.0', 'win32')).toMatch(/WSL/);
  });
});

describe('stamps', () => {
  it('do the work once, again after a change, and again after a failure', async () => {
    write('src/a.ts', '1');
    const stamp = join(place, 'out', '.made-from');
    let works = 0;
    const round = async (fail = false) =>
      once(stamp, await digestOf(place, ['src', 'absent']), async () => {
        works += 1;
        if (fail) throw new Error('killed half-way');
      });
    await round();
    await round();
    expect(works).toBe(1);
    write('src/a.ts', '2');
    await expect(round(true)).rejects.toThrow('half-way');
    await round();
    expect(works).toBe(3);
  });

  it('see a file that was renamed, added or moved, and not what a build leaves behind', async () => {
    write('src/a.ts', '1');
    const before = await digestOf(place, ['src']);
    write('src/node_modules/x.js', 'left behind');
    expect(await digestOf(place, ['src'])).toBe(before);
    write('src/b.ts', '');
    expect(await digestOf(place, ['src'])).not.toBe(before);
  });
});

describe('npm packages', () => {
  const lock = (packages: object) => JSON.stringify({ packages });
  const wanted = {
    '': {},
    server: {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/b': { version: '2.0.0', optional: true },
  };

  it.each([
    ['nothing', null, false],
    ['all', wanted, true],
    ['all but an optional one', { 'node_modules/a': { version: '1.0.0' } }, true],
    ['another version', { 'node_modules/a': { version: '1.0.1' } }, false],
    ['too few', {}, false],
  ])('with %s installed', async (_title, installed, agrees) => {
    write('package-lock.json', lock(wanted));
    if (installed !== null) write('node_modules/.package-lock.json', lock(installed));
    expect(await agreesWithLock(place)).toBe(agrees);
  });

  it('of the server are found in the lock file with all that they need, and no tools', async () => {
    const found = await packagesOf(checkout);
    expect(found).toEqual(
      expect.arrayContaining(['node_modules/fastify', 'node_modules/postgres', 'node_modules/pino']),
    );
    expect(found.filter((name: string) => /typescript|vitest|react-dom/.test(name))).toEqual([]);
  });
});

describe('Python', () => {
  const found = (executable: string, minor: number, ensurepip = true) => ({
    executable,
    minor,
    version: `3.${minor}`,
    prefix: '/',
    venv: true,
    ensurepip,
  });
  const choose = (list: Array<ReturnType<typeof found>>, passable: (path: string) => boolean, root = true) =>
    choosePython({
      root,
      candidates: list.map((one) => one.executable),
      ask: (path: string) => list.find((one) => one.executable === path) ?? null,
      passable,
    }).executable;
  const own = found('/root/.pyenv/bin/python3', 11);
  const system = found('/usr/bin/python3', 11);
  const passable = (path: string) => path.startsWith('/usr');

  it('below root’s home is passed over by root, and taken by its owner', () => {
    expect(choose([own, system], passable)).toBe('/usr/bin/python3');
    expect(choose([own, system], passable, false)).toBe('/root/.pyenv/bin/python3');
  });

  it('that the lock was made for comes before a newer one, and one with ensurepip before one without', () => {
    expect(choose([found('/usr/a', 14), found('/usr/b', 12)], passable)).toBe('/usr/b');
    expect(choose([found('/usr/a', 12, false), found('/usr/b', 11)], passable)).toBe('/usr/b');
    expect(choose([found('/usr/a', 14)], passable)).toBe('/usr/a');
  });

  it('that is missing, too old or unreachable gets one sentence that says what to do', () => {
    expect(() => choose([], passable)).toThrow(/found none; install one \(apt-get install python3/);
    expect(() => choose([found('/usr/old', 9)], passable)).toThrow(/found 3\.9/);
    expect(() => choose([own], passable)).toThrow(/cannot be executed by other users/);
  });
});

describe('places', () => {
  const places = (env: object, passes: (path: string) => boolean, root = true) =>
    choosePlaces(place, env, { root, passes });

  it('are in the checkout for an ordinary user', async () => {
    expect(await places({}, () => false, false)).toMatchObject({ home: join(place, '.shaparak'), reachable: true });
  });

  it('follow SHAPARAK_HOME, and refuse one that services could not reach', async () => {
    const home = join(place, 'elsewhere');
    expect(await places({ SHAPARAK_HOME: home }, () => true)).toMatchObject({ home });
    await expect(places({ SHAPARAK_HOME: home }, (path) => path === place)).rejects.toThrow(
      /Other users cannot reach .*chmod o\+x/,
    );
  });

  it('that cannot be written are refused with a sentence', async () => {
    write('file', '');
    await expect(places({ SHAPARAK_HOME: join(place, 'file', 'home') }, () => true)).rejects.toThrow(
      /cannot be written \(E[A-Z]+\).*SHAPARAK_HOME/,
    );
  });
});

describe('a command of the set-up', () => {
  it('that fails shows its last lines, what to do, and where all of it is', async () => {
    const log = join(place, 'log');
    const attempt = run([process.execPath, '-e', 'console.log("one"); console.error("two"); process.exit(3)'], {
      log,
      remedy: 'Do this',
    });
    const failure: SetupError = await attempt.catch((error) => error);
    expect(failure).toBeInstanceOf(SetupError);
    expect(failure.message).toBe(`Do this (ended with 3; all output: ${log})`);
    expect(failure.detail.split('\n').sort()).toEqual(['one', 'two']);
    expect(readFileSync(log, 'utf8')).toContain('two');
  });

  it('prints a line when it begins and ends where no terminal is', async () => {
    const out = new PassThrough().setEncoding('utf8');
    const progress = createProgress(out, () => 0);
    await progress.step('A step', async () => {});
    await expect(progress.step('Another', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(out.read()).toBe('… A step\n✔ A step (0.0 s)\n… Another\n✘ Another (0.0 s)\n');
  });
});
