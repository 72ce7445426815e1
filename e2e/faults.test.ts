/**
 * Parts of the system die at random moments while cells run. Whatever a person saw end is in the log once; what nobody saw
 * end is there as lost; nothing is there twice; and every delivery adds up. FAULT_ROUNDS makes it longer (npm run test:long).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { api } from '@shaparak/contract';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ExternalServer, externalServer } from './external-postgres.js';
import { logIn, passwords } from './lab-client.js';
import { expectComplete, inTheLog, keepRunning, openKernel } from './running-cells.js';
import { closePlace, makePlace, type Place, processesOf, type StartedSystem, start } from './started-system.js';

const ready = 'Shaparak is ready';
const rounds = Number(process.env.FAULT_ROUNDS ?? 1);
const patienceMs = 300_000 * rounds;

let place: Place;
beforeEach(async () => {
  place = await makePlace(null);
});
afterEach(() => closePlace(place));

/** Kills a part; one that was killed a moment ago is waited for. */
async function kill(part: string): Promise<void> {
  const find = () => {
    const found = processesOf(place.home).find(({ command }) => command.includes(part));
    if (!found) throw new Error(`no process of ${part}`);
    return found;
  };
  process.kill((await vi.waitFor(find, { timeout: 60_000, interval: 20 })).pid, 'SIGKILL');
}

/** Takes the last byte of a disk. @returns the file that holds it */
function fill(folder: string): string {
  const ballast = join(folder, 'ballast');
  for (const size of [65_536, 4_096, 256, 1]) {
    try {
      for (let count = 0; count < 10_000; count += 1) writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' });
    } catch {}
  }
  return ballast;
}

describe('while cells run', () => {
  it(
    'portal, gateway and kernel are killed at random moments, and nothing is missing or twice',
    async () => {
      const system = start(place, passwords);
      await system.printed(ready);
      const { person, kernel } = await openKernel(place);
      const cells = keepRunning(person, kernel, 'survivor');
      for (let round = 0; round < 3 * rounds; round += 1)
        for (const part of ['main.js portal ', 'shaparak_audit_logger.launch', 'main.js gateway ']) {
          await cells.progress(cells.seen.size + 5 + Math.floor(Math.random() * 30));
          await kill(part);
        }
      await cells.progress(cells.seen.size + 20);
      await cells.stop();
      await expectComplete(place, 'survivor', cells);
    },
    patienceMs,
  );

  it('the whole system is killed, and comes back with everything that was seen to end', async () => {
    const system = start(place, passwords);
    await system.printed(ready);
    const { person, kernel } = await openKernel(place);
    const cells = keepRunning(person, kernel, 'before');
    await cells.progress(100);
    for (const { pid } of processesOf(place.home)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {}
    }
    const seen = new Set(cells.seen);
    const again = start(place, passwords);
    await again.printed(ready);
    // What only the kernel's spool has comes with the person's next server.
    await (await logIn(place, 'test_user', 'your_password')).startLab();
    await expectComplete(place, 'before', { seen, asked: cells.asked });
    again.process.kill('SIGTERM');
    await again.ended;
    await cells.stop().catch(() => {});
  });

  it('the Hub and with it the person’s server die: what ran is lost, not gone', async () => {
    const system = start(place, passwords);
    await system.printed(ready);
    const { person, kernel } = await openKernel(place);
    await kernel.run('"here"');
    const begun = kernel.next('execute_input');
    kernel.ask('import time  # dies\ntime.sleep(60)');
    await begun;
    await kill('jupyterhub_config.py');
    await vi.waitFor(
      async () => {
        const { activities } = await person.get<api.RecentActivity>('/api/activity/recent?limit=1');
        expect(activities[0]).toMatchObject({ code: 'import time  # dies\ntime.sleep(60)', outcome: 'lost' });
      },
      { timeout: 60_000, interval: 500 },
    );
  });
});

describe('while a disk is full', () => {
  it('under the database, what was seen to end is there as soon as there is space again', async () => {
    const data = join(place.home, 'data');
    mkdirSync(data, { mode: 0o711 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=711', 'tmpfs', data]);
    let system = start(place, passwords);
    try {
      await system.printed(ready);
      const { person, kernel } = await openKernel(place);
      const cells = keepRunning(person, kernel, 'cramped');
      await cells.progress(20);
      const ballast = fill(data);
      // With or without the database: it may give up on a full disk, and then everything stops.
      await Promise.race([cells.progress(cells.seen.size + 60).catch(() => {}), system.ended]);
      await cells.stop().catch(() => {});
      rmSync(ballast);
      system.process.kill('SIGTERM');
      await system.ended;
      system = start(place, passwords);
      await system.printed(ready);
      await (await logIn(place, 'test_user', 'your_password')).startLab();
      await expectComplete(place, 'cramped', cells);
    } finally {
      system.process.kill('SIGTERM');
      await system.ended;
      await vi.waitFor(() => expect(processesOf(place.home)).toEqual([]), { timeout: 20_000 });
      execFileSync('umount', [data]);
    }
  });
});

describe('while the database is away', () => {
  let external: ExternalServer;
  let system: StartedSystem;
  const begin = async (settings: Record<string, string> = {}) => {
    external = await externalServer();
    system = start(place, { ...passwords, ...settings, DATABASE_URL: external.url });
    await system.printed(ready);
    return openKernel(place);
  };
  afterEach(async () => {
    system.process.kill('SIGTERM');
    await system.ended;
    await external.close();
  });

  it(
    'work goes on, and everything arrives afterwards, seen by both and in order',
    async () => {
      const { kernel } = await begin();
      const chief = await logIn(place, 'admin', 'admin_password');
      await kernel.run('there = 0');
      await external.stop();
      const codes = Array.from({ length: 60 }, (_, index) => `away_${index} = ${index}`);
      for (const code of codes) expect((await kernel.run(code)).status).toBe('ok');
      await new Promise((resolve) => setTimeout(resolve, 5_000 * rounds));
      external.start();
      await expectComplete(place, 'away', { seen: new Set(codes), asked: new Set(codes) });
      const person = await logIn(place, 'test_user', 'your_password');
      const { activities } = await person.get<api.RecentActivity>('/api/activity/recent?limit=60');
      expect(activities.map(({ code }) => code).reverse()).toEqual(codes);
      expect(new Set(activities.map(({ evidence }) => evidence))).toEqual(new Set(['both']));
      expect((await chief.get<api.Findings>('/api/admin/findings')).total).toBe(0);
    },
    patienceMs,
  );

  it('under the strict policy a cell runs on a durable spool, and is refused in Persian without one', async () => {
    const spool = join(place.home, 'data', 'gateway');
    mkdirSync(join(place.home, 'data'), { recursive: true });
    mkdirSync(spool);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', spool]);
    try {
      const { kernel } = await begin({ SHAPARAK_CAPTURE_POLICY: 'strict' });
      expect((await kernel.run('recorded = 1')).status).toBe('ok');
      await external.stop();
      expect((await kernel.run('spooled = 1')).status).toBe('ok');
      const ballast = fill(spool);
      // Longer than what the spool's last page of the full disk still takes.
      const refused = await kernel.run(`leak = 1  # ${'x'.repeat(8_192)}`);
      expect(refused.status).toBe('error');
      expect(String(refused.reply.evalue)).toContain('اجرا نشد: سامانهٔ ثبت لاگ در دسترس نیست.');
      rmSync(ballast, { force: true });
      external.start();
      const again = await vi.waitFor(async () => {
        const ran = await kernel.run('"leak" in globals()', {
          user_expressions: { leaked: '"leak" in globals()' },
          patienceMs: 15_000,
        });
        expect(ran.status).toBe('ok');
        return ran;
      }, 90_000);
      expect(JSON.stringify(again.reply.user_expressions)).toContain('False');
      for (const [word, code] of [
        ['recorded', 'recorded = 1'],
        ['spooled', 'spooled = 1'],
      ] as const)
        await expectComplete(place, word, { seen: new Set([code]), asked: new Set([code]) });
      expect((await inTheLog(place, 'leak')).size).toBe(0);
    } finally {
      system.process.kill('SIGTERM');
      await system.ended;
      execFileSync('umount', [spool]);
    }
  });
});
