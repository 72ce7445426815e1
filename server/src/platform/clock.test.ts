import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInstantFormat } from './clock.js';

/** What people of the zone read off the wall, from Intl alone. */
function shownIn(timeZone: string, instant: Date): string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return format.format(instant).replace(' ', 'T');
}

describe('createInstantFormat', () => {
  it.each([
    ['Asia/Tehran', '2025-10-30T12:00:45.123Z', '2025-10-30T15:30:45.123+03:30'],
    ['Asia/Tehran', '2022-09-21T19:29:59.999Z', '2022-09-21T23:59:59.999+04:30'],
    ['Asia/Tehran', '2022-09-21T19:30:00.000Z', '2022-09-21T23:00:00.000+03:30'],
    ['Europe/Berlin', '2026-03-29T00:59:59.999Z', '2026-03-29T01:59:59.999+01:00'],
    ['Europe/Berlin', '2026-03-29T01:00:00.000Z', '2026-03-29T03:00:00.000+02:00'],
    ['America/New_York', '2026-11-24T02:03:04.005Z', '2026-11-23T21:03:04.005-05:00'],
    ['UTC', '1999-12-31T23:59:59.999Z', '1999-12-31T23:59:59.999+00:00'],
    ['Africa/Monrovia', '1971-06-01T00:00:00.000Z', '1971-05-31T23:15:30.000-00:44'],
  ])('%s shows %s as %s', (timeZone, instant, text) => {
    expect(createInstantFormat(timeZone)(new Date(instant))).toBe(text);
  });

  it.each(['Asia/Tehran', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns'])(
    'shows in %s what the wall clock shows, whatever was asked before',
    (timeZone) => {
      const format = createInstantFormat(timeZone);
      const instants = fc.date({
        min: new Date('1990-01-01T00:00:00Z'),
        max: new Date('2035-01-01T00:00:00Z'),
        noInvalidDate: true,
      });
      fc.assert(
        fc.property(instants, (instant) => {
          const text = format(instant);
          expect(text.slice(0, 19)).toBe(shownIn(timeZone, instant));
          expect(Date.parse(text)).toBe(instant.getTime());
        }),
        { numRuns: 2_000 },
      );
    },
  );
});
