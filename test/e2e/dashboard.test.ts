import { existsSync } from 'node:fs';
import net from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildDashboard } from '../../scripts/dashboard.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { skipsWithout } from '../support/needs.ts';
import { closeOpened } from '../support/opened.ts';
import { type RunningFairlead, runFairlead } from '../support/running.ts';
import { scrape, sumOf } from '../support/scrape.ts';
import { startAttached } from '../support/socket-backends.ts';
import { backendNumbers, executablePath, openDashboard, routeNumbers, startBrowser, walk } from './dashboard-page.ts';

/** Markup and a line break: a pool's name is a user's, and a path in an address may hold anything. */
const oddPool = '<img src=x onerror=alert(1)>\n"b"';
const oddAddress = 'unix:/run/<script>alert(2)</script>';

let browser: Browser;
let lb: RunningFairlead;
let config: ConfigInput;
let page: Page;
let complaints: readonly string[];

const admin = () => lb.adminAddresses[0]!;
/** What a page shows follows the traffic by up to a second, and more on a machine that is busy. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 10_000 });
const ask = async (path: string) => (await fetch(`http://${lb.address()}${path}`)).text();
const row = (id: string) => page.getByRole('row', { name: new RegExp(`^${id} `) });
const pool = (name: string) => page.getByRole('article', { name: `Pool ${name}`, exact: true });

const button = (name: string) => page.getByRole('button', { name, exact: true });
const said = (text: string) => page.getByLabel('Messages').getByText(text, { exact: true });
/** The name of what has the focus. */
const focused = () =>
  page.locator(':focus').evaluate((element) => {
    const named =
      element.getAttribute('aria-label') ?? element.labels?.[0]?.firstChild.textContent ?? element.textContent;
    return named.replace(/[▾▸]/, '').trim();
  });

async function startConfig(): Promise<ConfigInput> {
  const [a, b, c] = await startAttached(['a', 'b', 'c'], (server, name) => {
    server.on('request', (request, response) => {
      response.statusCode = request.url === '/bad' ? 503 : 200;
      response.end(name);
    });
    return undefined;
  });
  const backends = [a!, b!].map(({ name, address }) => ({ name, address }));
  return {
    admin: { bind: '127.0.0.1:0' },
    workers: 2,
    listeners: {
      web: {
        protocol: 'http',
        bind: '127.0.0.1:0',
        routes: [
          { name: 'ping', match: { path: '/ping' }, respond: { status: 200, body: 'pong' } },
          { name: 'apps', pool: 'apps' },
        ],
      },
      raw: { protocol: 'tcp', bind: '127.0.0.1:0', pool: 'apps' },
    },
    pools: {
      apps: { backends, health: { type: 'off' }, eject: { failures: 1000 } },
      spare: { backends: [c!.address], health: { type: 'off' } },
      [oddPool]: { backends: [oddAddress, { name: 'other', address: 'unix:/run/x' }], health: { type: 'off' } },
    },
  };
}

/** A connection to the tcp listener that is answered and closed. */
async function connectRaw(): Promise<void> {
  const [host, port] = lb.address('raw').split(':');
  const socket = net.connect(Number(port), host);
  socket.end('GET /raw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
}

/** An instance with a token or without. */
const startSmall = (port: number, token = '') =>
  runFairlead({
    admin: { bind: `127.0.0.1:${port}`, token },
    listeners: { web: { protocol: 'http', bind: '127.0.0.1:0', routes: [{ respond: { status: 200 } }] } },
  });

describe.skipIf(skipsWithout(existsSync(executablePath)))('the dashboard in Chromium', { timeout: 30_000 }, () => {
  beforeAll(async () => {
    await buildDashboard();
    config = await startConfig();
    [browser, lb] = await Promise.all([startBrowser(), runFairlead(config)]);
    ({ page, complaints } = await openDashboard(browser, admin()));
    await page.getByText('Live', { exact: true }).waitFor();
  }, 60_000);
  afterEach(() => expect(complaints).toEqual([]));
  afterAll(closeOpened);

  it('shows the numbers of /metrics', async () => {
    for (let n = 0; n < 5; n++) await Promise.all(['/', '/x', '/bad', '/ping'].map(ask));
    for (let n = 0; n < 3; n++) await connectRaw();
    await page.locator('#listeners').scrollIntoViewIfNeeded();
    await soon(() => routeNumbers(page, 'raw')).toEqual({ 'route-1': [3, 0] });
    await soon(() => routeNumbers(page, 'web')).toEqual({ ping: [5, 0], apps: [15, 5] });
    const samples = await scrape(lb);
    const sum = (name: string, labels: Record<string, string>) => sumOf(samples, `fairlead_${name}`, labels);
    expect(sum('requests_total', { route: 'apps' })).toBe(15);
    await pool('apps').scrollIntoViewIfNeeded();
    const expected = Object.fromEntries(
      ['a', 'b'].map((backend) => {
        const labels = { pool: 'apps', backend };
        const total = sum('backend_picks_total', labels);
        const failures = sum('backend_failures_total', labels);
        return [backend, { total, active: 0, errors: sum('requests_total', { ...labels, code: '503' }), failures }];
      }),
    );
    await soon(() => backendNumbers(page, 'apps')).toEqual(expected);
    expect(expected['a']!.total + expected['b']!.total).toBe(18);
    await page.getByLabel('Overview').scrollIntoViewIfNeeded();
    await soon(() => page.getByLabel('Overview').textContent()).toContain('20 so far');
  });

  it('shows what flows while it flows: in the tiles, the picture and the rows', async () => {
    const flowing = setInterval(() => void ask('/').catch(() => undefined), 20);
    try {
      const picture = page.getByRole('img', { name: /listener web to route apps: \d+/ });
      await picture.waitFor();
      await expect
        .poll(() =>
          row('a')
            .locator('meter')
            .evaluate((meter) => meter.value),
        )
        .toBeGreaterThan(0.2);
      expect(await pool('apps').locator('canvas').count()).toBe(2);
      await pool('apps')
        .getByRole('figure', { name: /^Load, per second of apps: load \d+/ })
        .waitFor();
    } finally {
      clearInterval(flowing);
    }
  });

  it('shows names as the text they are', async () => {
    const odd = page.getByRole('article', { name: /^Pool <img/ });
    await odd.getByText(oddAddress).first().waitFor();
    expect(await page.locator('img, main script').count()).toBe(0);
    expect(await page.locator('#flow title').allTextContents()).toContain(oddAddress);
  });

  it('can be walked with the keyboard: each control has a name and shows that it has the focus', async () => {
    const found = await walk(page);
    expect(found.filter(({ name, outlined }) => name === '' || !outlined)).toEqual([]);
    const names = found.map(({ name }) => name);
    expect(names[0]).toBe('Skip to the content');
    for (const name of ['Reload config', 'Drain a', 'Disable b', 'Remove a', 'Weight of a', 'Explain', 'Method'])
      expect(names).toContain(name);
    expect(names.length).toBeLessThan(100);
  });

  it('has its parts as landmarks, under headings, and one polite region that is still', async () => {
    for (const role of ['banner', 'navigation', 'main'] as const) expect(await page.getByRole(role).count()).toBe(1);
    for (const name of ['Overview', 'Where traffic goes now', 'Pools', 'Listeners and routes', 'Events'])
      expect(await page.getByRole('region', { name, exact: true }).count()).toBe(1);
    const levels = await page.getByRole('heading').evaluateAll((all) => all.map(({ tagName }) => tagName));
    expect(levels.filter((level) => level === 'H1')).toHaveLength(1);
    expect(await page.locator('[role=status].unseen').textContent()).toBe('');
    const ids = await page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('drains, enables and weighs a backend with one click or key, and disables it when that is confirmed', async () => {
    await button('Drain a').click();
    await row('a').getByText('draining, 0 leases left').waitFor();
    await said('a in apps is draining').waitFor();
    expect(await page.locator('.unseen[role=status]').textContent()).toBe('a in apps is draining');
    await button('Enable a').click();
    await button('Drain a').waitFor();
    await page.getByLabel('Weight of a').fill('3');
    await page.keyboard.press('Enter');
    await pool('apps').getByText('a has weight 3, not 1').waitFor();
    await button('Disable a').click();
    await page.keyboard.press('Escape');
    expect(await focused()).toBe('Disable a');
    await button('Disable a').click();
    expect(await focused()).toBe('Disable');
    await page.keyboard.press('Enter');
    await row('a').getByText('disabled', { exact: true }).waitFor();
    await button('Drain b').click();
    await page.getByRole('alertdialog').getByText('It is the last backend of apps that can be used').waitFor();
    await button('Cancel').click();
    await soon(() => page.getByRole('alertdialog').count()).toBe(0);
    const [a, b] = lb.source.pool('apps')!.backends;
    expect([a!.state, a!.weight, b!.state]).toEqual(['disabled', 3, 'enabled']);
    await page
      .locator('#events')
      .getByText(/changed a in apps: state enabled → disabled/)
      .waitFor();
    await button('Enable a').click();
    await button('Drain a').waitFor();
  });

  it('adds a backend and removes it, and says what is wrong with one that cannot be', async () => {
    const [c] = lb.source.pool('spare')!.backends;
    await button('Add a backend to apps').click();
    expect(await focused()).toBe('Address');
    await page.keyboard.type('no address');
    await page.keyboard.press('Enter');
    await page
      .getByRole('dialog')
      .getByText(/no address/)
      .waitFor();
    await page.getByRole('dialog').getByLabel('Address').fill(c!.address);
    await button('Add').click();
    await row(c!.address).first().waitFor();
    await soon(() => pool('apps').locator('tbody tr').count()).toBe(3);
    await pool('apps')
      .getByRole('button', { name: `Remove ${c!.address}` })
      .click();
    await button('Remove').click();
    await soon(() => pool('apps').locator('tbody tr').count()).toBe(2);
    await soon(focused).toBe('apps');
    expect(lb.source.pool('apps')!.backends.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('does not undo what another operator has just done', async () => {
    await page.route(
      '**/backends/a',
      async (route) => {
        const body = JSON.stringify({ state: 'draining' });
        const headers = { 'content-type': 'application/json' };
        await fetch(`http://${admin()}/api/pools/apps/backends/b`, { method: 'PATCH', headers, body });
        await route.continue();
      },
      { times: 1 },
    );
    await page.getByLabel('Weight of a').fill('9');
    await page.keyboard.press('Enter');
    await page
      .getByRole('alert')
      .getByText(/has changed since/)
      .waitFor();
    await button('Dismiss').last().click();
    expect(lb.source.pool('apps')!.backends[0]!.weight).toBe(3);
    await button('Enable b').click();
    await button('Drain b').waitFor();
  });

  it('explains where a request would go, and why not elsewhere', async () => {
    const explainer = page.getByRole('region', { name: 'Where would a request go?' });
    await explainer.getByLabel('URL or path').fill('/ping');
    await button('Explain').click();
    await explainer.getByText(/^ping matched/).waitFor();
    await explainer.getByLabel('URL or path').fill('/else');
    await page.keyboard.press('Enter');
    await explainer.getByText(/^apps matched/).waitFor();
    await explainer.getByText('path: wants /ping, has /else').waitFor();
    await explainer.getByText('Headers, body, source').click();
    await explainer.getByLabel('Source address').fill('nowhere');
    await button('Explain').click();
    await explainer.getByText('"nowhere" is not an IP address').waitFor();
  });

  it('reloads the config when that is confirmed, and says why when it cannot', async () => {
    await button('Reload config').click();
    await page.getByRole('alertdialog').getByText('Open connections stay.').waitFor();
    await button('Reload').click();
    await page.getByRole('alert').getByText('did not come from a file').waitFor();
    expect(await focused()).toBe('Reload config');
    await button('Dismiss').last().click();
    expect(await page.locator('main:focus').count()).toBe(1);
  });

  it('is within the screen of a phone, in light and in dark', async () => {
    const screen = { viewport: { width: 390, height: 800 }, isMobile: true, hasTouch: true };
    const phone = await openDashboard(browser, admin(), screen);
    await phone.page.getByRole('button', { name: 'Drain a' }).waitFor();
    const body = phone.page.locator('body');
    expect(await body.evaluate(({ ownerDocument }) => ownerDocument.documentElement.scrollWidth)).toBe(390);
    const colour = () =>
      body.evaluate((element) => element.ownerDocument.defaultView.getComputedStyle(element).backgroundColor);
    expect(await colour()).toBe('rgb(244, 246, 248)');
    await phone.page.emulateMedia({ colorScheme: 'dark' });
    expect(await colour()).toBe('rgb(15, 20, 25)');
    expect(phone.complaints).toEqual([]);
    await phone.page.context().close();
  });

  it('draws of hundreds of backends only those on the screen', async () => {
    const backends = Array.from({ length: 300 }, (_, n) => `unix:/run/${n}`);
    await lb.reloadWith({ ...config, pools: { ...config.pools, many: { backends, health: { type: 'off' } } } });
    const rows = pool('many').locator('tbody tr');
    await soon(() => rows.count()).toBe(300);
    await pool('many').getByRole('searchbox').fill('/run/29');
    await soon(() => rows.count()).toBe(11);
    await pool('many').getByRole('searchbox').fill('');
    await soon(() => rows.count()).toBe(300);
    const heads = pool('many').getByRole('columnheader', { name: 'Weight' });
    const top = (await heads.boundingBox())!.y;
    await rows.nth(150).evaluate((row) => row.scrollIntoView({ block: 'nearest' }));
    expect(Math.abs((await heads.boundingBox())!.y - top)).toBeLessThan(2);
    await rows.first().evaluate((row) => row.scrollIntoView({ block: 'nearest' }));
    // Rows far down show what they were made with: they are not drawn anew when the traffic is.
    const flowing = setInterval(() => void ask('/').catch(() => undefined), 50);
    const drawn = await page.locator('#pools').evaluate(async (section) => {
      const { MutationObserver } = section.ownerDocument.defaultView;
      const seen = new Set();
      const observer = new MutationObserver(
        (records: { target: { parentElement?: { closest(of: string): unknown } } }[]) => {
          for (const { target } of records) seen.add(target.parentElement?.closest('tr'));
        },
      );
      observer.observe(section, { subtree: true, characterData: true, childList: true, attributes: true });
      await new Promise((resolve) => setTimeout(resolve, 2200));
      return seen.size;
    });
    clearInterval(flowing);
    expect(drawn).toBeLessThan(40);
    await lb.reloadWith(config);
    await soon(() => pool('many').count()).toBe(0);
  });

  it('says when Fairlead goes away, and goes on when it is back', async () => {
    const first = await startSmall(0);
    const [address] = first.adminAddresses;
    const { page } = await openDashboard(browser, address!);
    await page.getByRole('heading', { name: 'web' }).waitFor();
    await first.close();
    await page.getByRole('alert').getByText('Fairlead is gone since').waitFor();
    await expect.poll(() => page.title(), { timeout: 10_000 }).toBe('Fairlead: no connection');
    await page.getByRole('button', { name: 'Try now' }).click();
    expect(await page.getByRole('heading', { name: 'web' }).count()).toBe(1);
    const second = await startSmall(Number(address!.split(':')[1]));
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.getByText('Fairlead is gone since').count()).toBe(0);
    await expect.poll(() => page.title(), { timeout: 10_000 }).toBe('Fairlead');
    await second.close();
    await page.context().close();
  });

  it('asks for the token, sends it in a field only, and keeps it no longer than the tab', async () => {
    const locked = await startSmall(0, 'a-secret-token');
    const { page } = await openDashboard(browser, locked.adminAddresses[0]!);
    const urls: string[] = [];
    page.on('request', (request) => urls.push(request.url()));
    await page.getByLabel('Token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('Fairlead does not take this token.').waitFor();
    await page.getByLabel('Token').fill('a-secret-token');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.reload();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(urls.filter((url) => url.includes('secret'))).toEqual([]);
    expect(await page.evaluate('[JSON.stringify(localStorage), document.cookie]')).toEqual(['{}', '']);
    const other = await page.context().newPage();
    await other.goto(`http://${locked.adminAddresses[0]}/`);
    await other.getByLabel('Token').waitFor();
    await page.getByRole('button', { name: 'Forget token' }).click();
    await page.getByLabel('Token').waitFor();
    await page.context().close();
  });
});
