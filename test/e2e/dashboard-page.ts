import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { remember } from '../support/opened.ts';

/** Debian's Chromium. */
export const executablePath = '/usr/bin/chromium';

const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];

/** Starts a browser, which ends with the test. */
export async function startBrowser(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath, args, timeout: 40_000 });
  remember({ close: () => browser.close() });
  return browser;
}

/** A page of the dashboard, with what the browser complained of. */
export interface OpenPage {
  readonly page: Page;
  /** Errors of the console, exceptions and requests to elsewhere. */
  readonly complaints: readonly string[];
}

/** Opens the dashboard of the admin server at `host:port` as a visitor of its own. */
export async function openDashboard(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1300, height: 900 }, ...options });
  context.setDefaultTimeout(12_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    // The browser notes each refusal of the API; what the page makes of it is for tests to see.
    if (/the server responded with a status of 4\d\d/.test(message.text())) return;
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`http://${address}/`)) complaints.push(`asked ${request.url()}`);
  });
  await page.goto(`http://${address}/`);
  return { page, complaints };
}

/** What the page says of each backend of a pool, by its id, as whole numbers. */
export function backendNumbers(page: Page, pool: string): Promise<Record<string, Record<string, number>>> {
  return page.locator(`table[aria-label="Backends of ${pool}"] tbody tr`).evaluateAll((rows) => {
    const number = (row: (typeof rows)[number], part: string) =>
      Number((row.querySelector(`[data-figure="${part}"]`)?.textContent ?? 'NaN').replace(/[^\d]/g, ''));
    return Object.fromEntries(
      rows.map((row) => [
        row.querySelector('.id')!.textContent,
        Object.fromEntries(['total', 'active', 'errors', 'failures'].map((part) => [part, number(row, part)])),
      ]),
    );
  });
}

/** The hits and errors that the page says of each route of a listener. */
export function routeNumbers(page: Page, listener: string): Promise<Record<string, number[]>> {
  return page.locator(`table[aria-label="Routes of ${listener}"] tbody tr`).evaluateAll((rows) =>
    Object.fromEntries(
      rows.map((row) => {
        const cells = [...row.children].map((cell) => cell.textContent ?? '');
        return [cells[0], cells.slice(-2).map((text) => Number(text.replaceAll(',', '')))];
      }),
    ),
  );
}

/** What the keyboard finds when it goes on from control to control, to the end of the page. */
export async function walk(page: Page, most = 400): Promise<{ name: string; outlined: boolean }[]> {
  const found: { name: string; outlined: boolean }[] = [];
  const body = page.locator('body');
  await body.evaluate(({ ownerDocument }) => ownerDocument.activeElement?.blur());
  for (let step = 0; step < most; step++) {
    await page.keyboard.press('Tab');
    const here = await body.evaluate(({ ownerDocument }) => {
      const { activeElement: element, body: top, defaultView } = ownerDocument;
      if (element === null || element === top) return undefined;
      const style = defaultView.getComputedStyle(element);
      const labelled = element.getAttribute('aria-label') ?? element.labels?.[0]?.firstChild.textContent;
      return {
        name: (labelled ?? element.textContent ?? '').trim(),
        outlined: style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) > 0,
      };
    });
    if (here === undefined) break;
    found.push(here);
  }
  return found;
}
