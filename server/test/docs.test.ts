/** What the documentation names exists, and what exists is documented. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { problems } from '@shaparak/contract';
import { describe, expect, it } from 'vitest';
import { main } from '../src/cli/main.js';
import { readConfig } from '../src/config.js';
import {
  allPages,
  anchorsOf,
  checkout,
  codeOf,
  headingsOf,
  linksOf,
  type Page,
  readPage,
  sectionsOf,
  tableRows,
} from './documentation.js';

const pages = allPages();
const source = (path: string) => readFileSync(join(checkout, path), 'utf8');
const sorted = (names: Iterable<string>) => [...new Set(names)].sort();

describe('pages', () => {
  it('link to files and headings that are there', () => {
    const broken = pages.flatMap((page) => linksOf(page).flatMap((link) => complaint(page, link) ?? []));
    expect(broken).toEqual([]);
  });

  it('name files of the project that are there', () => {
    const places = /^(?:contract|server|portal|hub|setup|docs|e2e|jupyter-user-image)\/[\w./-]*$/;
    const missing = pages.flatMap((page) =>
      codeOf(page)
        .filter((code) => places.test(code) && !existsSync(join(checkout, code)))
        .map((code) => `${page.path}: ${code}`),
    );
    expect(missing).toEqual([]);
  });

  it('are all in the index, and every decision in its list', () => {
    const linked = (index: Page) => linksOf(index).map((link) => join(dirname(index.path), link));
    const inIndex = new Set([...linked(readPage('docs/README.md')), ...linked(readPage('docs/decisions/README.md'))]);
    const lost = pages.map(({ path }) => path).filter((path) => /^docs\/(?!problems\/|README)/.test(path));
    expect(lost.filter((path) => !inIndex.has(path))).toEqual([]);
  });
});

/** @returns what is wrong with a link, or null */
function complaint(page: Page, link: string): string | null {
  if (/^(?:https?|mailto):/.test(link)) return null;
  const [file = '', anchor] = link.split('#');
  const path = file === '' ? page.path : relative(checkout, resolve(checkout, dirname(page.path), file));
  if (!existsSync(join(checkout, path))) return `${page.path}: there is no ${path}`;
  if (anchor === undefined || statSync(join(checkout, path)).isDirectory()) return null;
  return anchorsOf(readPage(path)).has(decodeURIComponent(anchor)) ? null : `${page.path}: ${path} has no #${anchor}`;
}

it('each decision is numbered and has its four parts', () => {
  const decisions = pages.filter(({ path }) => /^docs\/decisions\/\d{4}-/.test(path));
  expect(decisions.length).toBeGreaterThan(9);
  for (const [index, page] of decisions.entries()) {
    const [title, ...parts] = headingsOf(page);
    expect(page.path).toContain(`/${String(index + 1).padStart(4, '0')}-`);
    expect(title).toMatch(new RegExp(`^${index + 1}\\. `));
    expect(parts, page.path).toEqual(['Context', 'Decision', 'Consequences', 'Rejected']);
  }
});

describe('the command line', () => {
  async function help(path: string[]): Promise<string> {
    let text = '';
    const print = (part: string) => {
      text += part;
    };
    const nobody = { interactive: false, readAll: async () => '', askHidden: async () => '' };
    const terminal = { env: {}, out: print, error: print, ...nobody };
    expect(await main(['node', 'shaparak', ...path, '--help'], terminal)).toBe(0);
    return text;
  }

  /** Every command that does something → its options; groups like `user` are not commands themselves. */
  async function commands(path: string[] = []): Promise<Map<string, string[]>> {
    const [options = '', list] = (await help(path)).split('\nCommands:\n');
    const found = [...options.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option ?? '');
    if (list === undefined) return new Map([[path.join(' '), found.filter((option) => option !== '--help')]]);
    const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name ?? '');
    const below = await Promise.all(names.filter((name) => name !== 'help').map((name) => commands([...path, name])));
    return new Map(below.flatMap((map) => [...map]));
  }

  it('has every command that a page names', async () => {
    const known = [...(await commands()).keys(), 'help'];
    const groups = new Set(known.filter((name) => name.includes(' ')).map((name) => name.split(' ')[0]));
    const named = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/npx shaparak ([a-z]+)(?: ([a-z]+))?/g)].map(([, first = '', second]) => {
        if (!groups.has(first)) return { path, command: first };
        return { path, command: second === undefined ? null : `${first} ${second}` };
      }),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ command }) => command !== null && !known.includes(command))).toEqual([]);
  });

  it('is whole in its page: every command with every option', async () => {
    const documented = [...sectionsOf(readPage('docs/reference/cli.md'))].flatMap(([heading, section]) => {
      const options = tableRows(section).flatMap(([cell = '']) => /--[a-z-]+/.exec(cell)?.[0] ?? []);
      return heading.split(', ').map((name): [string, string[]] => [name, options]);
    });
    const [, ...withoutTitle] = documented;
    expect(new Map(withoutTitle)).toEqual(await commands());
  });
});

describe('settings', () => {
  const known = sorted([...source('server/src/config.ts').matchAll(/'((?:SHAPARAK|DATABASE)_[A-Z_]+)'/g)].map(second));

  it('of any page are known to the start, to the Hub or to the sensor', () => {
    const names = (text: string) => text.match(/\b(?:SHAPARAK|DATABASE)_[A-Z_]*[A-Z]\b/g) ?? [];
    const internal = ['hub/shaparak_hub', 'jupyter-user-image/src/shaparak_audit_logger'].flatMap((folder) =>
      readdirSync(join(checkout, folder))
        .filter((name) => name.endsWith('.py'))
        .flatMap((name) => names(source(`${folder}/${name}`))),
    );
    // A page may show what the start says of a misspelt one.
    const named = pages.flatMap(({ text }) => names(text.replace(/Unknown setting \w+/g, '')));
    expect(sorted(named).filter((name) => !known.includes(name) && !internal.includes(name))).toEqual([]);
  });

  it('of the start have their part in configuration.md, with the right default', () => {
    const page = readPage('docs/reference/configuration.md');
    expect(known.length).toBeGreaterThan(12);
    expect(sorted(headingsOf(page).flatMap((heading) => heading.match(/(?:SHAPARAK|DATABASE)_\w+/g) ?? []))).toEqual(
      known,
    );
    const table = new Map(tableRows(page.text).map(([name = '', value = '']) => [/`(\w+)`/.exec(name)?.[1], value]));
    const { port, labPort, bind, timeZone, capturePolicy, retentionDays, searchMemoryMb } = readConfig({});
    const defaults = { PORT: port, LAB_PORT: labPort, BIND: bind, TIME_ZONE: timeZone, CAPTURE_POLICY: capturePolicy };
    for (const [name, value] of Object.entries({
      ...defaults,
      RETENTION_DAYS: retentionDays,
      SEARCH_MEMORY: searchMemoryMb,
    }))
      expect(table.get(`SHAPARAK_${name}`), name).toBe(`\`${value}\``);
  });
});

const second = ([, part]: RegExpMatchArray) => part ?? '';

it('each problem has its page, with its status, sentence and next step, and no page is left over', () => {
  const files = readdirSync(join(checkout, 'docs/problems'));
  expect(sorted(files)).toEqual(sorted(Object.keys(problems).map((code) => `${code}.md`)));
  for (const [code, { status, title, next }] of Object.entries(problems)) {
    const { text } = readPage(`docs/problems/${code}.md`);
    for (const part of [`# ${code}\n`, `HTTP ${status}. ${title}`, `**Next step.** ${next}`])
      expect(text).toContain(part);
  }
});

it('npm commands are scripts of package.json, and steps of the tests are steps', async () => {
  const { scripts } = JSON.parse(source('package.json')) as { scripts: Record<string, string> };
  const plan = (await import(pathToFileURL(join(checkout, 'setup/testing/steps.mjs')).href)) as {
    steps(places: object): { name: string }[];
  };
  const steps = plan.steps({ checkout, environment: '', reports: '' }).map(({ name }) => name);
  const code = pages.flatMap(codeOf).join('\n');
  const run = [...code.matchAll(/(?:^|&&|=\S+) *npm (?:run )?([\w:-]+)/gm)].map(second);
  const ownToNpm = ['ci', 'install', 'run'];
  expect(run.length).toBeGreaterThan(20);
  expect(sorted(run).filter((name) => !ownToNpm.includes(name) && !(name in scripts))).toEqual([]);
  const chosen = [...code.matchAll(/\bnpm test -- ([\w -]+)/g)].flatMap(([, names = '']) => names.trim().split(' '));
  expect(sorted(chosen).filter((name) => !steps.includes(name))).toEqual([]);
});

it('the glossary uses the words of the screens', () => {
  const screens = source('portal/src/text/fa.ts') + source('jupyter-user-image/labextension/src/text.js');
  const words = [...source('docs/reference/glossary.md').matchAll(/«([^»]+)»/g)].map(second);
  expect(words.length).toBeGreaterThan(30);
  expect(words.filter((word) => !screens.includes(word))).toEqual([]);
});

it('dependencies.md has every package that people run, in the version that they get', () => {
  const manifests = ['.', 'contract', 'server', 'portal', 'jupyter-user-image/labextension'].map((folder) =>
    JSON.parse(source(`${folder}/package.json`)),
  );
  const shipped = manifests.flatMap(({ dependencies, optionalDependencies }) =>
    Object.entries<string>({ ...dependencies, ...optionalDependencies }),
  );
  const tools = manifests.flatMap(({ devDependencies }) => Object.entries<string>(devDependencies ?? {}));
  const locks = ['requirements.txt', 'requirements-dev.txt']
    .map((name) => source(`jupyter-user-image/${name}`))
    .join('');
  const python = [...locks.matchAll(/^([\w-]+)==(\S+)/gm)].map(
    ([, name = '', version = '']) => [name, version] as const,
  );
  const installed = sorted([...shipped, ...tools, ...python].map(([name, version]) => `${name} ${version}`));
  const listed = tableRows(source('docs/reference/dependencies.md')).flatMap(([names = '', versions = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = ''], index) => {
      const version = versions.split(', ')[index] ?? versions;
      return `${installed.some((one) => one.startsWith(`${name} `)) ? name : name.replace('_', '-')} ${version}`;
    }),
  );
  expect(listed.filter((one) => !installed.includes(one))).toEqual([]);
  const wanted = [...source('jupyter-user-image/requirements.in').matchAll(/^([\w]+)/gm)].map(([name]) =>
    name.replace('_', '-'),
  );
  const people = [...shipped.map(([name]) => name).filter((name) => !name.startsWith('@shaparak/')), ...wanted];
  expect(sorted(people).filter((name) => !listed.some((one) => one.startsWith(`${name} `)))).toEqual([]);
});
