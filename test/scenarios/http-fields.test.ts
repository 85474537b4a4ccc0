import { afterAll, describe, expect, it } from 'vitest';
import { fieldOf, type HttpText } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { connectTo } from '../support/raw-client.ts';
import { startBackend } from '../support/recording-backend.ts';
import { get, requestText } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';

afterAll(closeOpened);

const ours = ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Request-Id'];

/** Sends one request through a balancer and returns it as the backend got it. */
async function seen(request: string, trustProxies: string[] = []): Promise<HttpText> {
  const backend = await startBackend();
  const lb = await runFairlead(webConfig([backend.address], { trustProxies }));
  const client = await connectTo(lb.address());
  const answer = await client.send(request).answer();
  expect(answer.status).toBe(200);
  return backend.requests[0]!;
}

/** The fields that are not ours, as lines. */
function passedOn({ fields }: HttpText): string[] {
  return fields.filter(([name]) => !ours.includes(name)).map(([name, value]) => `${name}: ${value}`);
}

describe.concurrent('the fields of a request', () => {
  it('keep their case, order, repetition and spelling', async () => {
    const fields = [
      'hOsT: A.test:81',
      'accept: b',
      'ACCEPT: a',
      'X-Empty:',
      'cookie: a=1',
      'Cookie: b=2',
      'x-utf: \xc3\xa9\xff',
      'Authorization: Basic eA==',
    ];
    const request = await seen(requestText('PROPFIND /A%2fb/../c?x=%41&&y HTTP/1.1', fields));
    expect(request.startLine).toBe('PROPFIND /A%2fb/../c?x=%41&&y HTTP/1.1');
    expect(passedOn(request)).toEqual(fields.map((field) => field.replace(/:$/, ': ')));
  });

  it.each([
    [['Connection: keep-alive', 'Keep-Alive: 5', 'X-A: a'], ['X-A: a']],
    [['Connection: x-a, , X-B', 'X-A: a', 'x-b: b', 'X-C: c'], ['X-C: c']],
    [['X-A: a', 'Connection: x-a', 'Connection: close, x-c', 'X-C: c', 'X-B: b'], ['X-B: b']],
    [['Proxy-Connection: keep-alive', 'TE: gzip', 'X-A: a'], ['X-A: a']],
    [
      ['TE: trailers, gzip;q=0.5', 'Connection: TE', 'X-A: a'],
      ['X-A: a', 'Connection: TE', 'TE: trailers'],
    ],
    [['Upgrade: websocket', 'X-A: a'], ['X-A: a']],
    [['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk', 'X-A: a'], ['X-A: a']],
    [
      ['Connection: host, content-length, transfer-encoding, X-A', 'X-A: a', 'Content-Length: 0'],
      ['Content-Length: 0'],
    ],
  ])('lose those that end at this hop: %j', async (fields, left) => {
    expect(passedOn(await seen(requestText('GET / HTTP/1.1', fields)))).toEqual(['Host: a.test', ...left]);
  });

  it('say who asks, for what, and an id, in the place of what an unknown client says', async () => {
    const request = await seen(
      get('/', 'X-Forwarded-For: 6.6.6.6', 'x-forwarded-proto: https', 'X-FORWARDED-HOST: evil', 'X-Request-Id: mine'),
    );
    expect(ours.map((name) => fieldOf(request, name)).slice(0, 3)).toEqual(['127.0.0.1', 'http', 'a.test']);
    expect(fieldOf(request, 'x-request-id')).toMatch(/^[0-9a-f]{24}$/);
  });

  it.each([[[]], [['127.0.0.1']]])(
    'go no further with a `_` for their `-`, as CGI reads them, from %j',
    async (trusted) => {
      const fields = [
        'X_Forwarded_For: 6.6.6.6',
        'x-forwarded_proto: https',
        'X_FORWARDED-HOST: evil',
        'x_request_id: mine',
      ];
      const request = await seen(get('/', ...fields, 'X_Other: a', 'X_Forwarded_Port: 1'), trusted);
      expect(passedOn(request)).toEqual(['Host: a.test', 'X_Other: a', 'X_Forwarded_Port: 1']);
      expect(ours.map((name) => fieldOf(request, name)).slice(0, 3)).toEqual(['127.0.0.1', 'http', 'a.test']);
      expect(fieldOf(request, 'x-request-id')).not.toContain('mine');
    },
  );

  it('keep what a trusted proxy says, with that proxy added to the chain', async () => {
    const request = await seen(
      get(
        '/',
        'X-Forwarded-For: 9.9.9.9',
        'X-Forwarded-For: 8.8.8.8',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: shop.test',
        'X-Request-Id: mine',
      ),
      ['127.0.0.0/8'],
    );
    expect(ours.map((name) => fieldOf(request, name))).toEqual([
      '9.9.9.9, 8.8.8.8, 127.0.0.1',
      'https',
      'shop.test',
      'mine',
    ]);
  });

  it('are made for a trusted proxy that says nothing, or nothing in them', async () => {
    const request = await seen(get('/', 'X-Forwarded-For:', 'X-Request-Id:'), ['127.0.0.1']);
    expect(ours.map((name) => fieldOf(request, name)).slice(0, 3)).toEqual(['127.0.0.1', 'http', 'a.test']);
    expect(fieldOf(request, 'x-request-id')).toMatch(/^[0-9a-f]{24}$/);
  });

  it('cannot be taken away by nominating them', async () => {
    const request = await seen(get('/', 'Connection: X-Forwarded-For, X-Request-Id, X-Forwarded-Host'));
    expect(ours.map((name) => fieldOf(request, name) !== '')).toEqual([true, true, true, true]);
  });

  it('carry another id for every request', async () => {
    const backend = await startBackend();
    const lb = await runFairlead({ ...webConfig([backend.address]), workers: 2 });
    for (let turn = 0; turn < 8; turn++) {
      const client = await connectTo(lb.address());
      for (let i = 0; i < 5; i++) await client.send(get()).answer();
    }
    expect(new Set(backend.requests.map((request) => fieldOf(request, 'x-request-id'))).size).toBe(40);
  });
});

describe.concurrent('the target of a request', () => {
  it.each([
    ['GET http://B.test:81/x?y HTTP/1.1', ['Host: a.test'], 'GET /x?y HTTP/1.1', 'B.test:81'],
    ['GET https://b.test HTTP/1.1', ['Host: b.test'], 'GET / HTTP/1.1', 'b.test'],
    ['GET http://b.test?q HTTP/1.1', ['Host: a.test'], 'GET /?q HTTP/1.1', 'b.test'],
    ['OPTIONS http://b.test HTTP/1.1', ['Host: a.test'], 'OPTIONS * HTTP/1.1', 'b.test'],
    ['OPTIONS * HTTP/1.1', ['Host: a.test'], 'OPTIONS * HTTP/1.1', 'a.test'],
    ['GET //a//b HTTP/1.1', ['Host: a.test'], 'GET //a//b HTTP/1.1', 'a.test'],
    ['GET / HTTP/1.0', ['Host: a.test'], 'GET / HTTP/1.1', 'a.test'],
    ['GET http://b.test/ HTTP/1.0', ['Host: a.test'], 'GET / HTTP/1.1', 'b.test'],
  ])('names the host it is for: %s %j', async (line, fields, sent, host) => {
    const request = await seen(requestText(line, fields));
    expect([request.startLine, fieldOf(request, 'host'), fieldOf(request, 'x-forwarded-host')]).toEqual([
      sent,
      host,
      host,
    ]);
  });

  it('of HTTP/1.0 without a Host gets the address it was sent to', async () => {
    const backend = await startBackend();
    const lb = await runFairlead(webConfig([backend.address], { bind: '[::1]:0' }));
    const client = await connectTo(lb.address());
    await client.send('GET /x HTTP/1.0\r\n\r\n').answer();
    const [request] = backend.requests;
    expect([request!.startLine, fieldOf(request!, 'host'), fieldOf(request!, 'x-forwarded-host')]).toEqual([
      'GET /x HTTP/1.1',
      lb.address(),
      '',
    ]);
  });
});

describe.concurrent('the fields of an answer', () => {
  it('keep their case, order and repetition, and lose what ends at this hop', async () => {
    const fields = [
      'set-COOKIE: a=1; Path=/',
      'Connection: X-Hop, keep-alive',
      'Set-Cookie: b=2',
      'X-Hop: gone',
      'Keep-Alive: timeout=60',
      'X-Empty:',
      'Proxy-Connection: keep-alive',
      'Upgrade: h2c',
      'Server: mine',
      'Content-Length: 0',
    ];
    const backend = await startBackend(`HTTP/1.1 299 Not  Quite OK\r\n${fields.join('\r\n')}\r\n\r\n`);
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    await client.send(get()).answers(1);
    expect(client.text.split('\r\n')).toEqual([
      'HTTP/1.1 299 Not  Quite OK',
      'set-COOKIE: a=1; Path=/',
      'Set-Cookie: b=2',
      'X-Empty:',
      'Server: mine',
      'Content-Length: 0',
      '',
      '',
    ]);
  });

  it('may come without a reason phrase', async () => {
    const backend = await startBackend('HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n');
    const lb = await runFairlead(webConfig([backend.address]));
    const client = await connectTo(lb.address());
    await client.send(get()).answers(1);
    expect(client.text).toBe('HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n');
  });
});
