import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { skipsWithout } from '../support/needs.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { runSticky, startAttached } from '../support/socket-backends.ts';

const executablePath = '/usr/bin/chromium';
const args = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-chromium-'));
});
afterAll(async () => {
  await closeOpened();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

function startSites() {
  return startAttached(['a', 'b', 'c'], (server, name) => {
    server.on('request', (request, response) => {
      if (request.url === '/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`data: ${name}\n\n`);
        return;
      }
      response.writeHead(200, { 'content-type': request.url === '/' ? 'text/html' : 'text/plain' });
      response.end(request.url === '/' ? '<!doctype html><title>Fairlead</title>' : name);
    });
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`${name} ${data}`)));
    return () => sockets.close();
  });
}

/** What the page does, in the browser: fetches, events and a WebSocket at the same time. */
async function visit(): Promise<string[]> {
  const names = Array.from({ length: 6 }, async () => (await fetch('/name')).text());
  const event = new Promise<string>((resolve, reject) => {
    const source = new EventSource('/events');
    source.onerror = () => reject(new Error('events failed'));
    source.onmessage = ({ data }) => {
      source.close();
      resolve(data);
    };
  });
  const message = new Promise<string>((resolve, reject) => {
    const socket = new WebSocket('/chat');
    socket.onopen = () => socket.send('hello');
    socket.onerror = () => reject(new Error('the WebSocket failed'));
    socket.onmessage = ({ data }) => {
      socket.close();
      resolve(data);
    };
  });
  return Promise.all([...names, event, message]);
}

describe.skipIf(skipsWithout(existsSync(executablePath)))('a page in Chromium', () => {
  it('has its fetches, events and WebSocket on one backend, by the cookie', { timeout: 60_000 }, async () => {
    const lb = await runSticky(await startSites(), { cookie: 'fl', ttl: '1h' });
    const browser = await chromium.launchPersistentContext(folder, { executablePath, args, timeout: 40_000 });
    remember({ close: () => browser.close() });
    const seen = new Set<string>();
    for (let visitor = 0; visitor < 3; visitor++) {
      await browser.clearCookies();
      const page = await browser.newPage();
      await page.goto(`http://${lb.address()}/`);
      const told = await page.evaluate(visit);
      const [name] = told[0]!;
      expect(told).toEqual([...Array.from({ length: 7 }, () => name), `${name} hello`]);
      seen.add(name!);
      const [cookie] = await browser.cookies();
      expect(cookie).toMatchObject({ name: 'fl', httpOnly: true, sameSite: 'Lax', secure: false });
      await page.close();
    }
    expect(seen.size).toBeGreaterThan(1);
  });
});
