/**
 * Cells that run while something else goes wrong, and what must be true of the log afterwards: whatever a person saw end
 * is there once, with its outcome; nothing is there that nobody asked for; and every record that a sensor has numbered was
 * taken, with a receipt that adds up.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { connectDirect, type DatabaseSettings } from '../server/src/platform/postgres.js';
import { type Kernel, logIn, type Person } from './lab-client.js';
import { type Place, shaparak } from './started-system.js';

export async function openKernel(place: Place): Promise<{ person: Person; kernel: Kernel }> {
  const person = await logIn(place, 'test_user', 'your_password');
  await person.startLab();
  return { person, kernel: await person.startKernel() };
}

/** Rows of the log for codes that begin with a word: code → the outcomes, one for each row. */
export async function inTheLog(place: Place, word: string): Promise<Map<string, string[]>> {
  const query = `select code, status from code_execution_logs where code like '${word}%'`;
  const { output } = await shaparak(place, ['sql', '--json', '-c', query]);
  const found = new Map<string, string[]>();
  for (const { code, status } of JSON.parse(output) as { code: string; status: string }[])
    found.set(code, [...(found.get(code) ?? []), status]);
  return found;
}

/** Jupyter gives a kernel up that dies five times within ten seconds of its start; a person starts another one then. */
const failuresBeforeAnother = 3;

/** Runs cells one after the other until told to stop; knows which ends it has seen. */
export function keepRunning(person: Person, first: Kernel, word: string) {
  const seen = new Set<string>();
  const asked = new Set<string>();
  let stopped = false;
  let kernel = first;
  let failures = 0;
  let trouble: unknown = 'none';
  const recover = async (error: unknown) => {
    failures += 1;
    trouble = error;
    // The connection was cut, and the same tab comes back as Lab does.
    if (!kernel.isOpen)
      kernel = await vi.waitFor(() => kernel.again(kernel.session), { timeout: 30_000, interval: 100 });
    // A kernel that died is started again by its server.
    else if (failures % failuresBeforeAnother === 0)
      kernel = await vi.waitFor(() => person.startKernel(), { timeout: 30_000, interval: 500 });
  };
  const work = async () => {
    for (let index = 0; !stopped; index += 1) {
      const code = `${word}_${index} = ${index}`;
      asked.add(code);
      try {
        // A cell whose kernel died while the gateway was away has no end that a client could hear.
        if ((await kernel.run(code, { patienceMs: 10_000 })).status === 'ok') seen.add(code);
        failures = 0;
      } catch (error) {
        await recover(error);
      }
    }
  };
  const working = work();
  working.catch(() => {});
  return {
    seen,
    asked,
    progress: (count: number) =>
      vi.waitFor(() => expect(seen.size, `newest trouble: ${String(trouble)}`).toBeGreaterThanOrEqual(count), {
        timeout: 120_000,
        interval: 20,
      }),
    /** rejects where the system is gone for good */
    async stop() {
      stopped = true;
      await working;
    },
  };
}

export async function expectComplete(
  place: Place,
  word: string,
  { seen, asked }: { seen: Set<string>; asked: Set<string> },
): Promise<void> {
  await vi.waitFor(
    async () => {
      const log = await inTheLog(place, word);
      expect([...seen].filter((code) => !log.has(code))).toEqual([]);
    },
    { timeout: 60_000, interval: 500 },
  );
  const log = await inTheLog(place, word);
  expect([...log].filter(([, statuses]) => statuses.length > 1)).toEqual([]);
  expect([...log.keys()].filter((code) => !asked.has(code))).toEqual([]);
  expect([...seen].filter((code) => log.get(code)?.[0] !== 'success')).toEqual([]);
  await expectAllTaken(place);
}

/** Each record of each sensor was accepted once; both senders complain in their logs about a receipt that does not add up. */
async function expectAllTaken(place: Place): Promise<void> {
  const { database } = JSON.parse(readFileSync(join(place.home, 'data', 'settings', 'supervisor.json'), 'utf8'));
  const log = connectDirect(database.owner as DatabaseSettings, { applicationName: 'test', max: 1 });
  try {
    const holes = await log`select kind, received::text as received from sensor
      where received <> '{}' and received <> int8multirange(int8range(1, upper(received)))`;
    expect([...holes]).toEqual([]);
    expect([...(await log`select reason, body from quarantine`)]).toEqual([]);
    const [sums] =
      await log`select (select count(*) from execution) as rows, (select sum(executions) from user_day)::bigint as days,
      (select sum(executions) from user_total)::bigint as totals,
      (select count(distinct (user_id, kernel_id, msg_id, occurrence)) from execution_key) as keys`;
    expect(sums).toEqual({ rows: sums?.rows, days: sums?.rows, totals: sums?.rows, keys: sums?.rows });
  } finally {
    await log.end();
  }
  const logs = join(place.home, 'data', 'logs');
  for (const name of readdirSync(logs))
    expect(readFileSync(join(logs, name), 'utf8')).not.toMatch(/receipt .* does not add up/);
}
