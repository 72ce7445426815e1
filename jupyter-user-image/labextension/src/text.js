// Every word that the strip shows. The lines are the seed's, character by character (two spaces after the warning sign).
export const RULE = '='.repeat(60);
export const TITLE = '🔒 سیستم تحلیل داده شاپرک';
export const USER_LABEL = '👤 کاربر: ';
export const UNKNOWN_USER = '…';
export const DATA_LABEL = '📊 دسترسی به دیتابیس: ';
export const DATA_CALLS = 'db.get_customers(), db.get_transactions(), db.query(sql)';
export const RECORDED = '⚠️  تمام اکشن‌ها ثبت می‌شود';
export const FORBIDDEN = '❌ نصب پکیج و دانلود فایل مجاز نیست';
export const REPORTING = '✅ سیستم ثبت لاگ فعال شد - تمام کدها ثبت می‌شوند';
export const WAITING = '⏳ در حال فعال‌سازی ثبت لاگ…';
export const NO_KERNEL = '⏳ هنوز کرنلی اجرا نمی‌شود؛ از منوی Kernel یک کرنل انتخاب کنید.';
export const COLLAPSE = 'جمع کردن نوار ثبت لاگ';
export const EXPAND = 'باز کردن نوار ثبت لاگ';
export const REGION = 'وضعیت ثبت لاگ شاپرک';

// What is wrong and the next step. The keys are GET /capture's reasons and the two ways in which it gives no answer.
const PROBLEMS = {
  'no-sensor':
    '⛔ ثبت لاگ این کرنل تأیید نشد: از ثبت‌کنندهٔ آن پیامی نرسیده است. کرنل را از نو راه‌اندازی کنید (Kernel ← Restart)؛ اگر تکرار شد، به مدیر سامانه خبر دهید.',
  silent:
    '⛔ ثبت‌کنندهٔ این کرنل دیگر پیامی نمی‌فرستد. کار خود را ذخیره و کرنل را از نو راه‌اندازی کنید؛ اگر تکرار شد، به مدیر سامانه خبر دهید.',
  'intake-unavailable':
    '⛔ سامانهٔ ثبت لاگ در دسترس نیست. کدها نزد ثبت‌کننده نگه داشته و بعداً ارسال می‌شوند؛ اگر این پیام ماند، به مدیر سامانه خبر دهید.',
  'signed-out': '⛔ وضعیت ثبت لاگ معلوم نیست، چون نشست شما پایان یافته است. از درگاه شاپرک دوباره وارد شوید.',
  unreachable: '⛔ وضعیت ثبت لاگ معلوم نیست، چون درگاه پاسخ نمی‌دهد. اتصال شبکه را بررسی و صفحه را تازه کنید.',
};

/** The sentence for a reason; an unknown one (a newer gateway) reads like a missing sensor. */
export function problemText(reason) {
  return PROBLEMS[reason] ?? PROBLEMS['no-sensor'];
}
