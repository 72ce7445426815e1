/** Time as people of the deployment see it: RFC 3339 with the zone's offset, days of that zone. */
export interface Clock {
  now(): Date;
}
export const systemClock: Clock = { now: () => new Date() };

/** Formats instants as 2025-10-30T15:30:45.123+03:30 in one zone. */
export function createInstantFormat(timeZone: string): (instant: Date) => string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  });
  return (instant) => {
    const part: Record<string, string> = {};
    for (const { type, value } of parts.formatToParts(instant)) part[type] = value;
    // ICU writes plain "GMT" for UTC and GMT+03:25:44 for zones before standard time (RFC 3339 knows minutes only).
    const offset = (part.timeZoneName ?? '').replace('GMT', '').slice(0, 6) || '+00:00';
    const milliseconds = String(instant.getUTCMilliseconds()).padStart(3, '0');
    const year = (part.year ?? '').padStart(4, '0');
    return `${year}-${part.month}-${part.day}T${part.hour}:${part.minute}:${part.second}.${milliseconds}${offset}`;
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
