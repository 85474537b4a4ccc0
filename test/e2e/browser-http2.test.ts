import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { skipsWithout } from '../support/needs.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { HOST } from './client-runs.ts';
import { startEveryAnswer } from './every-answer.ts';

const executablePath = '/usr/bin/chromium';
const args = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
];

afterAll(closeOpened);

/** What the page does, in the browser; gives back all that a page can see of it. */
async function visit(): Promise<unknown[]> {
  const ask = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const answer = await fetch(path, init).catch((error: Error) => error.name);
    if (typeof answer === 'string') return [path, answer];
    const bytes = await answer.arrayBuffer().catch((error: Error) => error.name);
    const text = typeof bytes === 'string' ? bytes : new TextDecoder('latin1').decode(bytes.slice(0, 1000));
    const size = typeof bytes === 'string' ? -1 : bytes.byteLength;
    return [path, answer.status, answer.redirected, [...answer.headers], size, text];
  };
  const form = new URLSearchParams({ a: '1', b: 'ü' });
  const bytes = new Uint8Array(300_000).map((_, i) => i * 7);
  // It sets cookies, which all that follow have then.
  const first = await ask('/hello');
  const fetches = [
    ...['/large', '/chunked', '/gzip', '/redirect', '/204', '/trailers', '/500', '/nowhere', '/broken'],
    ...['/broken-until-close', '/until-close', '/hints', '/range'],
  ].map((path) => ask(path));
  const bodies = [
    ask('/meant', { method: 'POST', body: form }),
    ask('/meant', { method: 'PUT', body: bytes, headers: { 'x-own': 'v' } }),
    ask('/meant', { method: 'DELETE' }),
    ask('/see-other?to=/meant', { method: 'POST', body: 'x' }),
  ];
  const events = new Promise((resolve) => {
    const source = new EventSource('/events');
    const seen: unknown[] = [];
    source.onerror = () => resolve('events failed');
    source.onmessage = ({ data, lastEventId }) => seen.push([data, lastEventId]);
    source.addEventListener('named', (event) => {
      const { data, lastEventId } = event as unknown as { data: string; lastEventId: string };
      source.close();
      resolve([...seen, ['named', data, lastEventId]]);
    });
  });
  const chat = new Promise((resolve) => {
    const socket = new WebSocket('/chat', ['other', 'chat']);
    const seen: unknown[] = [];
    socket.onopen = () => {
      seen.push(socket.protocol, socket.extensions);
      for (const part of ['hello', 'x'.repeat(100_000), 'end']) socket.send(part);
    };
    socket.onmessage = ({ data }) => seen.push([data.length, data.slice(0, 20)]);
    socket.onclose = ({ code, reason, wasClean }) => resolve([...seen, code, reason, wasClean]);
  });
  return Promise.all([first, ...fetches, ...bodies, events, chat]);
}

describe.skipIf(skipsWithout(existsSync(executablePath)))('a page in Chromium over TLS and HTTP/2', () => {
  it('sees through Fairlead what it sees of the backend itself', { timeout: 90_000 }, async () => {
    const backend = await startEveryAnswer(HOST);
    const lb = await runFairlead(webConfig([backend.address], { tls: new TestAuthority().for(HOST) }));
    const browser = await chromium.launch({ executablePath, args, timeout: 60_000 });
    remember({ close: () => browser.close() });
    const see = async (port: number): Promise<unknown> => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const page = await context.newPage();
      const answer = await page.goto(`https://${HOST}:${port}/page`);
      const loaded = await page.evaluate("[document.title, 'loaded' in globalThis]");
      const told = await page.evaluate(visit);
      const protocol = await page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol");
      const cookies = await context.cookies();
      const seen = { headers: await answer?.allHeaders(), loaded, protocol, told, cookies };
      await context.close();
      return JSON.parse(JSON.stringify(seen).replaceAll(`:${port}`, ':PORT'));
    };
    const direct = await see(backend.tlsPort);
    expect(direct).toMatchObject({ protocol: 'h2', loaded: ['A page', true] });
    expect(JSON.stringify(direct)).not.toContain('events failed');
    expect(JSON.stringify(direct)).toContain('as you like');
    expect(await see(Number(lb.address().split(':')[1]))).toEqual(direct);
  });
});
