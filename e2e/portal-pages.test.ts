/**
 * Every page of the portal, as an analyst and an administrator see it: in both languages and colour schemes, narrow and
 * wide, read by axe for people who use a keyboard or a screen reader. The pages are shown with a log that came by import.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, persian, photograph } from './browser.js';
import { closePlace, makePlace, type Place, shaparak, start } from './started-system.js';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const passwords = { test_user: 'your_password', admin: 'admin_password' };
const analystPages = ['/portal/', '/portal/history', '/portal/history?query=read_csv', '/portal/history?query=nowhere'];
const pages = [
  ...analystPages.map((path) => ['test_user', path] as const),
  ['admin', '/portal/'] as const,
  ['admin', '/portal/admin/users'] as const,
  ['admin', '/portal/admin/system'] as const,
  ['admin', '/portal/admin/coverage?days=7'] as const,
];

/** Two days of two people, an error among them. */
function importedLog(): string {
  const line = (change: object) =>
    JSON.stringify({
      username: 'test_user',
      session_id: 's1',
      cell_number: 1,
      code: 'import pandas as pd\ndf = pd.read_csv("گزارش.csv")',
      execution_time_ms: 120,
      status: 'success',
      error_message: null,
      ...change,
    });
  const at = (hoursAgo: number) => new Date(Date.now() - hoursAgo * 3_600_000).toISOString();
  return [
    line({ timestamp: at(30) }),
    line({ timestamp: at(2), code: `print("${'long '.repeat(60)}")` }),
    line({ timestamp: at(1), code: '1 / 0', status: 'error', error_message: 'ZeroDivisionError: division by zero' }),
    line({ timestamp: at(1), username: 'ali.rezaei' }),
  ].join('\n');
}

describe('the portal’s pages', () => {
  let place: Place;
  let browser: Browser;
  const contexts = new Map<string, BrowserContext>();
  const complaints: string[] = [];

  beforeAll(async () => {
    place = await makePlace(null);
    const system = start(place, {
      SHAPARAK_TEST_USER_PASSWORD: passwords.test_user,
      SHAPARAK_ADMIN_PASSWORD: passwords.admin,
    });
    await system.printed('Shaparak is ready');
    expect((await shaparak(place, ['import', '-'], importedLog())).output).toContain('4 added');
    browser = await openBrowser();
    for (const [username, password] of Object.entries(passwords))
      contexts.set(username, await logIn(username, password));
  });
  afterAll(async () => {
    await browser?.close();
    await closePlace(place);
  });

  const portalUrl = (path: string) => `http://localhost:${place.ports.portal}${path}`;

  async function logIn(username: string, password: string): Promise<BrowserContext> {
    const context = await browser.newContext(persian);
    // Refused styles and scripts are told here too.
    context.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${message.page()?.url()}: ${message.text()}`);
    });
    const page = await context.newPage();
    await page.goto(portalUrl('/portal'));
    await page.getByLabel('نام کاربری').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('نام کاربری').fill(username);
    await page.getByLabel('رمز عبور').first().fill(password);
    await page.keyboard.press('Enter');
    await inside(page);
    await page.close();
    return context;
  }

  async function open(username: string, path: string): Promise<Page> {
    const page = await (contexts.get(username) as BrowserContext).newPage();
    await page.goto(portalUrl(path));
    await inside(page);
    await settled(page);
    return page;
  }

  /** The login page has a heading too, but no navigation. */
  async function inside(page: Page): Promise<void> {
    await page.getByRole('navigation').first().waitFor();
    await page.getByRole('heading', { level: 1 }).waitFor();
  }

  /** Nothing is loading and nothing moves any more; a transition begins with the frame after its cause. */
  async function settled(page: Page): Promise<void> {
    await page.evaluate(() => new Promise((frame) => requestAnimationFrame(() => requestAnimationFrame(frame))));
    await page.waitForFunction(
      () =>
        document.querySelector('[aria-busy="true"], .mantine-Skeleton-root[data-visible]') === null &&
        document
          .getAnimations()
          .every((one) => one.playState !== 'running' || one.effect?.getTiming().iterations !== 1),
    );
  }

  /** Rules of WCAG 2.2 A and AA that the page breaks seriously. */
  async function violations(page: Page): Promise<string[]> {
    await page.evaluate(axeSource);
    return page.evaluate(async () => {
      const { axe } = window as unknown as { axe: typeof import('axe-core') };
      const { violations: found } = await axe.run({
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      });
      return found
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`);
    });
  }

  it.each(pages)('can be read by everybody: %s at %s', async (username, path) => {
    const page = await open(username, path);
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor();
      await settled(page);
      expect(await violations(page), scheme).toEqual([]);
      await photograph(page, `${username}${path.replaceAll(/\W+/g, '-')}${scheme}`);
    }
    await page.close();
  });

  it.each(pages)('fits a narrow screen: %s at %s', async (username, path) => {
    const page = await open(username, path);
    await page.setViewportSize({ width: 400, height: 800 });
    await settled(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400);
    await photograph(page, `${username}${path.replaceAll(/\W+/g, '-')}narrow`);
    await page.close();
  });

  it('speaks English from left to right, and remembers it', async () => {
    const page = await open('admin', '/portal/admin/users');
    await page.getByRole('button', { name: 'Switch to English' }).click();
    await page.getByRole('heading', { level: 1, name: 'Users' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Users' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.dir)).toBe('ltr');
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  it('keeps an administrator’s pages from an analyst', async () => {
    const page = await open('test_user', '/portal/admin/users');
    await page.getByText('این صفحه برای مدیران است').waitFor();
    await page.close();
  });

  it('keeps the search in the address, and is reached by keyboard', async () => {
    const page = await open('test_user', '/portal/history');
    await page.keyboard.press('/');
    await page.keyboard.type('zerodivision');
    await page.getByText('چیزی پیدا نشد').waitFor();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('1 / 0');
    await page.waitForURL(/query=/);
    await page.getByText('ZeroDivisionError: division by zero').first().waitFor();
    await page.reload();
    await page.getByText('ZeroDivisionError: division by zero').first().waitFor();
    await page.close();
  });

  it('logged no error to the console', () => {
    expect(complaints).toEqual([]);
  });
});
