import { describe, expect, it } from 'vitest';
import { parseResponseHead, ResponseHead } from '../../src/http1/response-head.ts';
import { gatherRuns, noteRun } from '../../src/http2/data-runs.ts';
import { asObject, fieldsOut, trailersOut } from '../../src/http2/fields-out.ts';
import { trailersIn } from '../../src/http2/trailers-in.ts';
import { webSocketAccept } from '../../src/http2/web-socket-accept.ts';

function headOf(...lines: string[]): ResponseHead {
  const head = new ResponseHead();
  const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1');
  expect(parseResponseHead(head, bytes, { start: 0, end: bytes.length }, 65_536)).toBe(bytes.length);
  return head;
}

describe('fields for HTTP/2', () => {
  it('have lower-case names, keep order and repetition, and none of the connection', () => {
    const out: (string | number)[] = [':status', 200];
    const head = headOf(
      'Set-Cookie: a',
      'Connection: close',
      'X-A:  b ',
      'Transfer-Encoding: chunked',
      'Keep-Alive: 5',
      'set-cookie: c',
    );
    fieldsOut(head, out);
    expect(out).toEqual([':status', 200, 'set-cookie', 'a', 'x-a', 'b', 'set-cookie', 'c']);
    expect(asObject(out)).toEqual({ ':status': 200, 'set-cookie': ['a', 'c'], 'x-a': 'b' });
  });

  it('leave out what they are told to', () => {
    const out: (string | number)[] = [];
    fieldsOut(headOf('A: 1', 'B: 2'), out, (name) => name === 'a');
    expect(out).toEqual(['b', '2']);
  });
});

describe('trailers', () => {
  it('go out of a section as it came', () => {
    expect(trailersOut('Grpc-Status: 0\r\nx:\t y: z \r\nx: 2\r\nConnection: x\r\n\r\n')).toEqual({
      'grpc-status': '0',
      x: ['y: z', '2'],
    });
    expect(trailersOut('\r\n')).toBeUndefined();
    expect(trailersOut('')).toBeUndefined();
  });

  it('come into a section, without what may not stand there', () => {
    expect(trailersIn(['x', '1', 'content-length', '5', 'host', 'a', 'y', ''])).toBe('x: 1\r\ny: \r\n');
    expect(trailersIn([])).toBe('');
  });

  it.each([
    ['x', 'a\r\nb: c'],
    ['x\r\ny', 'a'],
    ['X', 'a'],
    ['x', ' a'],
    [':path', '/'],
    ['transfer-encoding', 'chunked'],
    ['connection', 'close'],
  ])('are malformed with %j: %j', (name, value) => {
    expect(trailersIn(['ok', '1', name, value])).toBeUndefined();
  });
});

describe('runs of data', () => {
  it('are gathered into a buffer of their own, once', () => {
    const bytes = Buffer.from('0123456789');
    noteRun(1, 3);
    noteRun(5, 5);
    noteRun(7, 10);
    const data = gatherRuns(bytes)!;
    bytes.fill('x');
    expect(data.toString()).toBe('12789');
    expect(gatherRuns(bytes)).toBeUndefined();
  });
});

describe('the answer to a key of a WebSocket', () => {
  it('is that of RFC 6455 §1.3', () => {
    expect(webSocketAccept('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });
});
