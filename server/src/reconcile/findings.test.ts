/** Findings as an administrator reads them over HTTP: pages, filters, what was explained since, and nobody's code. */
import type { api } from '@shaparak/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeSensor } from '../../test/people.js';
import { openTestPortal, type Person, type TestPortal } from '../../test/portal.js';
import { receive } from '../intake/receive.js';
import { systemClock } from '../platform/clock.js';

let portal: TestPortal;
let chief: Person;
let sara: Person;
let reza: Person;
const secret = 'the_code_of_a_person()';

beforeAll(async () => {
  portal = await openTestPortal();
  chief = await portal.addUser('chief', 'administrator');
  [sara, reza] = [await portal.addUser('sara'), await portal.addUser('reza')];
  for (let count = 0; count < 7; count += 1) await differ(sara);
  await differ(reza);
});
afterAll(() => portal.close());

const tell = (person: Person, sensor: FakeSensor, ...observations: unknown[]) =>
  receive(
    { database: portal.database.sql, clock: systemClock, timeZone: 'Asia/Tehran' },
    person.id,
    sensor.delivery(...observations),
  );

/** Two sensors that saw different code: one finding. */
async function differ(person: Person): Promise<string> {
  const kernel = new FakeSensor();
  const wire = new FakeSensor(kernel.sensor.kernel_id, undefined, 'wire');
  await tell(person, wire, wire.describes(), wire.started('m', secret));
  await tell(person, kernel, kernel.started('m', `other_${secret}`), kernel.finished('m'));
  await tell(person, wire, wire.finished('m'));
  return kernel.sensor.kernel_id;
}

const read = (query = '') => chief.json<api.Findings>(`/api/admin/findings${query}`);

describe('findings', () => {
  it('come newest first with their execution, and hold no code', async () => {
    const response = await chief.get('/api/admin/findings?limit=1000');
    const text = await response.text();
    expect(text).not.toContain('the_code_of_a_person');
    const { findings, count, total, by_kind, next_cursor } = JSON.parse(text) as api.Findings;
    expect([count, total, next_cursor]).toEqual([8, 8, null]);
    expect(by_kind).toEqual([{ kind: 'code-differs', count: 8 }]);
    expect(findings[0]).toMatchObject({
      kind: 'code-differs',
      username: 'reza',
      execution_id: expect.any(Number),
      notebook_path: 'a.ipynb',
      explained: false,
      evidence: { second_witness: 'kernel' },
      found_at: expect.stringMatching(/\+03:30$/),
    });
    const ids = findings.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
  });

  it('come in pages, which hold each of them once though new ones are added', async () => {
    const pages: api.Findings[] = [await read('?limit=3')];
    const added = await differ(reza);
    for (let next = pages[0]?.next_cursor; next; next = pages.at(-1)?.next_cursor)
      pages.push(await read(`?limit=3&cursor=${next}`));
    const seen = pages.flatMap(({ findings }) => findings);
    expect(seen).toHaveLength(8);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(8);
    expect(seen.map((one) => one.kernel_id)).not.toContain(added);
  });

  it('are filtered by kind and person, and counted so', async () => {
    const ofReza = await read('?username=reza');
    expect(new Set(ofReza.findings.map(({ username }) => username))).toEqual(new Set(['reza']));
    expect(ofReza.total).toBe(ofReza.count);
    expect(await read('?kind=kernel-only&username=reza')).toMatchObject({ total: 0, by_kind: [], findings: [] });
    expect(await read('?username=nobody')).toMatchObject({ total: 0 });
  });

  it('are explained when the missing witness has spoken', async () => {
    const kernel = new FakeSensor();
    const wire = new FakeSensor(kernel.sensor.kernel_id, undefined, 'wire');
    const { owner } = portal.database;
    await tell(sara, wire, wire.describes(), wire.started('late', secret), wire.finished('late'));
    await tell(sara, wire, wire.started('mute', secret), wire.finished('mute'));
    // As the sweep tells it when the grace is over, and the intake when the kernel speaks after it.
    await owner`insert into finding (user_id, kind, kernel_id, msg_id, occurrence, evidence)
      select ${sara.id}, 'wire-only', ${kernel.sensor.kernel_id}, m, 1, '{}' from unnest(array['late', 'mute']) as m`;
    await owner`insert into witness (user_id, kernel_id, msg_id, occurrence, kind, instance, body)
      values (${sara.id}, ${kernel.sensor.kernel_id}, 'late', 1, 'kernel', ${kernel.sensor.instance}, '{}')`;
    const { findings } = await read('?kind=wire-only');
    expect(findings.map(({ explained }) => explained)).toEqual([false, true]);
  });

  it('and coverage are for administrators', async () => {
    for (const path of ['/api/admin/findings', '/api/admin/coverage']) {
      expect((await sara.get(path)).status).toBe(403);
      expect((await fetch(portal.url + path)).status).toBe(401);
      expect((await chief.get(path)).status).toBe(200);
    }
  });

  it.each(['?limit=0', '?limit=1001', '?kind=nonsense', '?cursor=x', '?cursor=-1', '?username='])(
    'do not take %s',
    async (query) => expect((await chief.get(`/api/admin/findings${query}`)).status).toBe(422),
  );
});
