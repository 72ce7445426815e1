/**
 * Numbers, durations and dates as people read them. Persian: Persian digits and the Jalali calendar; English: Latin
 * digits and the Gregorian one. Times are shown in the deployment's zone, whatever the browser's own zone is.
 */
export type Language = 'fa' | 'en';

const LOCALES = {
  fa: { number: 'fa-IR', date: 'fa-IR-u-ca-persian-nu-arabext' },
  en: { number: 'en-US', date: 'en-GB-u-ca-gregory-nu-latn' },
} as const;

const COMMA = { fa: '، ', en: ', ' } as const;
const UNITS = {
  fa: {
    ms: 'میلی‌ثانیه',
    s: 'ثانیه',
    m: 'دقیقه',
    h: 'ساعت',
    and: ' و ',
    sizes: ['بایت', 'کیلوبایت', 'مگابایت', 'گیگابایت'],
  },
  en: { ms: 'ms', s: 's', m: 'min', h: 'h', and: ' ', sizes: ['bytes', 'KiB', 'MiB', 'GiB'] },
} as const;
const RELATIVE_STEPS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

export interface Quantity {
  value: string;
  unit: string;
}
export type Format = ReturnType<typeof createFormat>;

/** Builds every formatter once for a language and a zone; constructing Intl objects per cell is slow. */
export function createFormat(language: Language, timeZone: string) {
  const locale = LOCALES[language];
  const units = UNITS[language];
  const plain = new Intl.NumberFormat(locale.number, { maximumFractionDigits: 2 });
  const tenth = new Intl.NumberFormat(locale.number, { maximumFractionDigits: 1 });
  const moment = dateParts(locale.date, timeZone);
  const calendarDay = dateParts(locale.date, 'UTC');
  const relative = new Intl.RelativeTimeFormat(locale.number, { numeric: 'auto' });

  const number = (value: number) => plain.format(value);

  /** 96.7 → «۹۶٫۷٪» / “96.7%”; the API gives percents, not fractions */
  const percent = (value: number) => `${tenth.format(value)}${language === 'fa' ? '٪' : '%'}`;

  /** cut off by the server and never rounded here: 99.99 must not read as 100 */
  const share = (value: number) => `${plain.format(value)}${language === 'fa' ? '٪' : '%'}`;

  const split = (total: number, large: number, largeUnit: string, smallUnit: string) => {
    const rest = total % large;
    const head = `${number(Math.floor(total / large))} ${largeUnit}`;
    return rest === 0 ? head : `${head}${units.and}${number(rest)} ${smallUnit}`;
  };

  /** A duration as value and unit, so that a tile can set the number large and the unit small. */
  const quantity = (ms: number): Quantity => {
    if (ms < 1000) return { value: number(ms), unit: units.ms };
    if (ms < 59_950) return { value: tenth.format(ms / 1000), unit: units.s };
    return { value: duration(ms), unit: '' };
  };

  const duration = (ms: number): string => {
    if (ms < 59_950) {
      const { value, unit } = quantity(ms);
      return `${value} ${unit}`;
    }
    const seconds = Math.round(ms / 1000);
    if (seconds < 3600) return split(seconds, 60, units.m, units.s);
    return split(Math.round(seconds / 60), 60, units.h, units.m);
  };

  /** time that goes on while somebody looks: whole seconds, so that it counts and does not flicker */
  const elapsed = (ms: number): string =>
    ms < 1000 ? `${number(0)} ${units.s}` : duration(Math.floor(ms / 1000) * 1000);

  const size = (bytes: number): string => {
    const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.sizes.length - 1);
    return `${tenth.format(bytes / 1024 ** power)} ${units.sizes[power]}`;
  };

  const dayOf = (parts: DateParts, date: Date) => {
    const { weekday, day, month, year } = parts(date);
    return `${weekday} ${day} ${month} ${year}`;
  };

  /** «پنجشنبه ۸ آبان ۱۴۰۴، ۱۵:۳۰» — Intl's own full form puts the year first in Persian */
  const dateTime = (timestamp: string) => {
    const date = new Date(timestamp);
    const { hour, minute } = moment(date);
    return `${dayOf(moment, date)}${COMMA[language]}${hour}:${minute}`;
  };

  /** with seconds, for the details of one execution */
  const exactTime = (timestamp: string) => {
    const { second } = moment(new Date(timestamp));
    return `${dateTime(timestamp)}:${second}`;
  };

  /** a day of the statistics (`2025-10-30`), a calendar day without any zone */
  const day = (date: string) => dayOf(calendarDay, new Date(`${date}T12:00:00Z`));
  const shortDay = (date: string) => {
    const { day: dayOfMonth, month } = calendarDay(new Date(`${date}T12:00:00Z`));
    return `${dayOfMonth} ${language === 'fa' ? month : month.slice(0, 3)}`;
  };

  const ago = (timestamp: string, now: number) => {
    const passed = new Date(timestamp).getTime() - now;
    for (const [unit, size] of RELATIVE_STEPS) {
      if (Math.abs(passed) >= size) return relative.format(Math.trunc(passed / size), unit);
    }
    return relative.format(0, 'second');
  };

  return { number, percent, share, quantity, duration, elapsed, size, dateTime, exactTime, day, shortDay, ago };
}

type DateParts = ReturnType<typeof dateParts>;

function dateParts(locale: string, timeZone: string) {
  const formatter = new Intl.DateTimeFormat(locale, {
    timeZone,
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  return (date: Date) => {
    const found = new Map(formatter.formatToParts(date).map((part) => [part.type, part.value]));
    const part = (type: Intl.DateTimeFormatPartTypes) => found.get(type) ?? '';
    return {
      weekday: part('weekday'),
      day: part('day'),
      month: part('month'),
      year: part('year'),
      hour: part('hour'),
      minute: part('minute'),
      second: part('second'),
    };
  };
}
