import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type http2 from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { type OnStream, startH2Backend } from '../support/h2-backend.ts';
import { askH2, connectH2, h2Field } from '../support/h2-client.ts';
import { closeOpened, remember } from '../support/opened.ts';
import { eventually } from '../support/patience.ts';
import { connectTo } from '../support/raw-client.ts';
import { get } from '../support/requests.ts';
import { runFairlead, webConfig } from '../support/running.ts';
import { metric } from '../support/scrape.ts';

afterEach(closeOpened);

const scraped = { admin: { bind: '127.0.0.1:0' } } as const;
const overH2 = { connect: { http2: true } } as const;

async function stage(onStream: OnStream, settings: http2.Settings = {}) {
  const backend = await startH2Backend(onStream, settings);
  const lb = await runFairlead({ ...webConfig([backend.address], {}, overH2), ...scraped });
  return { backend, lb };
}

/** Answers with what came: the head as JSON, and the trailers. */
const echo: OnStream = (stream, headers) => {
  let body = '';
  let trailers: http2.IncomingHttpHeaders = {};
  stream.on('trailers', (came) => {
    trailers = came;
  });
  stream.setEncoding('latin1').on('data', (text) => {
    body += text;
  });
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'x-method': String(headers[':method']) }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': `${body.length}` }));
    stream.end(JSON.stringify({ headers, length: body.length, trailers }));
  });
};

describe('a backend that speaks HTTP/2', () => {
  it('serves clients of HTTP/1.1: head, body and trailers both ways', async () => {
    const { lb, backend } = await stage(echo);
    const client = await connectTo(lb.address());
    client.send(
      'POST /a?b=1 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Check: ok\r\n\r\n',
    );
    const answer = await client.answer();
    expect(answer.status).toBe(200);
    const seen = JSON.parse(answer.body);
    expect(seen.headers).toMatchObject({
      ':method': 'POST',
      ':path': '/a?b=1',
      ':authority': 'h',
      ':scheme': 'http',
      'x-a': '1',
      te: 'trailers',
      'x-forwarded-for': '127.0.0.1',
    });
    expect([seen.length, seen.trailers['x-check']]).toEqual([3, 'ok']);
    expect(answer.trailers).toEqual(['x-sum: 3']);
    for (let i = 0; i < 3; i++) expect((await client.send(get('/')).answer()).status).toBe(200);
    expect(backend.sessions).toHaveLength(1);
  });

  it('serves clients of HTTP/2, many at a time over one session', async () => {
    const { lb, backend } = await stage(echo);
    const session = await connectH2(lb.address());
    const sent = { body: Buffer.alloc(200_000, 'y'), trailers: { 'x-check': 'ok' } };
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => askH2(session, { ':path': `/${i}`, ':method': 'POST' }, sent)),
    );
    for (const answer of answers) {
      expect([answer.status, answer.trailers['x-sum'], answer.rstCode]).toEqual([200, '200000', 0]);
      expect(JSON.parse(answer.body)).toMatchObject({ length: 200_000, trailers: { 'x-check': 'ok' } });
    }
    expect(backend.sessions).toHaveLength(1);
  });

  it('serves over TLS when it agrees to it, and is told of when it does not', async () => {
    const authority = new TestAuthority();
    const files = authority.for('localhost');
    const pair = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
    const good = await startH2Backend(echo, {}, pair);
    const connect = { http2: true, tls: { ca: authority.root.files.cert, serverName: 'localhost' } };
    const lb = await runFairlead(webConfig([good.address], {}, { connect }));
    const client = await connectTo(lb.address());
    const answer = await client.send(get('/')).answer();
    expect(JSON.parse(answer.body).headers[':scheme']).toBe('https');
    const bad = tls.createServer(pair, (socket) => socket.on('error', () => {}));
    bad.listen(0, '127.0.0.1');
    await once(bad, 'listening');
    remember({ close: () => bad.close() });
    await lb.reloadWith(webConfig([`127.0.0.1:${(bad.address() as AddressInfo).port}`], {}, { connect }));
    expect((await client.send(get('/')).answer()).body).toContain('TLS');
  });

  it('gives interim answers, answers without a body and answers to HEAD', async () => {
    const { lb } = await stage((stream, headers) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      if (headers[':path'] === '/204') stream.respond({ ':status': 204 }, { endStream: true });
      else if (headers[':path'] === '/empty') stream.respond({ ':status': 200 }, { endStream: true });
      else {
        stream.respond({ ':status': 200, 'content-length': 3 });
        stream.end(headers[':method'] === 'HEAD' ? undefined : 'abc');
      }
    });
    const session = await connectH2(lb.address());
    expect(await askH2(session, { ':path': '/204' })).toMatchObject({ status: 204, interim: [103], bodiless: true });
    const empty = await askH2(session, { ':path': '/empty' });
    expect([empty.bodiless, h2Field(empty, 'content-length')]).toEqual([true, '']);
    expect(await askH2(session, { ':path': '/', ':method': 'HEAD' })).toMatchObject({ status: 200, body: '' });
    const client = await connectTo(lb.address());
    for (const [path, body] of [
      ['/', 'abc'],
      ['/empty', ''],
    ] as const) {
      const [hints, answer] = await client.send(get(path)).answers(2);
      expect([hints!.startLine, answer!.body]).toEqual(['HTTP/1.1 103 Early Hints', body]);
      client.text = '';
    }
  });

  it.each([0, 2, 8])('that breaks an answer off with code %i has it broken off for the client', async (code) => {
    const { lb } = await stage((stream) => {
      // Without waiting for trailers node:http2 would end the answer as if it were whole.
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.write('abc', () => stream.close(code));
    });
    const session = await connectH2(lb.address());
    expect(await askH2(session, { ':path': '/' })).toMatchObject({ status: 200, rstCode: 2 });
    const client = await connectTo(lb.address());
    client.send(get('/'));
    await client.ended();
    expect(client.text).not.toContain('\r\n0\r\n');
  });

  it('hears of a client that leaves, and is not blamed', async () => {
    const codes: (number | undefined)[] = [];
    const { lb, backend } = await stage((stream) => stream.on('close', () => codes.push(stream.rstCode)));
    const session = await connectH2(lb.address());
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    await eventually(async () => backend.paths.length === 1, 'a request');
    stream.close(8);
    await eventually(async () => codes[0] === 8, 'a reset');
    expect(await metric(lb, 'backend_failures_total')).toBe(0);
  });

  it('that refuses a stream has its request sent again, whatever its method', async () => {
    let refused = 0;
    const { lb, backend } = await stage((stream, headers) => {
      if (refused++ === 0) stream.close(7);
      else echo(stream, headers);
    });
    const client = await connectTo(lb.address());
    const answer = await client.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc').answer();
    expect([answer.status, backend.paths.length]).toEqual([200, 2]);
  });

  it('that says goodbye gets what comes next on another session, and finishes what it has', async () => {
    const open: ServerHttp2Stream[] = [];
    const { lb, backend } = await stage((stream, headers) => {
      if (headers[':path'] === '/slow') open.push(stream);
      else stream.respond({ ':status': 200 }, { endStream: true });
    });
    const session = await connectH2(lb.address());
    const slow = askH2(session, { ':path': '/slow' });
    await eventually(async () => open.length === 1, 'a slow request');
    backend.sessions[0]!.goaway(0, 1);
    await eventually(
      async () => (await askH2(session, { ':path': '/' })).status === 200 && backend.sessions.length === 2,
      'a second session',
    );
    open[0]!.respond({ ':status': 200 });
    open[0]!.end('done');
    expect(await slow).toMatchObject({ status: 200, body: 'done' });
  });

  it('that loses its session has idempotent requests retried elsewhere', async () => {
    const { lb, backend } = await stage((stream, headers) => {
      if (backend.sessions.length === 1) stream.session!.destroy();
      else echo(stream, headers);
    });
    const second = await startH2Backend(echo);
    await lb.reloadWith({ ...webConfig([backend.address, second.address], {}, overH2), ...scraped });
    const client = await connectTo(lb.address());
    for (let i = 0; i < 3; i++) expect((await client.send(get('/')).answer()).status).toBe(200);
  });

  it('has no more streams than it allows on a session', async () => {
    let open = 0;
    let most = 0;
    const { lb, backend } = await stage(
      (stream) => {
        most = Math.max(most, ++open);
        stream.on('close', () => open--);
        setImmediate(() => stream.respond({ ':status': 200 }, { endStream: true }));
      },
      { maxConcurrentStreams: 2 },
    );
    const session = await connectH2(lb.address());
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => askH2(session, { ':path': `/${i}` })));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(backend.paths).toHaveLength(100);
    expect(backend.sessions.length).toBeLessThanOrEqual(16);
    expect(most).toBeLessThanOrEqual(2 * backend.sessions.length);
  });

  it('is answered for when it is not there', async () => {
    const { lb, backend } = await stage(echo);
    await backend.close();
    const client = await connectTo(lb.address());
    expect((await client.send(get('/')).answer()).status).toBe(502);
  });

  it('carries WebSockets when it says so, and a clear answer when it does not', async () => {
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    const upgrade = `GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
    const { lb } = await stage(
      (stream, headers) => {
        stream.respond({ ':status': 200, 'x-protocol': String(headers[':protocol']) });
        stream.pipe(stream);
      },
      { enableConnectProtocol: true },
    );
    const client = await connectTo(lb.address());
    client.send(upgrade);
    await eventually(async () => client.text.includes('\r\n\r\n'), 'a switch');
    expect(client.text).toMatch(/^HTTP\/1.1 101 [\s\S]*s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=[\s\S]*x-protocol: websocket/);
    client.send('ping');
    await eventually(async () => client.text.endsWith('ping'), 'an echo');
    const without = await stage(echo);
    const other = await connectTo(without.lb.address());
    expect((await other.send(upgrade).answer()).status).toBe(501);
  });
});
