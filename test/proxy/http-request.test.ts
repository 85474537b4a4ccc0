import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadEdit } from '../../src/http1/head-edit.ts';
import type { Backend } from '../../src/pool/backend.ts';
import type { ClientSide } from '../../src/proxy/http-context.ts';
import { HttpRequest } from '../../src/proxy/http-request.ts';
import type { RouteSite } from '../../src/proxy/route-site.ts';
import { cidrSet } from '../../src/support/cidr.ts';
import { fieldOf, readMessage } from '../support/http-text.ts';
import { chunked, get, post, requestText } from '../support/requests.ts';
import { parsed } from './parsed.ts';

interface Setting {
  readonly peer?: string;
  readonly bodyBytes?: number;
  readonly trust?: readonly string[];
  /** Whether the access log takes this request; without it there is no access log. */
  readonly sampled?: boolean;
}

/** What changes in the head. */
interface Change {
  readonly edit?: HeadEdit;
  readonly lines?: string;
  readonly rewrite?: RouteSite['rewrite'];
}

/** A client that has sent this head, as far as a request looks at it. */
function clientWith(text: string, { peer = '10.0.0.1', bodyBytes = 0, trust = [], sampled }: Setting = {}): ClientSide {
  const trusted = cidrSet(trust);
  const access = sampled === undefined ? undefined : { sampled: () => sampled };
  const site = {
    head: parsed(text),
    deps: { settings: { access } },
    limits: { bodyBytes },
    trusts: (ip: string) => trusted.has(ip),
    shutsOut: () => undefined,
    makeId: () => 'made',
    proto: 'http',
  };
  return { site, peer, clientLines: '', localAuthority: () => '10.9.9.9:80' } as unknown as ClientSide;
}

/** A request of which the head has come, and then these pieces of its body. */
function withBody(text: string, pieces: readonly string[], setting: Setting = {}) {
  const headEnd = text.indexOf('\r\n\r\n') + 4;
  const request = new HttpRequest(clientWith(text.slice(0, headEnd), setting));
  const taken = pieces.map((piece) => request.take(Buffer.from(piece, 'latin1'), 0, piece.length));
  return { request, taken };
}

/** A request that came in one piece with its body, ready for a backend. */
function prepared(text: string, setting: Setting = {}, { edit, lines = '', rewrite }: Change = {}): HttpRequest {
  const headEnd = text.indexOf('\r\n\r\n') + 4;
  const client = clientWith(text.slice(0, headEnd), setting);
  const request = new HttpRequest(client);
  const bytes = Buffer.from(text, 'latin1');
  request.lines = lines;
  request.prepare(client, { requestEdit: edit, rewrite } as RouteSite);
  request.append(bytes, headEnd, request.take(bytes, headEnd, bytes.length));
  return request;
}

describe('a request', () => {
  it('takes out of its head what is needed later', () => {
    const request = new HttpRequest(clientWith(get('/x', 'Connection: close')));
    expect(request).toMatchObject({ method: 'GET', minor: 1, persistent: false, upgrade: false, source: '10.0.0.1' });
    expect([request.bytesIn, request.incomplete, request.complaint]).toEqual([
      get('/x', 'Connection: close').length,
      false,
      undefined,
    ]);
  });

  it.each([
    [get('/', 'Connection: Upgrade', 'Upgrade: websocket'), true],
    [get('/', 'Upgrade: websocket'), false],
    [get('/', 'Connection: Upgrade', 'Upgrade: h2c'), false],
  ])('%j wants an upgrade: %j', (text, upgrade) => {
    expect(new HttpRequest(clientWith(text)).upgrade).toBe(upgrade);
  });

  it.each([
    [[], '10.0.0.1', false],
    [['10.0.0.1'], '9.9.9.9', true],
    [['10.0.0.1', '9.9.9.9'], '8.8.8.8', true],
    [['10.0.0.2'], '10.0.0.1', false],
  ])('with trust in %j comes from %s', (trust, source, trusted) => {
    const request = new HttpRequest(clientWith(get('/', 'X-Forwarded-For: 8.8.8.8, 9.9.9.9'), { trust }));
    expect([request.source, request.trusted]).toEqual([source, trusted]);
  });

  it.each([
    [undefined, false],
    [false, false],
    [true, true],
  ])('keeps what the access log needs only when it is logged (sampled: %j)', (sampled, logged) => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const parent = `traceparent: 00-${traceId}-b7ad6b7169203331-00`;
    const text = get('/x?y', 'Host: B.test', 'User-Agent: ua', 'Referer: r', parent);
    const request = new HttpRequest(clientWith(text, sampled === undefined ? {} : { sampled }));
    expect(request.logged).toEqual(
      logged ? { target: '/x?y', traceId, host: 'B.test', userAgent: 'ua', referer: 'r' } : undefined,
    );
  });
});

describe('the body of a request', () => {
  it.each([
    ['no length', get('/'), false],
    ['length 0', post('/', ''), false],
    ['a length', post('/', 'body'), true],
    ['chunks', requestText('GET / HTTP/1.1', ['Transfer-Encoding: chunked']), true],
  ])('with %s is to come: %j', (_name, text, incomplete) => {
    expect(withBody(text, []).request.incomplete).toBe(incomplete);
  });

  it('ends where its framing says, in any cut', () => {
    const body = chunked(['one', 'two'], ['X: y']);
    const text = requestText('POST / HTTP/1.1', ['Transfer-Encoding: chunked']);
    fc.assert(
      fc.property(fc.nat(body.length), (cut) => {
        const { request, taken } = withBody(text, [body.slice(0, cut), `${body.slice(cut)}NEXT`]);
        expect([taken[1], request.incomplete, request.complaint]).toEqual([
          cut === body.length ? 0 : body.length - cut,
          false,
          undefined,
        ]);
        expect(request.bytesIn).toBe(text.length + body.length);
      }),
    );
  });

  it('that is malformed is refused', () => {
    const { request } = withBody(requestText('POST / HTTP/1.1', ['Transfer-Encoding: chunked']), ['zz\r\n']);
    expect(request.complaint).toEqual({
      code: 'bad-request',
      cause: 'a chunk size that is not a hexadecimal number',
    });
    expect([request.incomplete, request.take(Buffer.from('3\r\n'), 0, 3)]).toEqual([true, 0]);
  });

  const tooLarge = { code: 'body-too-large', cause: 'the body is larger than 10 bytes' };

  it.each([
    ['Content-Length: 10', ['0123456789'], undefined],
    ['Content-Length: 11', [], tooLarge],
    ['Transfer-Encoding: chunked', [chunked(['01234', '56789'])], undefined],
    ['Transfer-Encoding: chunked', ['5\r\n01234\r\n5\r\n56789\r\n', '1\r\n0'], tooLarge],
  ])('of %s %j against a limit of 10 bytes', (field, pieces, complaint) => {
    const { request } = withBody(requestText('PUT / HTTP/1.1', [field]), pieces, { bodyBytes: 10 });
    expect(request.complaint).toEqual(complaint);
  });

  it('has no limit unless there is one', () => {
    const { request } = withBody(post('/', 'b'.repeat(100_000)), ['b'.repeat(100_000)]);
    expect([request.complaint, request.incomplete]).toEqual([undefined, false]);
  });
});

describe('what goes to a backend', () => {
  it('is the head with our fields, and as much of the body as came along, byte for byte', () => {
    const request = prepared(`${post('/', '\x00\xff\r\n')}NEXT`);
    const sent = readMessage(request.text)!;
    expect([sent.startLine, sent.body, sent.length]).toEqual(['POST / HTTP/1.1', '\x00\xff\r\n', request.text.length]);
    const names = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-request-id'];
    expect(names.map((name) => fieldOf(sent, name))).toEqual(['10.0.0.1', 'http', 'a.test', 'made']);
    expect(request.id).toBe('made');
  });

  it('carries the id of a trusted proxy', () => {
    expect(prepared(get('/', 'X-Request-Id: theirs'), { trust: ['10.0.0.1'] }).id).toBe('theirs');
    expect(prepared(get('/', 'X-Request-Id: theirs')).id).toBe('made');
  });

  it('names the address that was connected to for want of a Host', () => {
    expect(prepared('GET / HTTP/1.0\r\n\r\n').text).toContain('\r\nHost: 10.9.9.9:80\r\n');
  });
});

describe('what a route changes', () => {
  const backend = { address: '10.1.1.1:80' } as Backend;

  it('are fields, and lines of this one request', () => {
    const edit = new HeadEdit({ drop: ['cookie'], lines: 'A: 1\r\n' });
    const { text } = prepared(post('/', 'body', 'Cookie: x'), {}, { edit, lines: 'B: 2\r\n' });
    const sent = readMessage(text)!;
    expect([fieldOf(sent, 'cookie'), fieldOf(sent, 'a'), fieldOf(sent, 'b'), sent.body]).toEqual([
      '',
      '1',
      '2',
      'body',
    ]);
  });

  it.each([
    [undefined, 'Host: a.test\r\n'],
    ['b.test:81', 'Host: b.test:81\r\n'],
    ['', 'Host: 10.1.1.1\r\n'],
  ])('is the target, and the Host: %j', (host, line) => {
    const target = (text: string) => text.replace('/v1', '');
    const request = prepared(post('/v1/x?q', 'body'), {}, { rewrite: { target, host } });
    const text = request.textFor(backend);
    expect(text).toMatch(new RegExp(`^POST /x\\?q HTTP/1.1\\r\\n${line}`));
    expect(text.match(/^host:/gim)).toHaveLength(1);
    expect(readMessage(text)?.body).toBe('body');
  });

  it('cannot be told of a target that may mean two things', () => {
    const client = clientWith(get('/a'));
    const rewrite = { target: () => undefined, host: undefined };
    expect(new HttpRequest(client).prepare(client, { rewrite } as unknown as RouteSite)).toBe(false);
  });
});

describe('a body that is held', () => {
  /** What a client is told that sent this head, with so much of the body. */
  const told = (fields: readonly string[], body = '', line = 'POST / HTTP/1.1') => {
    const said: string[] = [];
    const client = { ...clientWith(requestText(line, fields)), write: (text: string) => said.push(text) > 0 };
    const request = new HttpRequest(client);
    request.take(Buffer.from(body), 0, body.length);
    request.holdBody(client);
    request.prepare(client, {} as RouteSite);
    return { said, expect: fieldOf(readMessage(`${request.text}${'x'.repeat(10)}`)!, 'expect') };
  };

  it.each([
    ['has not begun', ['Expect: 100-Continue', 'Content-Length: 2'], '', true],
    ['has begun', ['Expect: 100-continue', 'Content-Length: 2'], 'a', false],
    ['is there', ['Expect: 100-continue', 'Content-Length: 2'], 'ab', false],
    ['was not asked for', ['Content-Length: 2'], '', false],
    ['comes with something else', ['Expect: x', 'Content-Length: 2'], '', false],
  ])('is asked for when the client waits for that: it %s', (_name, fields, body, asked) => {
    expect(told(fields, body)).toEqual({ said: asked ? ['HTTP/1.1 100 Continue\r\n\r\n'] : [], expect: '' });
  });

  it('is never asked for with HTTP/1.0', () => {
    expect(told(['Expect: 100-continue', 'Content-Length: 2'], '', 'POST / HTTP/1.0').said).toEqual([]);
  });

  it('leaves the Expect of other requests alone', () => {
    expect(fieldOf(readMessage(prepared(post('/', 'ab', 'Expect: 100-continue')).text)!, 'expect')).toBe(
      '100-continue',
    );
  });

  it('says how much of it has come', () => {
    const { request } = withBody(requestText('PUT / HTTP/1.1', ['Transfer-Encoding: chunked']), ['3\r\nabc\r\n']);
    expect(request.progress).toEqual({ dataBytes: 3, whole: false });
    request.take(Buffer.from('0\r\n\r\n'), 0, 5);
    expect(request.progress).toEqual({ dataBytes: 3, whole: true });
    expect(new HttpRequest(clientWith(get('/'))).progress).toEqual({ dataBytes: 0, whole: true });
  });
});

describe('sending it again', () => {
  it.each([
    ['GET', '', true],
    ['DELETE', '', true],
    ['PUT', 'body', true],
    ['POST', '', false],
    ['PATCH', 'body', false],
  ])('is safe with %s and body %j: %j', (method, body, safe) => {
    const text = requestText(`${method} / HTTP/1.1`, [`Content-Length: ${body.length}`]);
    expect(withBody(text, [body]).request.maySendAgain).toBe(safe);
  });

  it('takes no kept connection while some of the body is to come', () => {
    const { request } = withBody(requestText('PUT / HTTP/1.1', ['Content-Length: 4']), ['bo']);
    expect(request.takesKept(0)).toBe(false);
    request.take(Buffer.from('dy'), 0, 2);
    expect(request.takesKept(0)).toBe(true);
  });

  it('is safe as long as what went to a backend is little, and was kept', () => {
    const { request } = withBody(requestText('PUT / HTTP/1.1', ['Content-Length: 70000']), ['bo']);
    const bytes = Buffer.alloc(60_000, 'x');
    request.forwarded(bytes, 10, 60_000, false);
    expect([request.maySendAgain, request.replay.length]).toEqual([true, 59_990]);
    request.forwarded(bytes, 0, 10_000, false);
    expect([request.maySendAgain, request.replay]).toEqual([false, '']);
    request.forwarded(bytes, 0, 1, false);
    expect([request.maySendAgain, request.replay]).toEqual([false, '']);
  });

  it('keeps also of a POST what a backend may say it has not looked at', () => {
    const { request } = withBody(requestText('POST / HTTP/1.1', ['Content-Length: 4']), ['bo']);
    request.forwarded(Buffer.from('dy'), 0, 2, true);
    expect([request.replay, request.atHand, request.maySendAgain]).toEqual(['dy', true, false]);
  });

  it('keeps nothing of what may not be sent again anyway', () => {
    const { request } = withBody(requestText('POST / HTTP/1.1', ['Content-Length: 4']), ['bo']);
    request.forwarded(Buffer.from('dy'), 0, 2, false);
    expect(request.replay).toBe('');
  });
});
