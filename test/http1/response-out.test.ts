import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeadEdit } from '../../src/http1/head-edit.ts';
import { interimOut, type ResponseShape, responseOut, switchOut } from '../../src/http1/response-out.ts';
import { fields, statusLine } from '../http1/grammar.ts';
import { head } from '../http1/request-text.ts';
import { readResponse, responseHeadOf } from '../http1/verdict.ts';

const stay: ResponseShape = { close: false, sayKeepAlive: false, unchunk: false, edit: undefined, lines: '' };
const close: ResponseShape = { ...stay, close: true };

/** What goes to the client for this answer. */
const out = (text: string, shape = stay): string => responseOut(responseHeadOf(text), shape);

/** A 200 with these field lines. */
const ok = (...lines: string[]): string => head('HTTP/1.1 200 OK', ...lines);

describe('responseOut', () => {
  it('keeps case, order, spaces and repeated fields as they were sent', () => {
    const lines = ['Date: x', 'set-cookie: a', 'Set-Cookie:b', 'X: \t1 ', 'Empty:', 'Content-Length: 2', 'Y: \xe9'];
    expect(out(ok(...lines))).toBe(ok(...lines));
    expect(out(ok())).toBe(ok());
    expect(out(head('HTTP/1.1 404 Nothing  \xe9'))).toBe(head('HTTP/1.1 404 Nothing  \xe9'));
    expect(out(head('HTTP/1.1 200'))).toBe(head('HTTP/1.1 200'));
  });

  it('keeps what a client must know, however it is named', () => {
    const lines = ['Trailer: X', 'Authorization: x', 'X-Request-Id: y', 'X-Forwarded-For: z', 'Host: h', 'Expect: e'];
    expect(out(ok(...lines))).toBe(ok(...lines));
  });

  it('gives back an answer that says the same', () => {
    fc.assert(
      fc.property(statusLine, fields, fc.boolean(), ({ status, reason, minor }, lines, closes) => {
        fc.pre(status !== 426);
        const rest = ` ${status} ${reason}\r\n${lines.map(({ line }) => line).join('')}`;
        const sent = out(`HTTP/1.${minor}${rest}\r\n`, closes ? close : stay);
        expect(sent).toBe(`HTTP/1.1${rest}${closes ? 'Connection: close\r\n' : ''}\r\n`);
        expect(readResponse(sent)).toMatchObject({ status, minor: 1, persistent: !closes, end: sent.length });
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
    'Upgrade: h2,h2c',
    'TE: trailers',
  ])('%s goes no further', (line) => {
    expect(out(ok('A: 1', line, 'B: 2'))).toBe(ok('A: 1', 'B: 2'));
    expect(out(ok(line))).toBe(ok());
    expect(out(ok(line, line, 'A: 1', line), close)).toBe(ok('A: 1', 'Connection: close'));
  });

  it('are those that Connection nominates, and never those that frame the body', () => {
    expect(out(ok('X-A: 1', 'Connection: x-a, X-B', 'X-C: 2', 'x-b: 3'))).toBe(ok('X-C: 2'));
    expect(out(ok('Connection: content-length', 'Content-Length: 5'))).toBe(ok('Content-Length: 5'));
    const chunks = ok('Connection: Transfer-Encoding', 'Transfer-Encoding: chunked');
    expect(out(chunks)).toBe(ok('Transfer-Encoding: chunked'));
  });
});

describe('the version (RFC 9112 §2.3)', () => {
  it.each([
    ['no field', []],
    ['a first field that is kept', ['A: 1', 'Connection: keep-alive']],
    ['a first field that is dropped', ['Connection: keep-alive', 'A: 1']],
  ])('is that of this hop, with %s', (_name, lines) => {
    const kept = lines.filter((line) => line.startsWith('A'));
    expect(out(head('HTTP/1.0 200 OK', ...lines))).toBe(ok(...kept));
    expect(out(head('HTTP/1.0 200 OK', ...lines), close)).toBe(ok(...kept, 'Connection: close'));
  });
});

describe('the connection to the client', () => {
  it.each([
    [{}, []],
    [{ close: true }, ['Connection: close']],
    [{ sayKeepAlive: true }, ['Connection: keep-alive']],
    [{ close: true, sayKeepAlive: true }, ['Connection: close']],
  ])('%j is said as %j', (change, lines) => {
    expect(out(ok('A: 1'), { ...stay, ...change })).toBe(ok('A: 1', ...lines));
  });

  it.each([
    [{}, 'Connection: Upgrade'],
    [{ close: true }, 'Connection: Upgrade, close'],
    [{ sayKeepAlive: true }, 'Connection: Upgrade'],
  ])('with 426 and %j is said as %j, and what is asked for stays (RFC 9110 §15.5.22)', (change, line) => {
    const required = (...lines: string[]) => head('HTTP/1.1 426 Upgrade Required', ...lines);
    const answer = required('Upgrade: TLS/1.3', 'Connection: Upgrade, X', 'X: 1', 'Keep-Alive: timeout=5');
    expect(out(answer, { ...stay, ...change })).toBe(required('Upgrade: TLS/1.3', line));
  });
});

describe('chunks', () => {
  it('are named as long as they go on', () => {
    const lines = ['A: 1', 'transfer-encoding: Chunked', 'Trailer: X'];
    expect(out(ok(...lines))).toBe(ok(...lines));
    expect(out(ok(...lines), close)).toBe(ok(...lines, 'Connection: close'));
  });

  it('are not named when they are taken out for HTTP/1.0', () => {
    const shape = { ...close, unchunk: true };
    expect(out(ok('A: 1', 'Transfer-Encoding: chunked', 'B: 2'), shape)).toBe(ok('A: 1', 'B: 2', 'Connection: close'));
    expect(out(ok('Transfer-Encoding: chunked'), shape)).toBe(ok('Connection: close'));
    expect(out(ok('trailer: X', 'Transfer-Encoding: chunked'), shape)).toBe(ok('Connection: close'));
  });
});

describe('an edit', () => {
  const edit = new HeadEdit({
    drop: ['server', 'X-A*', 'content-length', 'transfer-encoding'],
    lines: 'Server: f\r\n',
  });

  it('takes fields out, and puts its lines and those of this answer behind all others', () => {
    const answer = ok('SERVER: nginx', 'x-able: 1', 'B: 2', 'X_A: 3', 'X-B: 4');
    expect(out(answer, { ...close, edit, lines: 'Set-Cookie: a=b\r\n' })).toBe(
      ok('B: 2', 'X-B: 4', 'Connection: close', 'Server: f', 'Set-Cookie: a=b'),
    );
    expect(out(ok('A: 1'), { ...stay, lines: 'Set-Cookie: a=b\r\n' })).toBe(ok('A: 1', 'Set-Cookie: a=b'));
  });

  it('never takes out what frames an answer', () => {
    expect(out(ok('Content-Length: 1'), { ...stay, edit })).toBe(ok('Content-Length: 1', 'Server: f'));
    const chunks = ok('Transfer-Encoding: chunked');
    expect(out(chunks, { ...stay, edit })).toBe(ok('Transfer-Encoding: chunked', 'Server: f'));
    expect(out(chunks, { ...close, edit, unchunk: true })).toBe(ok('Connection: close', 'Server: f'));
  });
});

describe('switchOut', () => {
  const lines = ['Upgrade: websocket', 'connection: Upgrade', 'Server: x', 'Sec-WebSocket-Accept: y'];
  const answer = head('HTTP/1.1 101 Switching Protocols', ...lines);

  it('leaves a 101 as it came when nothing is to be changed', () => {
    expect(switchOut(responseHeadOf(answer), { edit: undefined, lines: '' })).toBe(answer);
  });

  it('changes what is to be changed, and never what makes it a 101', () => {
    const edit = new HeadEdit({ drop: ['server', 'upgrade', 'connection'], lines: 'A: 1\r\n' });
    const changed = [...lines.filter((line) => line !== 'Server: x'), 'A: 1', 'Set-Cookie: a=b'];
    expect(switchOut(responseHeadOf(answer), { edit, lines: 'Set-Cookie: a=b\r\n' })).toBe(
      head('HTTP/1.1 101 Switching Protocols', ...changed),
    );
    expect(switchOut(responseHeadOf(answer), { edit: undefined, lines: 'B: 2\r\n' })).toBe(
      head('HTTP/1.1 101 Switching Protocols', ...lines, 'B: 2'),
    );
  });
});

describe('what has no body says nothing of one (RFC 9110 §8.6, RFC 9112 §6.1)', () => {
  it.each(['Content-Length: 0', 'Content-Length: 5', 'Transfer-Encoding: chunked'])('a 204 with %s', (line) => {
    expect(out(head('HTTP/1.1 204 x', 'A: 1', line, 'B: 2'))).toBe(head('HTTP/1.1 204 x', 'A: 1', 'B: 2'));
  });

  it('but for a 304, whose length is that of the answer it stands for', () => {
    expect(out(head('HTTP/1.1 304 x', 'Content-Length: 5'))).toBe(head('HTTP/1.1 304 x', 'Content-Length: 5'));
  });
});

describe('interimOut (RFC 9110 §15.2)', () => {
  const interim = (...lines: string[]): string => head('HTTP/1.1 103 Early Hints', ...lines);
  const sent = (text: string): string => interimOut(responseHeadOf(text));

  it('keeps what it says', () => {
    expect(sent(interim('Link: </a>', 'x: \t1 '))).toBe(interim('Link: </a>', 'x: \t1 '));
    expect(sent(interim())).toBe(interim());
    expect(sent(head('HTTP/1.0 100 x', 'A: 1'))).toBe(head('HTTP/1.1 100 x', 'A: 1'));
  });

  it.each([
    ['Connection: close'],
    ['Connection: X-A', 'X-A: 1'],
    ['Keep-Alive: timeout=1'],
    ['Upgrade: h2c'],
    ['Content-Length: 0'],
  ])('without %s', (...lines) => {
    expect(sent(interim('A: 1', ...lines, 'B: 2'))).toBe(interim('A: 1', 'B: 2'));
  });
});
