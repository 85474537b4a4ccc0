import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadEdit } from '../../src/http1/head-edit.ts';
import { type ForwardedFacts, requestOut } from '../../src/http1/request-out.ts';
import { fields, requestLine } from '../http1/grammar.ts';
import { get, head } from '../http1/request-text.ts';
import { readRequest, requestHeadOf } from '../http1/verdict.ts';

const facts: ForwardedFacts = {
  peer: '192.0.2.7',
  proto: 'http',
  trusted: false,
  makeId: () => 'made',
  localAuthority: () => 'local.example:8080',
  continued: false,
  rewrite: undefined,
  edit: undefined,
  lines: '',
};
const trusted: ForwardedFacts = { ...facts, trusted: true };

/** What goes to the backend for this request. */
const out = (text: string, given = facts): string => requestOut(requestHeadOf(text), given).text;

/** The fields that are always added, as lines. */
const added = (host = 'a.example') => [
  'X-Forwarded-For: 192.0.2.7',
  'X-Forwarded-Proto: http',
  ...(host === '' ? [] : [`X-Forwarded-Host: ${host}`]),
  'X-Request-Id: made',
];

describe('requestOut', () => {
  it('adds what a proxy says of its client, behind what the client said', () => {
    expect(out(get())).toBe(get(...added()));
  });

  it('keeps case, order, spaces and repeated fields as they were sent', () => {
    const odd = ['hOST-X:1', 'Accept: \t*/* ', 'COOKIE: a=1', 'cookie: b=2', 'Empty:', 'X: \xe9'];
    expect(out(get(...odd))).toBe(get(...odd, ...added()));
    const late = head('GET /a/../b%2f?q HTTP/1.1', ...odd, 'host: A.example ');
    expect(out(late)).toBe(late.replace(/\r\n\r\n$/, `\r\n${added('A.example').join('\r\n')}\r\n\r\n`));
  });

  it('keeps what frames the body, and what is meant for the backend', () => {
    const lengths = ['Content-Length: 5', 'Expect: 100-continue', 'Authorization: Basic YTpi', 'Trailer: X'];
    expect(out(get(...lengths))).toBe(get(...lengths, ...added()));
    const chunks = ['transfer-encoding: Chunked', 'Via: 1.1 x', 'Forwarded: for=1', 'X-Real-IP: 1'];
    expect(out(get(...chunks))).toBe(get(...chunks, ...added()));
  });

  it('makes an id for each request and says which', () => {
    let count = 0;
    const counting = { ...facts, makeId: () => `id-${++count}` };
    expect(requestOut(requestHeadOf(get()), counting).id).toBe('id-1');
    const second = requestOut(requestHeadOf(get('X-Request-Id: theirs')), counting);
    expect(second.id).toBe('id-2');
    expect(second.text).toBe(get(...added().slice(0, 3), 'X-Request-Id: id-2'));
  });

  it('gives back a request that says the same and is understood by any strict parser', () => {
    fc.assert(
      fc.property(requestLine, fields, fc.boolean(), (line, lines, isTrusted) => {
        const { method, target, minor } = line;
        const kept = lines.map(({ line }) => line).join('');
        const text = `${method} ${target} HTTP/1.${minor}\r\nHost: a.example\r\n${kept}\r\n`;
        const tail = `${added().join('\r\n')}\r\n`;
        const sent = out(text, { ...facts, trusted: isTrusted });
        expect(sent).toBe(`${method} ${target} HTTP/1.1\r\nHost: a.example\r\n${kept}${tail}\r\n`);
        expect(readRequest(sent)).toMatchObject({ method, target, minor: 1, end: sent.length });
      }),
    );
  });
});

describe('fields that end at this hop (RFC 9110 §7.6.1)', () => {
  it.each([
    'Connection: close',
    'connection: keep-alive, Foo',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'HTTP2-Settings: AAMAAABkAAQAAP__',
    'TE: gzip;q=0.5',
    'Upgrade: websocket',
  ])('%s goes no further', (line) => {
    expect(out(get('A: 1', line, 'B: 2'))).toBe(get('A: 1', 'B: 2', ...added()));
    expect(out(head('GET / HTTP/1.1', line, line, 'Host: a.example'))).toBe(get(...added()));
    expect(out(get(line))).toBe(get(...added()));
  });

  it('are those that Connection nominates, wherever they stand and however often', () => {
    const lines = ['X-A: 1', 'Connection: x-a, Cookie', 'x-A: 2', 'X-B: 3', 'COOKIE: a=1', 'Connection: x-c', 'X-C:'];
    expect(out(get(...lines))).toBe(get('X-B: 3', ...added()));
  });

  it.each(['Host', 'Content-Length', 'Transfer-Encoding'])('%s stays although Connection nominates it', (name) => {
    const line = { Host: 'X: 1', 'Content-Length': 'Content-Length: 5' }[name] ?? 'Transfer-Encoding: chunked';
    expect(out(get(`Connection: close, ${name.toLowerCase()}`, line))).toBe(get(line, ...added()));
    expect(out(get(`Connection: ${name}`, line))).toBe(get(line, ...added()));
  });

  it.each([facts, trusted])('what we add cannot be nominated away', (given) => {
    const names = 'X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Request-Id';
    expect(out(get(`Connection: ${names}`), given)).toBe(get(...added()));
    const forwarded = ['X-Forwarded-For: 1.1.1.1', 'X-Request-Id: theirs'];
    expect(out(get(...forwarded, `Connection: ${names}`), trusted)).toContain(
      '\r\nX-Forwarded-For: 1.1.1.1, 192.0.2.7\r\n',
    );
    expect(out(get(...forwarded, `Connection: ${names}`), facts)).toBe(get(...added()));
  });
});

describe('X-Forwarded-* and X-Request-Id', () => {
  const theirs = [
    'X-Forwarded-For: 198.51.100.1',
    'x-forwarded-proto: https',
    'X-FORWARDED-HOST: b.example',
    'X-Request-Id: theirs',
  ];

  it('are replaced when the peer is not trusted', () => {
    expect(out(get('A: 1', ...theirs, ...theirs, 'B: 2'))).toBe(get('A: 1', 'B: 2', ...added()));
  });

  it('are believed, and the chain goes on, when it is', () => {
    const chain = [
      'X-Forwarded-For: 198.51.100.1, 192.0.2.7',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: b.example',
    ];
    const sent = requestOut(requestHeadOf(get('A: 1', ...theirs, 'B: 2')), trusted);
    expect(sent).toMatchObject({ text: get('A: 1', 'B: 2', ...chain, 'X-Request-Id: theirs'), id: 'theirs' });
  });

  it('are made when a trusted peer says nothing or leaves them empty', () => {
    expect(out(get(), trusted)).toBe(get(...added()));
    const empty = theirs.map((line) => line.replace(/:.*/, ':'));
    expect(out(get(...empty), trusted)).toBe(get(...added()));
  });

  it('of several fields are one list in their order', () => {
    const lists = ['X-Forwarded-For: 1.1.1.1, 2.2.2.2', 'X-Forwarded-For:', 'X-Forwarded-For: 3.3.3.3'];
    expect(out(get(...lists), trusted)).toContain('\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.7\r\n');
    expect(requestOut(requestHeadOf(get('X-Request-Id: a', 'X-Request-Id: b')), trusted).id).toBe('a, b');
  });

  it('say https when the listener does', () => {
    expect(out(get(), { ...facts, proto: 'https' })).toContain('\r\nX-Forwarded-Proto: https\r\n');
    expect(out(get('X-Forwarded-Proto: http'), { ...trusted, proto: 'https' })).toContain(
      '\r\nX-Forwarded-Proto: http\r\n',
    );
  });

  it('take the peer as it is', () => {
    expect(out(get(), { ...facts, peer: '2001:db8::1' })).toContain('\r\nX-Forwarded-For: 2001:db8::1\r\n');
  });
});

describe('absolute-form (RFC 9112 §3.2.2)', () => {
  it('becomes origin form, and its authority the Host', () => {
    const text = head('GET http://b.example:81/x?y HTTP/1.1', 'A: 1', 'Host: a.example', 'B: 2');
    const lines = ['A: 1', 'B: 2', 'Host: b.example:81', ...added('b.example:81')];
    expect(out(text)).toBe(head('GET /x?y HTTP/1.1', ...lines));
  });

  it('cannot keep the other Host by nominating it, nor lose its own', () => {
    const text = head('GET http://b HTTP/1.1', 'Host: a', 'Connection: host');
    expect(out(text)).toBe(head('GET / HTTP/1.1', 'Host: b', ...added('b')));
  });

  it('of OPTIONS without a path is an asterisk', () => {
    expect(out(head('OPTIONS http://b HTTP/1.1', 'Host: a'))).toBe(
      head('OPTIONS * HTTP/1.1', 'Host: b', ...added('b')),
    );
    expect(out(head('OPTIONS * HTTP/1.1', 'Host: b'))).toBe(head('OPTIONS * HTTP/1.1', 'Host: b', ...added('b')));
  });

  it('is taken from HTTP/1.0 too', () => {
    expect(out(head('GET http://b/x HTTP/1.0'))).toBe(head('GET /x HTTP/1.1', 'Host: b', ...added('b')));
  });
});

describe('HTTP/1.0', () => {
  it('becomes HTTP/1.1, which must have a Host', () => {
    const lines = ['Host: local.example:8080', ...added('')];
    expect(out(head('GET /a HTTP/1.0', 'A: 1', 'Connection: keep-alive'))).toBe(
      head('GET /a HTTP/1.1', 'A: 1', ...lines),
    );
    expect(out(head('GET / HTTP/1.0'))).toBe(head('GET / HTTP/1.1', ...lines));
  });

  it('keeps the Host it has', () => {
    expect(out(head('POST / HTTP/1.0', 'Host: a.example', 'Content-Length: 1'))).toBe(
      head('POST / HTTP/1.1', 'Host: a.example', 'Content-Length: 1', ...added()),
    );
  });

  it('has no Expect (RFC 9110 §10.1.1) and no Upgrade (§7.8)', () => {
    const lines = ['Host: a.example', 'Expect: 100-continue', 'Connection: upgrade', 'Upgrade: websocket'];
    expect(out(head('GET / HTTP/1.0', ...lines))).toBe(get(...added()));
  });
});

describe('TE (RFC 9110 §10.1.4)', () => {
  it.each([['trailers'], ['Trailers'], ['gzip, trailers;x, trailers'], ['trailers , gzip;q=0'], ['gzip', 'trailers']])(
    'passes on that trailers are welcome: %s',
    (...values) => {
      const lines = values.map((value) => `TE: ${value}`);
      const hop = ['Connection: TE', 'TE: trailers'];
      expect(out(get(...lines, 'Connection: TE', 'A: 1'))).toBe(get('A: 1', ...hop, ...added()));
      expect(out(get(...lines))).toBe(get(...hop, ...added()));
    },
  );

  it('is read as the first field too', () => {
    const sent = out(head('GET / HTTP/1.1', 'TE: trailers', 'Host: a.example'));
    expect(sent).toBe(get('Connection: TE', 'TE: trailers', ...added()));
  });

  it.each(['', 'gzip', 'xtrailers', 'trailersx', 'trailers;q=0', 'no trailers'])('passes nothing on of %j', (value) => {
    expect(out(get(`TE: ${value}`))).toBe(get(...added()));
  });
});

describe('Upgrade (RFC 9110 §7.8)', () => {
  const webSocket = ['Sec-WebSocket-Key: a', 'Sec-WebSocket-Protocol: x, y', 'Origin: http://a', 'Authorization: b'];

  it('is asked of the backend as the client asked', () => {
    const lines = ['Connection: keep-alive, Upgrade', 'Upgrade: WebSocket', ...webSocket];
    expect(out(get(...lines))).toBe(get(...webSocket, 'Connection: Upgrade', 'Upgrade: WebSocket', ...added()));
  });

  it.each([
    ['nobody says so in Connection', ['Upgrade: websocket']],
    ['it is to HTTP/2', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMA']],
    ['it is to HTTP/2 among others', ['Connection: Upgrade', 'Upgrade: websocket, H2C']],
    ['it is to nothing', ['Connection: Upgrade', 'Upgrade:']],
    ['it is not there', ['Connection: Upgrade']],
  ])('is not asked when %s', (_name, lines) => {
    expect(out(get('A: 1', ...lines))).toBe(get('A: 1', ...added()));
  });

  it('takes the place of TE', () => {
    const sent = out(get('TE: trailers', 'Connection: TE, Upgrade', 'Upgrade: a', 'Upgrade: h2c'));
    expect(sent).toBe(get('Connection: Upgrade', 'Upgrade: a', ...added()));
  });
});

describe('an edit', () => {
  const edited = (lines: string[], drop: string[], added = '', more: Partial<ForwardedFacts> = {}): string =>
    out(get(...lines), { ...facts, edit: new HeadEdit({ drop, lines: added }), ...more });

  it('takes fields out and puts lines behind all others, which keep case and order', () => {
    expect(edited(['A: 1', 'x-B: 2', 'C: 3', 'X-b: 4', 'd: 5'], ['X-B'], 'X-B: new\r\n')).toBe(
      get('A: 1', 'C: 3', 'd: 5', ...added(), 'X-B: new'),
    );
    expect(edited(['A: 1'], [], 'A: 2\r\nA: 3\r\n')).toBe(get('A: 1', ...added(), 'A: 2', 'A: 3'));
  });

  it('has the last word on what is forwarded of the client', () => {
    const forwarded = added().filter((line) => !/^X-Forwarded-(Proto|For)/.test(line));
    const drop = ['x-forwarded-proto', 'X_Forwarded_For'];
    expect(edited(['X-Forwarded-Proto: http'], drop, 'X-Forwarded-Proto: https\r\n', { trusted: true })).toBe(
      get(...forwarded, 'X-Forwarded-Proto: https'),
    );
    expect(edited([], ['x-request-id'])).toBe(get(...added().slice(0, 3)));
  });

  it('cannot be undone by the client, which may nominate what it adds', () => {
    expect(edited(['Connection: x-user', 'X-User: root', 'X_User: root'], ['X-User'], 'X-User: me\r\n')).toBe(
      get(...added(), 'X-User: me'),
    );
  });

  it('never takes out what frames a request or says where it goes', () => {
    const all = ['host', 'content-length', 'transfer-encoding', 'c*', 'h*', 't*'];
    expect(edited(['Content-Length: 5'], all)).toBe(get('Content-Length: 5', ...added()));
    expect(edited(['Transfer-Encoding: chunked'], all)).toBe(get('Transfer-Encoding: chunked', ...added()));
  });

  it('may come with lines of one request', () => {
    const lines = 'traceparent: ours\r\n';
    expect(edited(['Traceparent: theirs', 'A: 1'], ['traceparent'], 'B: 2\r\n', { lines })).toBe(
      get('A: 1', ...added(), 'B: 2', 'traceparent: ours'),
    );
    expect(out(get('A: 1'), { ...facts, lines })).toBe(get('A: 1', ...added(), 'traceparent: ours'));
  });
});

describe('a rewrite', () => {
  const rewritten = (text: string, target: string | undefined, host?: string) =>
    requestOut(requestHeadOf(text), { ...facts, rewrite: { target, host } });

  it('of the target changes the request line alone', () => {
    const lines = ['HOST: a.example', 'Accept: *'];
    expect(rewritten(head('PUT /v1/x?q HTTP/1.1', ...lines), '/x?q')).toMatchObject({
      text: head('PUT /x?q HTTP/1.1', ...lines, ...added()),
      hostAt: -1,
    });
    expect(rewritten(head('GET http://b.example/v1 HTTP/1.1', ...lines), '/').text).toBe(
      head('GET / HTTP/1.1', 'Accept: *', 'Host: b.example', ...added('b.example')),
    );
  });

  it.each([
    ['GET /v1 HTTP/1.1', 'a.example'],
    ['GET http://b.example/v1 HTTP/1.1', 'b.example'],
    ['GET /v1 HTTP/1.0', 'a.example'],
  ])('of the host puts it first and keeps what the client asked for in X-Forwarded-Host: %s', (line, asked) => {
    const expected = head('GET /v1 HTTP/1.1', 'Host: c.example:81', 'A: 1', ...added(asked));
    expect(rewritten(head(line, 'A: 1', 'Host: a.example'), undefined, 'c.example:81').text).toBe(expected);
  });

  it('leaves a place for a host that is not known yet', () => {
    const { text, hostAt } = rewritten(head('GET /a HTTP/1.0', 'Host: a.example', 'A: 1'), '/b', '');
    expect(text).toBe(head('GET /b HTTP/1.1', 'A: 1', ...added()));
    expect(text.slice(hostAt)).toMatch(/^A: 1/);
    expect(rewritten('GET / HTTP/1.0\r\n\r\n', undefined, '').text).toBe(head('GET / HTTP/1.1', ...added('')));
  });
});
