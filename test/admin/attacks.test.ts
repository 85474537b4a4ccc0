import { afterEach, describe, expect, it } from 'vitest';
import { type Admin, type AdminOptions, createAdmin } from '../../src/admin/admin.ts';
import { endpoints } from '../../src/admin/endpoints.ts';
import { exchange, fixedSource, get, open, parseAnswer } from './fixture.ts';

const token = 'correct-horse';
const running: Admin[] = [];
const errors: unknown[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((admin) => admin.close()));
  expect(errors.splice(0)).toEqual([]);
});

/** A server with a token on a port of its own; its log must stay empty. */
async function start(options: Partial<AdminOptions> = {}) {
  const logger = { error: (...logged: unknown[]) => void errors.push(logged) };
  const bind = [{ kind: 'tcp', host: '127.0.0.1', port: 0 }] as const;
  const admin = await createAdmin({ source: fixedSource(), bind, token, logger, ...options });
  running.push(admin);
  const [address] = admin.addresses;
  const port = address?.kind === 'tcp' ? address.port : 0;
  return { port, host: `Host: 127.0.0.1:${port}` };
}

const authorized = `Authorization: Bearer ${token}`;

describe('the token over a socket', () => {
  it.each([
    '/api',
    '/metrics',
    '/api/status',
    '/api/listeners',
    '/api/pools',
    '/api/pools/web',
    '/api/config',
    '/api/openapi.json',
    '/nope',
  ])('%s needs it', async (path) => {
    const { port, host } = await start();
    const without = await exchange(port, get(path, host));
    expect(without.status).toBe(401);
    expect(without.head).toMatch(/^www-authenticate: Bearer realm="fairlead"$/im);
    expect(JSON.parse(without.body)).toMatchObject({ error: 'unauthorized', message: expect.any(String) });
    const wrong = await exchange(port, get(path, host, `Authorization: Bearer ${token}x`));
    expect([wrong.status, wrong.body]).toEqual([401, without.body]);
    expect((await exchange(port, get(path, host, authorized))).status).toBe(path === '/nope' ? 404 : 200);
  });

  it.each(['/healthz', '/readyz'])('%s does not', async (path) => {
    const { port, host } = await start();
    expect((await exchange(port, get(path, host))).status).toBe(200);
    expect((await exchange(port, get(`${path}?from=probe`, host))).status).toBe(200);
  });

  it('is not taken from the query, a cookie, or a second field', async () => {
    const { port, host } = await start();
    for (const request of [
      get(`/api/status?token=${token}`, host),
      get('/api/status', host, `Cookie: token=${token}`),
      get('/api/status', host, 'Authorization: Bearer wrong', authorized),
    ])
      expect((await exchange(port, request)).status).toBe(401);
  });
});

describe('tricks with the path', () => {
  it.each([
    '/healthz/../api/status',
    '/healthz/%2e%2e/api/status',
    '/healthz%2f..%2fapi/status',
    '/healthz/..%2fapi%2fstatus',
    '/healthz;/../api/status',
    '/healthz%00/api/status',
    '/healthz//api/status',
    '//healthz',
    '/healthz/',
    '/HEALTHZ',
    '/./healthz',
    '/api/status/../../healthz',
    '/api/status;x=/healthz',
    '/api/status?/healthz',
    '/api/status#/healthz',
    '/api/pools/..%2f..%2fhealthz',
  ])('%s reveals nothing', async (path) => {
    const { port, host } = await start();
    const { status, body } = await exchange(port, get(path, host));
    expect([400, 401, 404]).toContain(status);
    expect(body).not.toMatch(/1\.2\.3|round-robin|127\.0\.0\.1/);
  });

  it('* is the page, which reveals nothing', async () => {
    const { port, host } = await start();
    const { body } = await exchange(port, get('*', host));
    expect(body).toBe((await exchange(port, get('/', host))).body);
  });

  it.each([
    ['http://evil.example/api/status', authorized, 403],
    ['http://evil.example/healthz', authorized, 403],
    ['HTTP://evil.example:PORT/healthz', authorized, 403],
    ['http://evil.example?/healthz', authorized, 403],
    ['http://evil.example@127.0.0.1:PORT/healthz', authorized, 403],
    ['http:///healthz', authorized, 400],
    ['http://127.0.0.1:PORT/healthz', authorized, 200],
    ['http://127.0.0.1:PORT/api/status', 'X: y', 401],
  ])('a target with a host of its own, %s, goes by that host', async (target, line, expected) => {
    const { port, host } = await start();
    const answer = await exchange(port, get(target.replace('PORT', String(port)), host, line));
    expect(answer.status).toBe(expected);
  });
});

describe('requests from elsewhere', () => {
  it.each([
    ['a rebound name', 'Host: evil.example'],
    ['a rebound name with our port', 'Host: evil.example:PORT'],
    ['another port', 'Host: 127.0.0.1:1'],
    ['an empty Host', 'Host: '],
  ])('%s is refused, token or not, probes too', async (_what, line) => {
    const { port } = await start();
    const host = line.replace('PORT', String(port));
    for (const request of [get('/api/status', host, authorized), get('/healthz', host), get('/nope', host)]) {
      const { status, body } = await exchange(port, request);
      expect([status, JSON.parse(body).error]).toEqual([403, 'foreign-host']);
    }
  });

  it('no Host at all is refused', async () => {
    const { port } = await start();
    expect((await exchange(port, get('/healthz'))).status).toBe(400);
    expect((await exchange(port, 'GET /healthz HTTP/1.0\r\n\r\n')).status).toBe(403);
  });

  it.each(['http://evil.example', 'null', 'https://127.0.0.1:1'])('Origin %s is refused', async (origin) => {
    const { port, host } = await start();
    for (const path of ['/api/status', '/healthz']) {
      const { status, head, body } = await exchange(port, get(path, host, authorized, `Origin: ${origin}`));
      expect([status, JSON.parse(body).error]).toEqual([403, 'foreign-origin']);
      expect(head).not.toMatch(/access-control/i);
    }
  });

  it('a preflight from a foreign page gets nowhere', async () => {
    const { port, host } = await start();
    const lines = [host, 'Origin: http://evil.example', 'Access-Control-Request-Method: POST', 'Connection: close'];
    const { status, head } = await exchange(port, `OPTIONS /api/status HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    expect(status).toBe(403);
    expect(head).not.toMatch(/access-control/i);
  });

  it('our own origin is let through', async () => {
    const { port, host } = await start();
    const origin = `Origin: http://127.0.0.1:${port}`;
    expect((await exchange(port, get('/api/status', host, authorized, origin))).status).toBe(200);
  });
});

describe('bodies', () => {
  it.each([
    ['POST', 401, ''],
    ['POST', 413, authorized],
    ['GET', 413, authorized],
    ['PUT', 413, authorized],
  ])('%s with 10 MB is answered %i without reading them', async (method, expected, line) => {
    const { port, host } = await start();
    const { socket, received, closed } = await open(port);
    const lines = [host, ...(line === '' ? [] : [line]), 'Content-Type: application/json', 'Content-Length: 10000000'];
    socket.write(`${method} /api/pools HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n{"a":`);
    await closed;
    const { status, head } = parseAnswer(received());
    expect(status).toBe(expected);
    expect(head).toMatch(/^connection: close$/im);
    expect(socket.bytesWritten).toBeLessThan(1000);
  });

  it('in chunks, of no stated length, are cut off at 64 KiB', async () => {
    const { port, host } = await start();
    const { socket, received, closed } = await open(port);
    const lines = [host, authorized, 'Content-Type: application/json', 'Transfer-Encoding: chunked'];
    socket.write(`POST /api/pools HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
    for (let sent = 0; sent < 17; sent++) socket.write(chunk);
    await closed;
    const { status, body } = parseAnswer(received());
    expect([status, JSON.parse(body).error]).toEqual([413, 'body-too-large']);
  });

  it.each([
    [65_536, 404],
    [65_537, 413],
  ])('of %i bytes are answered %i', async (bytes, expected) => {
    const { port, host } = await start();
    const json = `"${'x'.repeat(bytes - 2)}"`;
    for (const [framing, body] of [
      [`Content-Length: ${bytes}`, json],
      ['Transfer-Encoding: chunked', `${bytes.toString(16)}\r\n${json}\r\n0\r\n\r\n`],
    ]) {
      const lines = [host, authorized, 'Content-Type: application/json', framing, 'Connection: close'];
      const { status } = await exchange(port, `POST /api/pools HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
      expect(status).toBe(expected);
    }
  });

  it.each([
    ['GET', 'Content-Length: 50000'],
    ['GET', 'Transfer-Encoding: chunked'],
    ['HEAD', 'Content-Length: 1'],
  ])('that nobody reads (%s, %s) end the connection with the answer', async (method, line) => {
    const { port, host } = await start();
    const { socket, received, closed } = await open(port);
    socket.write(`${method} /healthz HTTP/1.1\r\n${host}\r\n${line}\r\n\r\n`);
    await closed;
    const { status, head } = parseAnswer(received());
    expect(status).toBe(200);
    expect(head).toMatch(/^connection: close$/im);
  });

  it.each([
    ['GET', 'Content-Length: 0\r\n\r\n'],
    ['POST', 'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'],
  ])('that are empty or read keep it open (%s)', async (method, rest) => {
    const { port, host } = await start();
    const first = `${method} /healthz HTTP/1.1\r\n${host}\r\n${authorized}\r\n${rest}`;
    const both = `${first}${get('/readyz', host)}`;
    const { socket, received, closed } = await open(port);
    socket.write(both);
    await closed;
    expect(received().match(/HTTP\/1\.1 (200|404)/g)).toHaveLength(2);
  });
});

describe('slow and broken clients', () => {
  const limits = { requestMs: 200 };

  it.each([
    ['a head that does not end', (host: string) => `GET /healthz HTTP/1.1\r\n${host}\r\n`],
    [
      'a body that does not come',
      (host: string) =>
        `POST /api/pools HTTP/1.1\r\n${host}\r\n${authorized}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{`,
    ],
  ])('%s is answered 408 and closed in time', async (_what, request) => {
    const { port, host } = await start({ limits });
    const startMs = performance.now();
    const { status, head, body } = await exchange(port, request(host));
    expect(performance.now() - startMs).toBeLessThan(5000);
    expect(status).toBe(408);
    expect(head).toMatch(/^Connection: close$/im);
    expect(JSON.parse(body)).toMatchObject({ error: 'request-timeout' });
  });

  it('a connection that says nothing is closed in time', async () => {
    const { port } = await start({ limits: { requestMs: 200, idleMs: 300 } });
    const { closed } = await open(port);
    await closed;
  });

  it.each([
    ['no HTTP at all', 'HELO admin\r\n\r\n', 400, 'bad-request'],
    ['a header field without a colon', 'GET / HTTP/1.1\r\nnonsense\r\n\r\n', 400, 'bad-request'],
    ['a head of 100 KB', `GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431, 'head-too-large'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'bad-request',
    ],
  ])('%s is answered in JSON and closed', async (_what, request, expected, code) => {
    const { port } = await start();
    const { status, head, body } = await exchange(port, request);
    expect([status, JSON.parse(body).error]).toEqual([expected, code]);
    expect(head).toMatch(/^Content-Type: application\/json$/im);
    expect(head).toMatch(new RegExp(`^Content-Length: ${body.length}$`, 'im'));
  });

  it('a client that resets in the middle of a request does no harm', async () => {
    const { port, host } = await start();
    const { socket, closed } = await open(port);
    socket.write('GET /healthz HT');
    socket.resetAndDestroy();
    await closed;
    expect((await exchange(port, get('/healthz', host))).status).toBe(200);
  });

  it('more connections than the limit are turned away, and room is made again', async () => {
    const { port, host } = await start({ limits: { connections: 2 } });
    const held = [await open(port), await open(port)];
    expect((await exchange(port, get('/healthz', host))).status).toBe(0);
    held[0]!.socket.destroy();
    await held[0]!.closed;
    await expect.poll(async () => (await exchange(port, get('/healthz', host))).status).toBe(200);
    held[1]!.socket.destroy();
  });
});

describe('changes', () => {
  const changing = endpoints.filter(({ method }) => method !== 'GET');
  const pathOf = (path: string) => path.replace(':pool', 'web').replace(':id', 'a');
  const changes: unknown[] = [];

  /** A server that notes what came through to be changed. */
  const watched = () =>
    start({
      source: fixedSource({
        change: async (change) => {
          changes.push(change);
          return { ok: false, refusal: 'no-pool', message: 'no' };
        },
        reload: async () => {
          changes.push('reload');
          return undefined;
        },
        explain: () => {
          changes.push('explain');
          return { ok: false, problem: 'no' };
        },
      }),
      limits: { requestMs: 200 },
    });

  const sent = (method: string, path: string, ...lines: string[]) => {
    const body = '{"state":"disabled"}';
    const fields = ['Content-Type: application/json', `Content-Length: ${body.length}`, 'Connection: close', ...lines];
    return `${method} ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${body}`;
  };

  afterEach(() => {
    expect(changes.splice(0)).toEqual([]);
  });

  it.each(changing)(
    '$method $path come from nobody without the token, another page, or a rebound name',
    async ({ method, path }) => {
      const { port, host } = await watched();
      const status = async (...lines: string[]) => (await exchange(port, sent(method, pathOf(path), ...lines))).status;
      expect(await status(host)).toBe(401);
      expect(await status(host, 'Authorization: Bearer wrong')).toBe(401);
      expect(await status(host, authorized, 'Origin: http://evil.example')).toBe(403);
      expect(await status(host, authorized, 'Origin: null')).toBe(403);
      expect(await status('Host: evil.example', authorized)).toBe(403);
    },
  );

  it.each(changing.filter(({ body }) => body !== undefined))(
    '$method $path take no body that is huge, slow or no JSON',
    async ({ method, path }) => {
      const { port, host } = await watched();
      const head = `${method} ${pathOf(path)} HTTP/1.1\r\n${host}\r\n${authorized}\r\nContent-Type: application/json\r\n`;
      expect((await exchange(port, `${head}Content-Length: 10000000\r\n\r\n{"a":`)).status).toBe(413);
      expect((await exchange(port, `${head}Content-Length: 10\r\n\r\n{`)).status).toBe(408);
      const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
      const framed = `${head}Connection: close\r\nContent-Length: ${deep.length}\r\n\r\n${deep}`;
      expect([400, 422]).toContain((await exchange(port, framed)).status);
      const poisoned = '{"__proto__":{"state":"disabled","url":"/","address":"a:1"}}';
      const asked = `${head}Connection: close\r\nContent-Length: ${poisoned.length}\r\n\r\n${poisoned}`;
      expect((await exchange(port, asked)).status).toBe(400);
    },
  );

  it.each([
    '/api/pools/web/backends/a/../../x',
    '/api/pools/web/backends//a',
    '/api/pools/web/backends/a/',
    '/api//pools/web/backends/a',
    '/API/pools/web/backends/a',
  ])('go by one way to write a path only, not by %s', async (path) => {
    const { port, host } = await watched();
    expect([400, 404]).toContain((await exchange(port, sent('PATCH', path, host, authorized))).status);
    expect((await exchange(port, sent('PATCH', path, host))).status).toBe(401);
  });

  it('answer markup and line breaks in names as data', async () => {
    const { port, host } = await start({
      source: fixedSource({
        change: async ({ pool }) => ({ ok: false, refusal: 'no-pool', message: `there is no pool '${pool}'` }),
      }),
    });
    const path = '/api/pools/%3Cscript%3E%0D%0ASet-Cookie:x/backends/a';
    const { status, head, body } = await exchange(port, sent('PATCH', path, host, authorized));
    expect(status).toBe(404);
    expect(head).toMatch(/^content-type: application\/json/im);
    expect(head).toMatch(/^x-content-type-options: nosniff$/im);
    expect(head).not.toMatch(/set-cookie/i);
    expect(JSON.parse(body)).toEqual({ error: 'no-pool', message: "there is no pool '<script>\r\nSet-Cookie:x'" });
  });
});
