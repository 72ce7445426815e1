/** When a kernel side that was stopped for a slow tab is read again; with the sockets' buffers it shows too late to wait for. */
import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { Connection } from './connection.js';
import { ReplayBudget } from './replay.js';

class SocketDouble extends EventEmitter {
  isPaused = false;
  readonly readyState = 1;
  readonly OPEN = 1;
  readonly protocol = '';
  resume(): void {
    this.isPaused = false;
  }
  close(): void {}
}

function joined() {
  const [kernelSide, tab] = [new SocketDouble(), new SocketDouble()];
  const connection = new Connection({
    kernelSide: kernelSide as unknown as WebSocket,
    replay: new ReplayBudget(1_000).open(),
    fromClient: () => true,
    fromKernel: () => {},
    isBusy: () => true,
    onClosed: () => {},
    patienceMs: 1,
  });
  connection.join(tab as unknown as WebSocket);
  kernelSide.isPaused = true;
  return { kernelSide, tab, connection };
}

it('reads the kernel again when the slow tab leaves', () => {
  const { kernelSide, tab } = joined();
  tab.emit('close');
  expect(kernelSide.isPaused).toBe(false);
});

it('reads the kernel again when another tab takes the slow one’s place, which may hang until it is given up', () => {
  const { kernelSide, tab, connection } = joined();
  connection.join(new SocketDouble() as unknown as WebSocket);
  expect(kernelSide.isPaused).toBe(false);
  kernelSide.isPaused = true;
  tab.emit('close');
  expect([kernelSide.isPaused, connection.isJoined]).toEqual([true, true]);
});
