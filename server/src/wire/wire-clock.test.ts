import { expect, it } from 'vitest';
import { createWireClock } from './wire-clock.js';

it('never tells the same time twice, and follows a clock that is set back', () => {
  let now = 1_764_000_000_000;
  const clock = createWireClock(() => now);
  expect([clock(), clock()]).toEqual(['2025-11-24T16:00:00.000000Z', '2025-11-24T16:00:00.000001Z']);
  now += 1;
  expect(clock()).toBe('2025-11-24T16:00:00.001000Z');
  now -= 3_600_000;
  expect(clock()).toBe('2025-11-24T15:00:00.001000Z');
});
