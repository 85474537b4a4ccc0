import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { askH2, connectH2, h2Field } from '../support/h2-client.ts';
import { fieldOf } from '../support/http-text.ts';
import { closeOpened } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { answerText, startBackend } from '../support/recording-backend.ts';
import { get } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

const scraped = { admin: { bind: '127.0.0.1:0' } } as const;

async function stage(answer: Parameters<typeof startBackend>[0], listener = {}) {
  const backend = await startBackend(answer);
  const lb = await runFairlead({ ...webConfig([backend.address], listener), ...scraped });
  return { backend, lb, session: await connectH2(lb.address()) };
}

describe('a client that speaks HTTP/2 in the clear', () => {
  it('is served over one connection, many requests at a time', async () => {
    const { backend, session } = await stage((request) => answerText(request.startLine));
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => askH2(session, { ':path': `/${i}`, 'x-a': ['1', '2'] })),
    );
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 50 }, (_, i) => `GET /${i} HTTP/1.1`));
    expect(backend.requests).toHaveLength(50);
    const [request] = backend.requests;
    expect(fieldOf(request!, 'x-a')).toBe('1 | 2');
    expect(fieldOf(request!, 'x-forwarded-for')).toBe('127.0.0.1');
    expect(fieldOf(request!, 'host')).toBe(fieldOf(request!, 'x-forwarded-host'));
  });

  it('leaves HTTP/1.1 on the same port as it is', async () => {
    const { lb } = await stage(answerText('ok'));
    const client = await connectTo(lb.address());
    expect((await client.send(get('/')).answer()).status).toBe(200);
    client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    expect((await client.answer()).status).toBe(400);
  });

  it('takes a preface that comes in pieces', async () => {
    const { lb } = await stage(answerText('ok'));
    const client = await connectTo(lb.address());
    for (const piece of ['P', 'RI * HTTP', '/2.0\r\n\r\n', 'SM\r\n\r\n\0\0\0\x04\0\0\0\0\0']) {
      client.send(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(async () => client.text.includes('\0\0\0\x04\x01'), 'an acknowledgement of the settings');
  });

  it('gets a body, its length and trailers as the backend sends them, and the reverse', async () => {
    const { backend, session } = await stage((request) =>
      request.startLine.startsWith('POST /t')
        ? 'HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\nx-sum: 2\r\n\r\n'
        : answerText('xyz', '201 Created', ['Set-Cookie: a=1', 'Set-Cookie: b=2', 'Connection: x-hop', 'X-Hop: no']),
    );
    const plain = await askH2(session, { ':path': '/p', ':method': 'POST', 'content-length': 5 }, { body: 'hello' });
    expect([plain.status, plain.body, plain.trailers]).toEqual([201, 'xyz', {}]);
    expect(h2Field(plain, 'set-cookie')).toBe('a=1 | b=2');
    expect(h2Field(plain, 'content-length')).toBe('3');
    expect(h2Field(plain, 'x-hop') + h2Field(plain, 'connection')).toBe('');
    const sent = { body: Buffer.alloc(200_000, 'y'), trailers: { 'x-check': 'ok' } };
    const trailed = await askH2(session, { ':path': '/t', ':method': 'POST', te: 'trailers' }, sent);
    expect([trailed.status, trailed.body, trailed.trailers['x-sum']]).toEqual([200, 'abc', '1, 2']);
    expect(backend.requests[0]!.body).toBe('hello');
    expect(backend.requests[1]!.body).toBe('y'.repeat(200_000));
    expect(backend.requests[1]!.trailers).toEqual(['x-check: ok']);
  });

  it.each([
    ['HEAD', '/', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 200],
    ['GET', '/', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
    ['GET', '/', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', 304],
    ['GET', '/', answerText(''), 200],
    ['GET', '/', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 200],
  ])('ends an answer without a body with its head: %s %s %j', async (method, path, text, status) => {
    const { session } = await stage(text);
    const answer = await askH2(session, { ':method': method, ':path': path });
    expect(answer).toMatchObject({ status, bodiless: true, body: '', rstCode: 0 });
  });

  it('gets interim answers', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const { session } = await stage(`HTTP/1.1 100 Continue\r\n\r\n${hints}${answerText('x')}`);
    const answer = await askH2(session, { ':path': '/', expect: '100-continue', ':method': 'POST' }, { body: 'x' });
    expect(answer).toMatchObject({ status: 200, interim: [100, 103], body: 'x' });
  });

  it('is told with a reset that an answer is not whole', async () => {
    const { session } = await stage((_, { socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', () => socket.destroy());
      return undefined;
    });
    const answer = await askH2(session, { ':path': '/' });
    expect(answer).toMatchObject({ status: 200, body: 'abc', rstCode: 2 });
  });

  it('ends an answer that ends with its connection', async () => {
    const { session } = await stage((_, { socket }) => {
      socket.end('HTTP/1.1 200 OK\r\n\r\nabc');
      return undefined;
    });
    expect(await askH2(session, { ':path': '/' })).toMatchObject({ status: 200, body: 'abc', rstCode: 0 });
  });

  it('that resets a request has it aborted, and nobody blames the backend', async () => {
    const { backend, lb, session } = await stage(() => undefined);
    const stream = session.request({ ':path': '/', ':method': 'POST' });
    stream.on('error', () => {});
    stream.write('half');
    await eventually(async () => backend.text.includes('half'), 'half of the body');
    stream.close(8);
    await eventually(async () => backend.connections[0]?.ending !== undefined, 'the end of the request');
    await eventually(async () => (await metric(lb, 'requests_total', { code: '499' })) === 1, 'a count of 499');
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
  });

  it('gets Fairlead’s own errors, and keeps its connection', async () => {
    const { session } = await stage(answerText('ok'), {
      limits: { headerBytes: 1024, bodyBytes: 10 },
      routes: [{ match: { path: '/a' }, pool: 'web' }],
    });
    const none = await askH2(session, { ':path': '/b' });
    expect([none.status, h2Field(none, 'fairlead-error')]).toEqual([404, 'no-route']);
    const large = await askH2(session, { ':path': '/a', ':method': 'POST' }, { body: 'x'.repeat(100) });
    expect(large.status).toBe(413);
    const head = await askH2(session, { ':path': '/a', 'x-long': 'x'.repeat(2000) });
    expect([head.status, h2Field(head, 'fairlead-error')]).toEqual([431, 'head-too-large']);
    const tunnel = await askH2(session, { ':method': 'CONNECT', ':authority': 'a.test:1' });
    expect(tunnel.status).toBe(501);
    const scheme = await askH2(session, { ':path': '/a', ':scheme': 'gopher' });
    expect([scheme.status, scheme.body]).toEqual([400, expect.stringContaining('pseudo-header')]);
    expect((await askH2(session, { ':path': '/a' })).body).toBe('ok');
  });

  it('is told with GOAWAY that a drain has begun, and its last requests are finished', async () => {
    const pending: (() => void)[] = [];
    const { lb, session } = await stage((_, { socket }) => {
      pending.push(() => socket.write(answerText('late')));
      return undefined;
    });
    const asked = askH2(session, { ':path': '/' });
    await eventually(async () => pending.length === 1, 'the request');
    const goaway = once(session, 'goaway');
    const drained = lb.drain();
    expect((await goaway)[0]).toBe(0);
    pending[0]!();
    expect((await asked).body).toBe('late');
    expect(await drained).toBe(true);
  });

  it('keeps its connection through a reload', async () => {
    const { backend, lb, session } = await stage(answerText('ok'));
    await lb.reloadWith({ ...webConfig([backend.address], { timeouts: { idle: '5s' } }), ...scraped });
    expect((await askH2(session, { ':path': '/' })).body).toBe('ok');
  });
});

describe('a client that speaks HTTP/2 over TLS', () => {
  it('is served, and so is one of HTTP/1.1', async () => {
    const authority = new TestAuthority();
    const backend = await startBackend((request) => answerText(fieldOf(request, 'x-forwarded-proto')));
    const lb = await runFairlead(webConfig([backend.address], { tls: authority.for('localhost') }));
    const tls = { ca: authority.root.certPem, servername: 'localhost' };
    const session = await connectH2(lb.address(), tls, 'https');
    expect(session.alpnProtocol).toBe('h2');
    expect((await askH2(session, { ':path': '/' })).body).toBe('https');
  });
});
