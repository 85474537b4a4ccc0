import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { chunked, get, post, requestText } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';

afterEach(closeOpened);

type Routes = NonNullable<Extract<ConfigInput['listeners'][string], { protocol: 'http' }>['routes']>;

/** A backend that answers with what it was asked, behind these routes to pool `web`. */
async function start(routes: Routes) {
  const backend = await startBackend(({ startLine, fields }) => {
    const named = (name: string) => fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
    return answerText([startLine, ...named('host'), ...named('x-forwarded-host')].join('|'));
  });
  const lb = await runFairlead(webConfig([backend.address], { routes }));
  return { backend, client: await connectTo(lb.address()) };
}

describe('a rewrite', () => {
  it('of the path leaves the rest of the request as it was', async () => {
    const { backend, client } = await start([
      { match: { path: '/v1/*' }, pool: 'web', rewrite: { stripPrefix: '/v1' } },
      { match: { path: '~^/user/([^/]+)/(.*)$' }, pool: 'web', rewrite: { path: '/items/$2/of/$1' } },
      { match: { path: '/fixed' }, pool: 'web', rewrite: { path: '/other' } },
      { pool: 'web' },
    ]);
    const cases: [string, string][] = [
      ['/v1/a%2Fb/../c?x=/v1/y', '404'],
      ['/v1/a%2Fb/%7ec?x=/v1/y', '/a%2Fb/%7ec?x=/v1/y'],
      ['/v1?q', '/?q'],
      ['/v1', '/'],
      ['/v10/x', '/v10/x'],
      ['/user/%C3%a9/a//b?q=1', '/items/a//b/of/%C3%a9?q=1'],
      ['/user/me/../x', '404'],
      ['/fixed?q', '/other?q'],
      ['/a/%62//c%2f?', '/a/%62//c%2f?'],
    ];
    for (const [path, expected] of cases) {
      const { status, body } = await client.send(get(path)).answer();
      expect([path, status === 200 ? body.split(' ')[1] : String(status)]).toEqual([path, expected]);
    }
    const body = chunked(['{"a":', '1}'], ['X-Sum: 1']);
    client.send(requestText('PUT http://b.test/v1/x HTTP/1.1', ['Transfer-Encoding: chunked'], body));
    expect((await client.answer()).body).toBe('PUT /x HTTP/1.1|b.test|b.test');
    expect(backend.text.endsWith(`\r\n\r\n${body}`)).toBe(true);
    expect((await client.send(requestText('OPTIONS * HTTP/1.1')).answer()).body).toContain('OPTIONS * HTTP/1.1|');
    client.send('GET /v1/old HTTP/1.0\r\n\r\n');
    expect((await client.answer()).body).toMatch(/^GET \/old HTTP\/1\.1\|127\.0\.0\.1:\d+$/);
  });

  it('of the path that would reach out of what is put before it is refused', async () => {
    const { backend, client } = await start([
      { match: { path: '~^/f-(.*)$' }, pool: 'web', rewrite: { path: '/files/$1' } },
    ]);
    for (const path of ['/f-../secret', '/f-%2e%2e/secret']) {
      const answer = await client.send(get(path)).answer();
      expect([answer.status, fieldOf(answer, 'fairlead-error')]).toEqual([400, 'bad-request']);
    }
    expect(backend.requests).toEqual([]);
    expect((await client.send(get('/f-a')).answer()).body).toContain('GET /files/a HTTP/1.1');
  });

  it('of the host tells the backend another one, and in X-Forwarded-Host what the client asked for', async () => {
    const { backend, client } = await start([
      { match: { path: '/own' }, pool: 'web', rewrite: { host: 'backend' } },
      { match: { path: '/named' }, pool: 'web', rewrite: { host: 'api.internal:8080' } },
      { pool: 'web' },
    ]);
    for (const [path, host] of [
      ['/own', backend.address],
      ['/named', 'api.internal:8080'],
      ['/', 'a.test'],
    ] as const) {
      expect((await client.send(get(path)).answer()).body).toBe(`GET ${path} HTTP/1.1|${host}|a.test`);
    }
  });

  it('of the host to the backend is that of the one tried, at each try', async () => {
    const backend = await startBackend(({ fields }) => answerText(fields.find(([name]) => name === 'Host')![1]));
    const failing = await startBackend((_request, { socket }) => void socket.resetAndDestroy());
    const { listeners, pools } = webConfig([failing.address, backend.address], {
      routes: [{ pool: 'web', rewrite: { host: 'backend' } }],
    });
    const lb = await runFairlead({ listeners, pools: pools! });
    const client = await connectTo(lb.address());
    for (let i = 0; i < 4; i++) expect((await client.send(get()).answer()).body).toBe(backend.address);
    expect(failing.text === '' || failing.text.includes(`Host: ${failing.address}\r\n`)).toBe(true);
  });
});

describe('a redirect', () => {
  it('with captures leads where the operator says, whatever the client sends', async () => {
    const { client } = await start([
      { match: { path: '~^/old/(.*)$' }, redirect: { to: '/new/$1', status: 301 } },
      { match: { path: '~^/go(.*)$' }, redirect: { to: '/$1' } },
      { match: { path: '~^/far/(.*)$' }, redirect: { to: 'https://far.test/s?q=$1' } },
    ]);
    const cases: [string, string][] = [
      ['/old/a%20b?q=1', '/new/a%20b'],
      ['/old/', '/new/'],
      ['/go//evil.test/x', '/evil.test/x'],
      ['/go/\\evil.test', '/%5Cevil.test'],
      ['/far/a&b=c', 'https://far.test/s?q=a%26b%3Dc'],
      ['/far/%0d%0aSet-Cookie:a=b', 'https://far.test/s?q=%0d%0aSet-Cookie:a%3Db'],
    ];
    for (const [path, expected] of cases) {
      const answer = await client.send(get(path)).answer();
      expect([path, answer.status < 400 ? fieldOf(answer, 'location') : String(answer.status)]).toEqual([
        path,
        expected,
      ]);
    }
    expect((await client.send(post('/old/x', 'body')).answer()).status).toBe(301);
  });
});
