/**
 * The gateway's own pages: Persian with an English line, one template, no request to anywhere. Everything in them is a
 * constant of this file or an address of the configuration, so nothing of a request is ever written into a page.
 */
import { randomBytes } from 'node:crypto';

export type PageName = keyof typeof texts;

interface PageText {
  title: string;
  message: string;
  english: string;
  action: string;
}

const toPortal = 'رفتن به درگاه';
const texts = {
  starting: {
    title: 'JupyterLab در حال راه‌اندازی است',
    message: 'این صفحه به‌محض آماده شدن خودش باز می‌شود.',
    english: 'JupyterLab is starting. This page opens it as soon as it is ready.',
    action: toPortal,
  },
  'not-running': {
    title: 'JupyterLab روشن نیست',
    message: 'آن را از صفحهٔ خانهٔ درگاه با دکمهٔ «راه‌اندازی Jupyter Lab» روشن کنید.',
    english: 'JupyterLab is not running. Start it from the home page of the portal.',
    action: toPortal,
  },
  'hub-away': {
    title: 'سامانهٔ راه‌اندازی در دسترس نیست',
    message: 'JupyterHub پاسخ نمی‌دهد. چند لحظهٔ دیگر دوباره تلاش کنید؛ کار ذخیره‌شدهٔ شما از بین نرفته است.',
    english: 'JupyterHub cannot be reached. Try again in a moment; nothing that you saved is lost.',
    action: toPortal,
  },
  'server-died': {
    title: 'JupyterLab شما پاسخ نمی‌دهد',
    message: 'سرور متوقف شده است. آن را از درگاه دوباره راه‌اندازی کنید؛ فایل‌های ذخیره‌شده سر جای خود هستند.',
    english: 'Your JupyterLab server has stopped answering. Start it again from the portal; saved files are kept.',
    action: toPortal,
  },
  'database-away': {
    title: 'پایگاه داده در دسترس نیست',
    message: 'نشست شما را اکنون نمی‌توان بررسی کرد. چند لحظهٔ دیگر دوباره تلاش کنید.',
    english: 'Your session cannot be checked, because the database is away. Try again in a moment.',
    action: toPortal,
  },
  refused: {
    title: 'این مسیر بسته است',
    message: 'طبق سیاست سامانه، دانلود، ترمینال و خروجی گرفتن از JupyterLab مجاز نیست. این درخواست ثبت شد.',
    english: 'This route of JupyterLab is closed by policy (downloads, terminals, export). The request was recorded.',
    action: toPortal,
  },
  'other-user': {
    title: 'این JupyterLab مال کاربر دیگری است',
    message: 'هر کاربر فقط JupyterLab خودش را می‌بیند. این درخواست ثبت شد.',
    english: 'This JupyterLab belongs to another user. The request was recorded.',
    action: toPortal,
  },
  'origin-refused': {
    title: 'این درخواست از صفحهٔ درست نیامده است',
    message: 'JupyterLab را از درگاه باز کنید.',
    english: 'This request did not come from the page it belongs to. Open JupyterLab from the portal.',
    action: toPortal,
  },
  'not-logged-in': {
    title: 'اول وارد شوید',
    message:
      'نشست شما در این نشانی شناخته نیست یا پایان یافته است. در درگاه وارد شوید و JupyterLab را از آنجا باز کنید.',
    english: 'You are not logged in here. Log in at the portal and open JupyterLab from there.',
    action: 'ورود به درگاه',
  },
  'ticket-refused': {
    title: 'این بلیت دیگر معتبر نیست',
    message: 'هر بلیت یک بار و تا ۳۰ ثانیه کار می‌کند. JupyterLab را دوباره از درگاه باز کنید.',
    english: 'This ticket was already used or is too old. Open JupyterLab from the portal again.',
    action: toPortal,
  },
  'not-found': {
    title: 'چیزی در این نشانی نیست',
    message: 'JupyterLab را از درگاه باز کنید.',
    english: 'There is nothing at this address. Open JupyterLab from the portal.',
    action: toPortal,
  },
} satisfies Record<string, PageText>;

const style = `
:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:1.05rem/1.9 Vazirmatn,Tahoma,"Segoe UI",system-ui,sans-serif;background:light-dark(#f3f6fa,#10151d);color:light-dark(#16202e,#e6edf5)}
main{box-sizing:border-box;width:min(34rem,calc(100% - 2rem));padding:2rem;border-radius:1rem;background:light-dark(#fff,#1a2230);box-shadow:0 8px 30px rgb(0 0 0/.12)}
h1{margin:0 0 .5rem;font-size:1.35rem}p{margin:.5rem 0}
p[lang=en]{font-size:.9rem;color:light-dark(#51607a,#9db0c8)}
a{display:inline-block;margin-block-start:1rem;padding:.5rem 1.25rem;border-radius:.6rem;background:#1864ab;color:#fff;text-decoration:none}
a:focus-visible{outline:3px solid #4dabf7;outline-offset:2px}
progress{width:100%;accent-color:#1864ab}`;

// Asks the gateway where the start stands and opens the lab when it is ready; the page itself is never reloaded for it.
const script = `
const elapsed=document.getElementById('elapsed');const began=Date.now();
const digits=new Intl.NumberFormat('fa-IR');
async function ask(){
  try{const answer=await fetch('/lab-state',{cache:'no-store'});
    if(answer.ok){const lab=await answer.json();
      if(lab.state!=='starting'){location.reload();return}
      elapsed.textContent=digits.format(Math.round((lab.elapsed_ms??Date.now()-began)/1000))+' ثانیه'}
    else if(answer.status===401){location.reload();return}
  }catch{}
  setTimeout(ask,200)}
ask();`;

export interface Page {
  html: string;
  contentSecurityPolicy: string;
}

export function renderPage(name: PageName, portalUrl: string): Page {
  const { title, message, english, action } = texts[name];
  const nonce = randomBytes(16).toString('base64');
  const starting = name === 'starting';
  const waiting = '<p><progress aria-label="در حال راه‌اندازی"></progress></p><p id="elapsed" role="status"></p>';
  const html = `<!doctype html>
<html lang="fa" dir="rtl"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
${starting ? '<noscript><meta http-equiv="refresh" content="2"></noscript>' : ''}
<title>${title}</title><style nonce="${nonce}">${style}</style></head>
<body><main><h1>${title}</h1><p>${message}</p>${starting ? waiting : ''}<p lang="en" dir="ltr">${english}</p>
<a href="${portalUrl}/portal">${action}</a></main>
${starting ? `<script nonce="${nonce}">${script}</script>` : ''}</body></html>
`;
  const contentSecurityPolicy = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    ...(starting ? [`script-src 'nonce-${nonce}'`, "connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { html, contentSecurityPolicy };
}
