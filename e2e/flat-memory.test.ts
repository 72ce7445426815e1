/**
 * The portal's memory stays flat: its low-water mark over the second half of many requests or observations is that of the
 * first half. The mark and not a value: between two garbage collections it goes up and down by 60 MB. LEAK_ROUNDS makes it
 * longer (npm run test:long: 200,000 of each, where 1 kB lost in each would be 100 MB); the first tenth warms up.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { capture } from '@shaparak/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FakeSensor } from '../server/test/people.js';
import { type Person, startWithPeople } from './lab-client.js';
import { closePlace, type Place, processesOf } from './started-system.js';

const rounds = Number(process.env.LEAK_ROUNDS ?? 10_000);
const atOnce = 8;
const inOneDelivery = 200;
const slices = 10;
/** what the collector's choice of a heap size makes of it */
const noiseMb = 40;

let place: Place;
let person: Person;
beforeAll(async () => {
  ({ place, person } = await startWithPeople());
});
afterAll(() => closePlace(place));

function memoryMb(part: string): number {
  const found = processesOf(place.home).find(({ command }) => command.includes(part));
  const status = readFileSync(`/proc/${found?.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

/** Does something so often, several at a time. */
async function many(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Does it in slices. @returns how much higher the lowest memory of the second half is, in MB */
async function growthOver(work: (count: number) => Promise<void>): Promise<number> {
  const share = rounds / slices;
  await work(share);
  const seen: number[] = [];
  for (let slice = 0; slice < slices; slice += 1) {
    await work(share);
    seen.push(memoryMb('main.js portal '));
  }
  return Math.min(...seen.slice(slices / 2)) - Math.min(...seen.slice(0, slices / 2));
}

function captureSocket(): string {
  const { folders } = JSON.parse(readFileSync(join(place.home, 'data', 'settings', 'supervisor.json'), 'utf8'));
  const [folder] = readdirSync(folders.runCapture);
  return join(folders.runCapture, folder as string, 'capture.sock');
}

function deliver(socketPath: string, delivery: capture.Delivery): Promise<capture.Receipt> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/v1/observations', method: 'POST' }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      answer.on('end', () => resolve(JSON.parse(body)));
    });
    asked.setHeader('content-type', 'application/json');
    asked.once('error', reject);
    asked.end(JSON.stringify(delivery));
  });
}

it('starts with little', () => {
  for (const part of ['main.js portal ', 'main.js gateway '])
    expect([part, memoryMb(part) < 150]).toEqual([part, true]);
});

it(
  `is flat over ${rounds} requests`,
  async () => {
    const paths = ['/api/dashboard', '/api/activity/recent', '/api/activity/stats?days=30', '/api/logs?limit=20'];
    const ask = (count: number) =>
      many(count, async (index) => void (await person.get(paths[index % paths.length] as string)));
    expect(await growthOver(ask)).toBeLessThan(noiseMb);
  },
  rounds * 20,
);

it(
  `is flat over ${rounds} observations`,
  async () => {
    const socket = captureSocket();
    const tell = (count: number) =>
      many(count / inOneDelivery, async (index) => {
        const sensor = new FakeSensor();
        const cells = Array.from({ length: inOneDelivery / 2 }, (_, cell) => [
          sensor.started(`m${cell}`, `x = ${index * inOneDelivery + cell}`),
          sensor.finished(`m${cell}`),
        ]);
        const receipt = await deliver(socket, sensor.delivery(...cells.flat()));
        expect(receipt.accepted).toBe(inOneDelivery);
      });
    expect(await growthOver(tell)).toBeLessThan(noiseMb);
  },
  rounds * 20,
);
