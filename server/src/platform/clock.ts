/** Time as people of the deployment see it: RFC 3339 with the zone's offset, days of that zone. */
export interface Clock {
  now(): Date;
}
export const systemClock: Clock = { now: () => new Date() };

/**
 * Formats instants as 2025-10-30T15:30:45.123+03:30 in one zone.
 *
 * Intl takes 4 µs for each, 4 ms for the list of a thousand people, and all that it knows is the zone's offset: on a day
 * that begins and ends with the same one, it is asked for that day once.
 */
export function createInstantFormat(timeZone: string): (instant: Date) => string {
  const offsetAt = createOffsetReader(timeZone);
  const ofDays = new Map<number, Offset | null>();
  return (instant) => {
    const time = instant.getTime();
    const day = Math.floor(time / dayMs);
    let offset = ofDays.get(day);
    if (offset === undefined) {
      const [first, last] = [offsetAt(day * dayMs), offsetAt((day + 1) * dayMs)];
      offset = first.ms === last.ms ? first : null;
      if (ofDays.size >= mostDays) ofDays.clear();
      ofDays.set(day, offset);
    }
    const { ms, text } = offset ?? offsetAt(time);
    return `${new Date(time + ms).toISOString().slice(0, -1)}${text}`;
  };
}

interface Offset {
  ms: number;
  text: string;
}

const dayMs = 86_400_000;
/** Three years of history, then again from the beginning. */
const mostDays = 1_100;

function createOffsetReader(timeZone: string): (time: number) => Offset {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  return (time) => {
    const name = format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    // ICU writes plain "GMT" for UTC and GMT+03:25:44 for zones before standard time (RFC 3339 knows minutes only).
    const [, sign = '+', hours = '00', minutes = '00', seconds = '00'] =
      /^GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name) ?? [];
    const size = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
    return { ms: sign === '-' ? -size : size, text: `${sign}${hours}:${minutes}` };
  };
}

/** The instant at which the wall clock of a zone shows this UTC-written time, e.g. for a timestamp without an offset. */
export type WallClock = (shown: Date) => Date;

/** Keeps its formatter: making one takes 60 µs, and each line of an import needs it twice. */
export function createWallClock(timeZone: string): WallClock {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const offsetAt = (instant: number) =>
    Date.parse(`${format.format(instant).replace(' ', 'T')}Z`) - Math.floor(instant / 1_000) * 1_000;
  return (shown) => {
    const wall = shown.getTime();
    const first = wall - offsetAt(wall);
    return new Date(wall - offsetAt(first));
  };
}
