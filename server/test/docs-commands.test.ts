/** The reference of API and database against the running portal, and the examples of the pages as somebody types them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashPassword } from '../src/identity/index.js';
import { codeBlocks, readPage, sectionsOf, tableRows } from './documentation.js';
import { FakeSensor } from './people.js';
import { openTestPortal, type Person, type TestPortal } from './portal.js';

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  default?: number;
}

interface Operation {
  parameters?: { name: string; in: string; schema: Schema }[];
  responses?: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

const api = readPage('docs/reference/api.md');

let portal: TestPortal;
let analyst: Person;
let administrator: Person;
let operations: Map<string, Operation>;
beforeAll(async () => {
  portal = await openTestPortal();
  analyst = await portal.addUser('test_user');
  administrator = await portal.addUser('admin', 'administrator');
  await portal.database.owner`
    update users set password_hash = ${await hashPassword('your_password')} where username = 'test_user'`;
  const sensor = new FakeSensor();
  await analyst.deliver(sensor.delivery(sensor.started('m', 'import pandas'), sensor.finished('m')));
  const { paths } = (await (await fetch(`${portal.url}/api/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  operations = new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
    ),
  );
});
afterAll(() => portal.close());

describe('api.md', () => {
  const sections = sectionsOf(api);

  it('has a part for each endpoint, and for no other', () => {
    const documented = [...sections.keys()].filter((heading) => /^[A-Z]+ \//.test(heading));
    expect(documented.sort()).toEqual([...operations.keys()].sort());
    const paths = new Set([...operations.keys()].map((name) => name.split(' ')[1]));
    const named = (api.text.match(/(?<![\w/])\/api\/[\w{}/.-]*[\w}]/g) ?? []).filter(
      (path) => path !== '/api/openapi.json',
    );
    // A folder of endpoints, and an address that goes on with a variable of the shell.
    const prefixes = ['/api/admin', '/api/activity'];
    expect(named.filter((path) => !paths.has(path) && !prefixes.includes(path))).toEqual([]);
  });

  it('tells each parameter with its bounds and default', () => {
    for (const [name, { parameters = [] }] of operations)
      for (const parameter of parameters.filter((one) => one.in === 'query')) {
        const row = tableRows(sections.get(name) ?? '').find(([cell]) => cell === `\`${parameter.name}\``) ?? [];
        const { minimum, maximum, minLength, maxLength, default: fallback } = parameter.schema;
        const [least, most] = [minimum ?? minLength, maximum ?? maxLength];
        expect(row.join(' | '), `${name} ${parameter.name}`).toContain(most === undefined ? '' : String(most));
        if (least !== undefined && most !== undefined) expect(row[1], name).toContain(`${least}–${most}`);
        if (fallback !== undefined) expect(row[2], `${name} ${parameter.name}`).toBe(String(fallback));
        expect(row, `${name} ${parameter.name}`).not.toEqual([]);
      }
  });

  it('names each field of each answer', () => {
    const fields = [...operations.values()].flatMap(({ responses = {} }) =>
      Object.values(responses).flatMap(({ content = {} }) =>
        Object.values(content).flatMap(({ schema }) => fieldsOf(schema)),
      ),
    );
    expect(fields.length).toBeGreaterThan(60);
    const missing = new Set(fields.filter((field) => !new RegExp(`[\`.]${field}\``).test(api.text)));
    expect([...missing]).toEqual([]);
  });
});

function fieldsOf({ properties = {}, items }: Schema): string[] {
  const own = Object.entries(properties).flatMap(([name, schema]) => [name, ...fieldsOf(schema)]);
  return items === undefined ? own : [...own, ...fieldsOf(items)];
}

it('database.md names each table, view and role', async () => {
  const names = await portal.database.owner<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v') and not relispartition
    union select rolname from pg_roles where rolname in (select distinct grantee from information_schema.role_table_grants)
      and rolname like 'shaparak_%'`;
  expect(names.length).toBeGreaterThan(25);
  const { text } = readPage('docs/reference/database.md');
  expect(names.map(({ name }) => name).filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

describe('examples', () => {
  it.each(['docs/reference/database.md', 'docs/reference/text.md'])('%s: its SQL runs, and is true', async (path) => {
    const blocks = codeBlocks(readPage(path), 'sql');
    expect(blocks).not.toEqual([]);
    for (const block of blocks)
      for (const row of await portal.database.owner.unsafe(block)) expect(Object.values(row), block).toEqual([true]);
  });

  const examples = [api, readPage('README.md')].flatMap((page) =>
    codeBlocks(page, 'bash')
      .filter((block) => block.includes('http://localhost:8001'))
      .map((block) => ({ page: page.path, block })),
  );

  it('are there', () => {
    expect(examples.length).toBeGreaterThan(10);
  });

  it.each(examples)('$page: $block', async ({ block }) => {
    const calls = block.match(/\bcurl\b/g)?.length ?? 0;
    expect(await statusesOf(block)).toEqual(Array(calls).fill('200'));
  });
});

/** Runs commands as they stand, with our address and tokens in them. A stream has no end: curl gives it two seconds. */
async function statusesOf(commands: string): Promise<string[]> {
  const curl = `curl() { command curl -sS --max-time 2 -w '%{stderr}status %{http_code}\\n' "$@" || [ $? -eq 28 ]; }`;
  const ours = commands
    .replaceAll('http://localhost:8001', portal.url)
    .replaceAll('ADMIN_TOKEN', administrator.token)
    .replaceAll('YOUR_TOKEN', analyst.token);
  const { stderr } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', `${curl}\n${ours}`], {
    env: { PATH: process.env.PATH, TOKEN: analyst.token },
  });
  return [...stderr.matchAll(/^status (\d+)$/gm)].map(([, status]) => status ?? '');
}
