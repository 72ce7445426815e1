import { describe, expect, it } from 'vitest';
import { createFormat } from './format';

const fa = createFormat('fa', 'Asia/Tehran');
const en = createFormat('en', 'Asia/Tehran');
const at = '2025-10-30T15:30:45.123+03:30';

describe('numbers', () => {
  it('are written in the digits of the language', () => {
    expect(fa.number(15_023)).toBe('۱۵٬۰۲۳');
    expect(en.number(15_023)).toBe('15,023');
    expect(fa.percent(96.7)).toBe('۹۶٫۷٪');
    expect(en.percent(96.7)).toBe('96.7%');
    expect(fa.number(0)).toBe('۰');
  });

  it('of a share are not rounded up to all', () => {
    expect(fa.share(99.99)).toBe('۹۹٫۹۹٪');
    expect(en.share(100)).toBe('100%');
  });

  it.each([
    [0, '۰ بایت', '0 bytes'],
    [1_023, '۱٬۰۲۳ بایت', '1,023 bytes'],
    [1_536, '۱٫۵ کیلوبایت', '1.5 KiB'],
    [5 * 1024 ** 2, '۵ مگابایت', '5 MiB'],
    [3 * 1024 ** 4, '۳٬۰۷۲ گیگابایت', '3,072 GiB'],
  ])('of %d bytes', (bytes, persian, english) => {
    expect(fa.size(bytes)).toBe(persian);
    expect(en.size(bytes)).toBe(english);
  });
});

describe('durations', () => {
  it.each([
    [0, '۰ میلی‌ثانیه', '0 ms'],
    [234.56, '۲۳۴٫۵۶ میلی‌ثانیه', '234.56 ms'],
    [1_840, '۱٫۸ ثانیه', '1.8 s'],
    [59_960, '۱ دقیقه', '1 min'],
    [75_320, '۱ دقیقه و ۱۵ ثانیه', '1 min 15 s'],
    [3_600_000, '۱ ساعت', '1 h'],
    [5_430_000, '۱ ساعت و ۳۱ دقیقه', '1 h 31 min'],
  ])('%d ms', (ms, persian, english) => {
    expect(fa.duration(ms)).toBe(persian);
    expect(en.duration(ms)).toBe(english);
  });
});

it('time that goes on counts whole seconds', () => {
  expect(fa.elapsed(0)).toBe('۰ ثانیه');
  expect(fa.elapsed(1_990)).toBe('۱ ثانیه');
  expect(en.elapsed(75_999)).toBe('1 min 15 s');
});

describe('dates', () => {
  it('put the Jalali parts in the order in which Persian reads them', () => {
    expect(fa.dateTime(at)).toBe('پنجشنبه ۸ آبان ۱۴۰۴، ۱۵:۳۰');
    expect(en.dateTime(at)).toBe('Thursday 30 October 2025, 15:30');
    expect(fa.exactTime(at)).toBe('پنجشنبه ۸ آبان ۱۴۰۴، ۱۵:۳۰:۴۵');
  });

  it('are of the deployment’s zone, not of the browser’s', () => {
    expect(createFormat('en', 'UTC').dateTime('2025-10-30T00:30:00+03:30')).toBe('Wednesday 29 October 2025, 21:00');
  });

  it('keep a day of the statistics on its day in every zone', () => {
    for (const zone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
      expect(createFormat('fa', zone).shortDay('2025-10-30')).toBe('۸ آبان');
      expect(createFormat('en', zone).day('2025-10-30')).toBe('Thursday 30 October 2025');
    }
  });

  it('say how long ago something was', () => {
    const now = new Date(at).getTime();
    expect(fa.ago(at, now + 5 * 60_000)).toBe('۵ دقیقه پیش');
    expect(fa.ago(at, now + 30_000)).toBe('اکنون');
    expect(en.ago(at, now + 26 * 3_600_000)).toBe('yesterday');
  });
});
