/**
 * The seed's own walk-through, steps 1 to 5, by a person with a browser, curl and SQL; then its troubleshooting.
 * Screenshots go to $TEST_SCREENSHOTS where that is set.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openBrowser, persian, photograph } from './browser.js';
import { killAll, makePlace, type Place, type StartedSystem, shaparak, start } from './started-system.js';

const run = promisify(execFile);
const passwords = { test_user: 'your_password', admin: 'admin_password' };
const cells = [
  'print("Hello Shaparak!")\nx = 10 + 20\nprint(f"Result: {x}")',
  "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2, 3], 'b': [4, 5, 6]})\nprint(df)",
  '1 / 0  # ZeroDivisionError',
] as const;
const rule = '='.repeat(60);
const banner = [
  rule,
  '🔒 سیستم تحلیل داده شاپرک',
  rule,
  '👤 کاربر: test_user',
  '📊 دسترسی به دیتابیس: db.get_customers(), db.get_transactions(), db.query(sql)',
  '⚠️  تمام اکشن‌ها ثبت می‌شود',
  '❌ نصب پکیج و دانلود فایل مجاز نیست',
  rule,
];
const confirmed = '✅ سیستم ثبت لاگ فعال شد - تمام کدها ثبت می‌شوند';

describe('the seed’s walk-through', () => {
  let place: Place;
  let system: StartedSystem;
  let browser: Browser;
  let context: BrowserContext;
  let portal: Page;
  let lab: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    place = await makePlace(null);
    system = start(place, {
      SHAPARAK_TEST_USER_PASSWORD: passwords.test_user,
      SHAPARAK_ADMIN_PASSWORD: passwords.admin,
    });
    await system.printed('Shaparak is ready');
    browser = await openBrowser();
    context = await browser.newContext(persian);
    context.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${message.page()?.url()}: ${message.text()}`);
    });
    context.on('request', (request) => {
      const { protocol, port } = new URL(request.url());
      const ours = [String(place.ports.portal), String(place.ports.lab)].includes(port);
      if (protocol.startsWith('http') && !ours) complaints.push(`a request left the system: ${request.url()}`);
    });
    portal = await context.newPage();
  });

  afterAll(async () => {
    await browser?.close();
    system?.process.kill('SIGINT');
    await system?.ended;
    killAll(place.home);
    place.close();
  });

  const portalUrl = () => `http://localhost:${place.ports.portal}`;

  async function runInLastCell(code: string) {
    await lab.bringToFront();
    await lab.locator('.jp-Notebook .jp-CodeCell').last().locator('.cm-content').click();
    await lab.keyboard.insertText(code);
    await lab.keyboard.press('Shift+Enter');
  }

  it('step 1: logs in, starts JupyterLab with one click and opens it', async () => {
    await portal.goto(`${portalUrl()}/portal`);
    await portal.getByLabel('نام کاربری').fill('test_user');
    await portal.getByLabel('رمز عبور').first().fill(passwords.test_user);
    await portal.getByRole('button', { name: 'ورود' }).click();
    await portal.getByRole('button', { name: 'راه‌اندازی Jupyter Lab' }).click();
    const open = portal.getByRole('button', { name: 'باز کردن Jupyter Lab' });
    await open.waitFor({ timeout: 60_000 });
    [lab] = await Promise.all([context.waitForEvent('page'), open.click()]);
    await lab.locator('.jp-LauncherCard[data-category="Notebook"]').first().click({ timeout: 60_000 });
    await lab.locator('.jp-Notebook .jp-CodeCell .cm-content').first().waitFor({ timeout: 60_000 });
  });

  it('step 2: sees the banner in JupyterLab before any cell, confirmed', async () => {
    const strip = lab.locator('.shaparak-banner').first();
    await strip.getByText(confirmed).waitFor({ timeout: 30_000 });
    const lines = (await strip.innerText()).split('\n').map((line) => line.trimEnd());
    expect(lines.filter((line) => line !== '')).toEqual([...banner, confirmed]);
    // Text in the DOM is not yet seen: a strip without height shows nothing.
    const box = await strip.boundingBox();
    expect(box?.height).toBeGreaterThan(120);
    expect(await strip.evaluate((element) => getComputedStyle(element).direction)).toBe('rtl');
    await photograph(lab, 'lab-banner');
  });

  it('step 1, continued: runs the three cells', async () => {
    for (const [index, code] of cells.entries()) {
      const cell = lab.locator('.jp-Notebook .jp-CodeCell').nth(index);
      await cell.locator('.cm-content').click();
      await lab.keyboard.insertText(code);
      await lab.keyboard.press('Shift+Enter');
      await cell.locator('.jp-InputPrompt', { hasText: `[${index + 1}]:` }).waitFor({ timeout: 60_000 });
    }
    const notebook = lab.locator('.jp-Notebook');
    for (const text of ['Result: 30', '2  3  6', 'ZeroDivisionError']) await notebook.getByText(text).first().waitFor();
    await photograph(lab, 'lab-cells');
  });

  it('step 3: sees the tiles change by themselves', async () => {
    await portal.bringToFront();
    const tiles = portal.getByRole('region', { name: 'آمار شما' });
    for (const text of ['امروز', 'کل اجراها', 'نرخ موفقیت', 'میانگین زمان'])
      await tiles.getByText(text, { exact: true }).waitFor();
    await tiles.getByText('۶۶٫۷', { exact: false }).first().waitFor({ timeout: 5_000 });
    await portal.getByText('ZeroDivisionError: division by zero').first().waitFor();
    await photograph(portal, 'portal-home');
  });

  it('step 2, again: confirms a restarted kernel anew, and saves nothing of the banner', async () => {
    await lab.bringToFront();
    const accept = lab.locator('.jp-Dialog .jp-mod-accept');
    await lab.keyboard.press('Control+s');
    // Lab asks once what an untitled notebook shall be called.
    await accept.click();
    await accept.waitFor({ state: 'detached' });
    await lab
      .locator('[data-command="notebook:restart-kernel"], .jp-ToolbarButtonComponent[title*="Restart"]')
      .first()
      .click();
    await accept.click();
    await lab.locator('.shaparak-banner').first().getByText(confirmed).waitFor({ timeout: 30_000 });
    await vi.waitFor(() => {
      const saved = readFileSync(join(place.home, 'data/users/test_user/home/Untitled.ipynb'), 'utf8');
      expect(saved).toContain('Hello Shaparak!');
      expect(saved).not.toContain('شاپرک');
    }, 10_000);
  });

  it('step 4: asks the API with curl and jq, as the seed prints it', async () => {
    const script = `
      set -e
      TOKEN=$(curl -s -X POST ${portalUrl()}/api/login \\
        -H "Content-Type: application/x-www-form-urlencoded" \\
        -d "username=test_user&password=your_password" | jq -r '.access_token')
      curl -s -H "Authorization: Bearer $TOKEN" "${portalUrl()}/api/activity/recent?limit=5" | jq -c .
      curl -s -H "Authorization: Bearer $TOKEN" "${portalUrl()}/api/activity/search?query=pandas" | jq -c .
      curl -s -H "Authorization: Bearer $TOKEN" "${portalUrl()}/api/activity/stats?days=7" | jq -c .
      curl -s -H "Authorization: Bearer $TOKEN" "${portalUrl()}/api/dashboard" | jq -c .
      curl -s -H "Authorization: Bearer $TOKEN" "${portalUrl()}/api/logs?limit=20&offset=0" | jq -c .`;
    const { stdout } = await run('bash', ['-c', script]);
    const [recent, search, stats, dashboard, logs] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(recent.activities.map((activity: { code: string }) => activity.code)).toEqual([...cells].reverse());
    expect(recent.activities[0]).toMatchObject({
      cell_number: 3,
      status: 'error',
      error_message: 'ZeroDivisionError: division by zero',
      notebook_path: 'Untitled.ipynb',
    });
    expect(search).toMatchObject({ query: 'pandas', count: 1 });
    expect(stats.daily_stats).toHaveLength(7);
    expect(stats.daily_stats[0]).toMatchObject({ executions: 3, success_count: 2, error_count: 1 });
    expect(dashboard.stats).toMatchObject({ total_executions: 3, total_errors: 1, success_rate: 66.7 });
    expect(logs.logs).toHaveLength(3);
  });

  it('step 5: reads the log with the seed’s SQL', async () => {
    const sql = (statement: string, ...options: string[]) => shaparak(place, ['sql', ...options, '-c', statement]);
    const rows = await sql(
      `SELECT id, username, cell_number, LEFT(code, 50) as code, execution_time_ms, status, timestamp
      FROM code_execution_logs ORDER BY timestamp DESC LIMIT 10;`,
      '--json',
    );
    expect(JSON.parse(rows.output).map((row: { status: string }) => row.status)).toEqual([
      'error',
      'success',
      'success',
    ]);
    const counts = await sql('SELECT username, COUNT(*) as executions FROM code_execution_logs GROUP BY username;');
    expect(counts.output).toMatch(/test_user\s*\|\s*3/);
    const errors = await sql(
      `SELECT username, LEFT(code, 50), LEFT(error_message, 100), timestamp FROM code_execution_logs
      WHERE status = 'error' ORDER BY timestamp DESC;`,
    );
    expect(errors.output).toContain('ZeroDivisionError: division by zero');
    expect((await sql('delete from code_execution_logs')).code).not.toBe(0);
  });

  it('troubleshooting: the sensor’s line is in the log, its sink in the environment, and doctor is content', async () => {
    expect(
      system
        .output()
        .split('\n')
        .filter((line) => /audit|extension/i.test(line))
        .join('\n'),
    ).toContain(confirmed);
    await runInLastCell('!echo $AUDIT_DB_CONNECTION');
    await lab
      .locator('.jp-OutputArea', { hasText: 'http+unix:///run/audit/capture.sock' })
      .first()
      .waitFor({ timeout: 20_000 });
    const doctor = await shaparak(place, ['doctor']);
    expect(doctor.output).toMatch(/sensor/i);
    expect(doctor.code, doctor.output).toBe(0);
  });

  it('troubleshooting: a sensor that is stopped is named by doctor, and the person sees it', async () => {
    await runInLastCell(
      'import gc\n[sensor] = [one for one in gc.get_objects() if type(one).__name__ == "Sensor"]\nsensor._stop.set()',
    );
    // Three missed heartbeats of 15 s.
    await vi.waitFor(
      async () => {
        const doctor = await shaparak(place, ['doctor']);
        expect(doctor.output).toMatch(
          /✘ kernels and their sensors: the sensor of 1 of 1 running kernels is silent: test_user \(kernel [0-9a-f]{8}\)\n {4}→ restart that kernel/,
        );
        expect(doctor.code).toBe(1);
      },
      { timeout: 90_000, interval: 3_000 },
    );
    await lab.locator('.shaparak-banner').first().getByText('⛔ ثبت‌کنندهٔ این کرنل دیگر پیامی نمی‌فرستد').waitFor();
    await photograph(lab, 'lab-silent');
  });

  it('refuses what policy forbids, in the browser too', async () => {
    const statuses = await lab.evaluate(async () => {
      const base = '/user/test_user';
      const paths = [
        '/files/Untitled.ipynb',
        '/nbconvert/html/Untitled.ipynb',
        '/api/terminals',
        '/terminals/websocket/1',
        '/lsp',
      ];
      return Promise.all(paths.map(async (path) => (await fetch(base + path)).status));
    });
    expect(statuses).toEqual([403, 403, 403, 403, 403]);
  });

  it('needed nothing from outside and logged no error to the console', () => {
    // The refused routes of the test before are meant to be refused.
    expect(complaints.filter((text) => !/403 \(Forbidden\)/.test(text))).toEqual([]);
    expect(existsSync(place.home)).toBe(true);
  });
});
