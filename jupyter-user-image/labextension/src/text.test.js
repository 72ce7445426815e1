import { describe, expect, it } from 'vitest';
import * as text from './text.js';

describe('the words of the strip', () => {
  it('are the seed’s, character by character', () => {
    const lines = [
      text.RULE,
      text.TITLE,
      text.RULE,
      `${text.USER_LABEL}test_user`,
      text.DATA_LABEL + text.DATA_CALLS,
      text.RECORDED,
      text.FORBIDDEN,
      text.RULE,
      '',
      text.REPORTING,
    ];
    expect(lines).toEqual([
      '============================================================',
      '🔒 سیستم تحلیل داده شاپرک',
      '============================================================',
      '👤 کاربر: test_user',
      '📊 دسترسی به دیتابیس: db.get_customers(), db.get_transactions(), db.query(sql)',
      '⚠️  تمام اکشن‌ها ثبت می‌شود',
      '❌ نصب پکیج و دانلود فایل مجاز نیست',
      '============================================================',
      '',
      '✅ سیستم ثبت لاگ فعال شد - تمام کدها ثبت می‌شوند',
    ]);
  });

  it('name the problem and a next step for every reason of the gateway, known or not', () => {
    for (const reason of [
      'no-sensor',
      'silent',
      'intake-unavailable',
      'signed-out',
      'unreachable',
      'of tomorrow',
      null,
    ]) {
      expect(text.problemText(reason)).toMatch(/^⛔ .+[.،؛].+/);
    }
  });
});
