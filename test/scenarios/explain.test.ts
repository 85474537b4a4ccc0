import { afterEach, describe, expect, it } from 'vitest';
import { type ConfigInput, configSchema } from '../../src/config/schema.ts';
import { explainRequest } from '../../src/runtime/explain/explain.ts';
import { startNamed } from '../support/load.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { startBackend } from '../support/recording-backend.ts';
import { runFairlead, webConfig } from '../support/running.ts';

afterEach(closeOpened);

describe('an explanation', () => {
  it('says what a backend really gets, and what is really refused', async () => {
    const backend = await startBackend();
    const config = webConfig([backend.address], {
      trustProxies: ['127.0.0.1'],
      routes: [
        { match: { path: '/v1/*' }, pool: 'web', rewrite: { stripPrefix: '/v1', host: 'api.internal' } },
        { match: { body: { contains: 'acme' } }, pool: 'web', headers: { request: { set: { 'X-Tenant': 'acme' } } } },
        { match: { path: '~^/f-(.*)$' }, pool: 'web', rewrite: { path: '/files/$1' } },
        { match: { path: '/plain', header: { 'x-a': '1' } }, pool: 'web' },
      ],
    });
    const lb = await runFairlead(config);
    const requests = [
      { url: '/v1/a%2Fb/%7ec?x=/v1/y', headers: { 'X-Forwarded-For': '192.0.2.1' } },
      { url: '/v1' },
      { url: '/x', body: 'of acme', headers: { 'x-tenant': 'forged' } },
      { url: '/plain', headers: { 'X-A': '1', Connection: 'close, X-B', 'X-B': 'gone' } },
      { url: '/plain', method: 'PUT', headers: { 'x-a': '2' } },
      { url: '/f-../secret' },
      { url: '/v1/..%2fplain' },
    ];
    for (const request of requests) {
      const explained = explainRequest(configSchema.parse(config), {
        ...request,
        url: `http://${lb.address()}${request.url}`,
      });
      if (!explained.ok) throw new Error(explained.problem);
      const { outcome, backendHead, refusal } = explained.explanation;
      const { method = request.body === undefined ? 'GET' : 'POST', headers = {}, body } = request;
      const fields = { Host: lb.address(), ...headers, ...(body && { 'Content-Length': String(body.length) }) };
      const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
      const client = await connectTo(lb.address());
      const { status } = await client
        .send(`${method} ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`)
        .answer();
      const got = backend.text
        .split('\r\n\r\n')[0]!
        .replaceAll('\r\n', '\n')
        .replace(/(?<=X-Request-Id: ).*/, '(a new id)');
      expect({ url: request.url, status, head: got }).toEqual({
        url: request.url,
        status: outcome === 'matched' ? 200 : (refusal?.status ?? 404),
        head: backendHead ?? '',
      });
      backend.forget();
    }
  });

  it('names the backend that a key or the cookie of a session leads to, and there the request goes', async () => {
    const addresses = await Promise.all(['a', 'b', 'c'].map(async (name) => remember(await startNamed(name)).address));
    const backends = addresses.map((address, n) => ({ name: 'abc'[n]!, address, weight: n + 1 }));
    const health = { type: 'off' } as const;
    const input: ConfigInput = {
      listeners: {
        web: {
          protocol: 'http',
          bind: '127.0.0.1:0',
          routes: [
            { match: { path: '/hash' }, pool: 'hash' },
            { match: { path: '/maglev/*' }, pool: 'maglev' },
            { match: { path: '/turns' }, pool: 'turns', sticky: { cookie: 'fl', ttl: '1h', secret: 'of the test' } },
            { match: { path: '/rooms' }, pool: 'turns', sticky: { header: 'x-room' } },
          ],
        },
      },
      pools: {
        hash: { backends, health, balance: { algorithm: 'hash', key: 'header:x-user' } },
        maglev: { backends, health, balance: { algorithm: 'maglev', key: 'uri' } },
        turns: { backends, health },
      },
    };
    const config = configSchema.parse(input);
    const address = (await runFairlead(input)).address();
    const explained = (path: string, headers: Record<string, string>) => {
      const told = explainRequest(config, { url: `http://${address}${path}`, headers });
      if (!told.ok) throw new Error(told.problem);
      return told.explanation;
    };
    const ask = (path: string, headers: Record<string, string>) => fetch(`http://${address}${path}`, { headers });
    const told = new Set<string | null>();
    for (let n = 0; n < 20; n++) {
      const headers = { 'x-user': `user-${n}`, 'x-room': `room-${n}` };
      for (const path of ['/hash', `/maglev/${n}`]) {
        const { backend } = explained(path, headers);
        expect(await (await ask(path, headers)).text()).toBe(backend);
        told.add(backend);
      }
      const begins = /a new session begins on (\w)$/.exec(explained('/rooms', headers).settings.join('; '))?.[1];
      expect(await (await ask('/rooms', headers)).text()).toBe(begins);
    }
    expect([...told].sort()).toEqual(['a', 'b', 'c']);
    expect(explained('/turns', {}).backend).toBeNull();
    const first = await ask('/turns', {});
    const cookie = first.headers.get('set-cookie')!.split(';')[0]!;
    const { backend, summary } = explained('/turns', { cookie });
    expect(backend).toBe(await first.text());
    expect(summary).toBe(`Route route-3 of listener web leads to backend ${backend} of pool turns.`);
    expect(explained('/turns', { cookie: 'fl=made-up' }).backend).toBeNull();
  });
});
