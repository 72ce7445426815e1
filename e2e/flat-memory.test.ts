/**
 * The portal's memory stays flat: after many requests and many observations it is what it was after the first tenth of them.
 * LEAK_ROUNDS makes it longer (npm run test:long: 200,000 of each); the first tenth fills pools and compiled code.
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
/** what a garbage collection more or less makes of it; a leak of 1 kB in each of 200,000 would be 200 MB */
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
    await ask(rounds / 10);
    const before = memoryMb('main.js portal ');
    await ask(rounds);
    expect(memoryMb('main.js portal ') - before).toBeLessThan(noiseMb);
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
    await tell(rounds / 10);
    const before = memoryMb('main.js portal ');
    await tell(rounds);
    expect(memoryMb('main.js portal ') - before).toBeLessThan(noiseMb);
  },
  rounds * 20,
);
