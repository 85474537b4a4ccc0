import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { connectTo, type RawClient } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get, post, requestText } from '../support/requests.ts';
import { type RunningFairlead, runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

type Routes = NonNullable<Extract<ConfigInput['listeners'][string], { protocol: 'http' }>['routes']>;

/** A balancer with these routes; a pool `NAME` has one backend that answers NAME. */
async function run(
  routes: Routes,
  names: readonly string[],
  more: Partial<ConfigInput> = {},
): Promise<RunningFairlead> {
  const pools: NonNullable<ConfigInput['pools']> = {};
  for (const name of names) {
    pools[name] = { backends: [(await startBackend(answerText(name))).address], health: { type: 'off' } };
  }
  const { listeners } = webConfig([], { routes, trustProxies: ['127.0.0.0/8'] });
  return runFairlead({ listeners, pools, ...more });
}

async function bodyOf(client: RawClient, request: string): Promise<string> {
  const answer = await client.send(request).answer();
  return answer.status === 200 ? answer.body : String(answer.status);
}

describe('routes', () => {
  it('are taken in file order by host, path, method, header, cookie, query and source', async () => {
    const lb = await run(
      [
        { match: { host: ['api.test', '*.api.test'], path: '/v1/*' }, pool: 'host' },
        { match: { path: ['/exact', '~^/n\\d+$'] }, pool: 'path' },
        { match: { method: ['PUT', 'PATCH'] }, pool: 'method' },
        { match: { header: { 'x-tier': 'gold', 'x-not': false } }, pool: 'header' },
        { match: { cookie: { group: ['beta', 'gamma'] } }, pool: 'cookie' },
        { match: { query: { preview: '1' } }, pool: 'query' },
        { match: { source: '10.0.0.0/8' }, pool: 'source' },
        { match: { path: '/rest/*' }, pool: 'rest' },
      ],
      ['host', 'path', 'method', 'header', 'cookie', 'query', 'source', 'rest'],
    );
    const client = await connectTo(lb.address());
    const cases: [string, string][] = [
      [get('/v1/x', 'Host: API.test:80'), 'host'],
      [get('/v1/x', 'Host: eu.api.test'), 'host'],
      [requestText('GET http://api.test/v1/ HTTP/1.1', ['Host: other.test']), 'host'],
      [get('/v2/x', 'Host: api.test'), '404'],
      [get('/v1/x', 'Host: noapi.test'), '404'],
      [get('/exact'), 'path'],
      [get('/exact?x=/v1'), 'path'],
      [get('/exact/'), '404'],
      [get('/n12'), 'path'],
      [get('/n12x'), '404'],
      [requestText('PUT /rest/1 HTTP/1.1'), 'method'],
      [get('/', 'X-Tier: gold'), 'header'],
      [get('/', 'X-Tier: gold', 'X-Not:'), '404'],
      [get('/', 'Cookie: a=1; group=gamma'), 'cookie'],
      [get('/', 'Cookie: group=delta'), '404'],
      [get('/?a=b&preview=1'), 'query'],
      [get('/?preview=2'), '404'],
      [get('/', 'X-Forwarded-For: 10.1.2.3'), 'source'],
      [get('/', 'X-Forwarded-For: 11.1.2.3'), '404'],
      [post('/rest/x', 'body'), 'rest'],
    ];
    for (const [request, expected] of cases)
      expect([request, await bodyOf(client, request)]).toEqual([request, expected]);
    expect(client.ending).toBeUndefined();
  });

  it('that no request matches leave it with 404 no-route', async () => {
    const lb = await run([{ name: 'one', match: { path: '/one' }, pool: 'one' }], ['one'], {
      admin: { bind: '127.0.0.1:0' },
    });
    const client = await connectTo(lb.address());
    const answer = await client.send(get('/two')).answer();
    expect([answer.startLine, fieldOf(answer, 'fairlead-error'), answer.body]).toEqual([
      'HTTP/1.1 404 Not Found',
      'no-route',
      'no route of listener web matches\n',
    ]);
    const head = await client.send(requestText('HEAD /two HTTP/1.1')).answer({ bodiless: true });
    expect([head.status, fieldOf(head, 'content-length'), client.text]).toEqual([404, String(answer.body.length), '']);
    client.send(post('/two', 'b'.repeat(100_000)));
    expect([(await client.answer()).status, (await client.ended()).ending]).toEqual([404, 'fin']);
    expect(await metric(lb, 'requests_total', { route: '', code: '404' })).toBe(3);
    expect(await metric(lb, 'refusals_total', { reason: 'no-route' })).toBe(3);
  });
});

describe('a split', () => {
  it('is exact over two workers, however many connections bring the requests', async () => {
    const split = [
      { pool: 'next', weight: 10 },
      { pool: 'now', weight: 90 },
    ];
    const lb = await run([{ split }], ['next', 'now'], { workers: 2, admin: { bind: '127.0.0.1:0' } });
    const counts = new Map<string, number>();
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectTo(lb.address())));
    await Promise.all(
      clients.map(async (client) => {
        for (let i = 0; i < 50; i++) {
          const body = await bodyOf(client, get());
          counts.set(body, (counts.get(body) ?? 0) + 1);
        }
      }),
    );
    expect(Object.fromEntries(counts)).toEqual({ next: 100, now: 900 });
    expect(await metric(lb, 'requests_total', { pool: 'next' })).toBe(100);
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308] as const)('of %i says where to, and the connection lives on', async (status) => {
    const lb = await run([{ redirect: { to: 'https://new.test/?a=b', status } }], []);
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(get('/old?x=y')).answer();
      expect([answer.status, answer.body, answer.fields]).toEqual([
        status,
        '',
        [
          ['Location', 'https://new.test/?a=b'],
          ['Content-Length', '0'],
        ],
      ]);
    }
  });

  it('answers a request with a body, then closes unless the body has come', async () => {
    const lb = await run([{ redirect: { to: '/new/' } }], []);
    const client = await connectTo(lb.address());
    expect((await client.send(post('/old', 'body')).answer()).status).toBe(308);
    client.send(post('/old', 'body').slice(0, -1));
    expect([(await client.answer()).status, (await client.ended()).ending]).toEqual([308, 'fin']);
  });
});

describe('a response of the config', () => {
  it('is sent as it stands, keep-alive or not', async () => {
    const lb = await run([{ respond: { status: 200, body: 'pong\n' } }], []);
    const client = await connectTo(lb.address());
    const expected = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n';
    client.send(get());
    await client.until(() => client.text === `${expected}\r\npong\n`, 'the answer');
    client.text = '';
    client.send(requestText('HEAD / HTTP/1.1') + get('/', 'Connection: close'));
    await client.ended();
    expect(client.text).toBe(`${expected}\r\n${expected}Connection: close\r\n\r\npong\n`);
  });

  it('in HTTP/1.0 closes', async () => {
    const lb = await run([{ respond: { body: 'pong' } }], []);
    const client = await connectTo(lb.address());
    const { text, ending } = await client.send('GET / HTTP/1.0\r\n\r\n').ended();
    expect([text.includes('\r\nConnection: close\r\n'), text.endsWith('pong'), ending]).toEqual([true, true, 'fin']);
  });

  it.each([
    ['accents and signs', 'päng €\n'],
    ['many rockets', '🚀'.repeat(2000)],
    ['nothing', ''],
  ])('has the length of its bytes: %s', async (_name, body) => {
    const lb = await run([{ respond: { body } }], []);
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(get()).answer();
      expect(Buffer.from(answer.body, 'latin1').toString()).toBe(body);
    }
  });

  it.each([
    [204, ''],
    [418, "I'm a teapot"],
    [299, ''],
  ])('may have any status: %i', async (status, reason) => {
    const lb = await run([{ respond: { status, body: status === 204 ? '' : 'x' } }], []);
    const client = await connectTo(lb.address());
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(get()).answer();
      expect([answer.startLine.trim(), answer.body]).toEqual([
        `HTTP/1.1 ${status} ${status === 204 ? 'No Content' : reason}`.trim(),
        status === 204 ? '' : 'x',
      ]);
    }
  });
});
