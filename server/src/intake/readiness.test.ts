/** An outage and a turned clock both make what is missing late; a clock that only drifts makes nothing. */
import { expect, it } from 'vitest';
import { Readiness } from './readiness.js';

function machine() {
  const state = { wall: 1_764_000_000_000, steady: 5_000, turns: [] as number[] };
  const readiness = new Readiness({
    clock: { now: () => new Date(state.wall) },
    monotonic: () => state.steady,
    onTurned: (ms) => state.turns.push(ms),
  });
  const pass = (ms: number, turn = 0) => {
    state.steady += ms;
    state.wall += ms + turn;
  };
  return { state, readiness, pass };
}

it('grows with the time that passes, and begins again after an interruption', () => {
  const { readiness, pass } = machine();
  pass(20_000);
  expect(readiness.forMs()).toBe(20_000);
  readiness.interrupted();
  pass(3_000);
  expect(readiness.forMs()).toBe(3_000);
});

it.each([3_600_000, -3_600_000])('begins again when the clock is turned by %i ms, and tells it once', (turn) => {
  const { state, readiness, pass } = machine();
  pass(20_000);
  readiness.forMs();
  pass(500, turn);
  expect(readiness.forMs()).toBe(0);
  pass(500);
  expect(readiness.forMs()).toBe(500);
  expect(state.turns).toEqual([turn]);
});

it('goes on while a time server slews the clock', () => {
  const { state, readiness, pass } = machine();
  for (let look = 0; look < 100; look += 1) {
    pass(500, 25);
    readiness.forMs();
  }
  expect(readiness.forMs()).toBe(50_000);
  expect(state.turns).toEqual([]);
});
