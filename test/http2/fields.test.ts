import { describe, expect, it } from 'vitest';
import { parseResponseHead, ResponseHead } from '../../src/http1/response-head.ts';
import { gatherRuns, notedBytes, noteRun, takeRuns } from '../../src/http2/data-runs.ts';
import { FieldList, isConnectionField } from '../../src/http2/field.ts';
import { AnswerFields, asObject, trailersOut } from '../../src/http2/fields-out.ts';
import { HpackDecoder } from '../../src/http2/hpack-decoder.ts';
import { HpackEncoder } from '../../src/http2/hpack-encoder.ts';
import type { FieldSource } from '../../src/http2/session-out.ts';
import { trailersIn } from '../../src/http2/trailers-in.ts';
import { webSocketAccept } from '../../src/http2/web-socket-accept.ts';
import { forbiddenTrailers } from '../http1/chunk-cases.ts';

function headOf(...lines: string[]): ResponseHead {
  const head = new ResponseHead();
  const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1');
  expect(parseResponseHead(head, bytes, { start: 0, end: bytes.length }, 65_536)).toBe(bytes.length);
  return head;
}

/** What a source of fields puts into a block, as a peer reads it: names and values in turn. */
function sent(source: FieldSource): string[] {
  const block = Buffer.alloc(source.bound);
  const list = new FieldList(100, 65_536);
  const end = source.put(new HpackEncoder(), block, 0);
  expect(new HpackDecoder().decode(block, 0, end, list)).toBe(true);
  return list.fields.flatMap(({ name, value }) => [name, value]);
}

describe('fields for HTTP/2', () => {
  it('have lower-case names, keep order and repetition, and none of the connection', () => {
    const lines = ['Set-Cookie: a', 'Connection: close', 'X-A:  b ', 'Transfer-Encoding: chunked', 'Keep-Alive: 5'];
    const fields = new AnswerFields(headOf(...lines, 'set-cookie: c', 'Upgrade: h2c', 'Proxy-Connection: close'));
    expect(sent(fields)).toEqual([':status', '200', 'set-cookie', 'a', 'x-a', 'b', 'set-cookie', 'c']);
  });

  it('have nothing of the handshake of a WebSocket', () => {
    const fields = new AnswerFields(
      headOf('Upgrade: websocket', 'Sec-WebSocket-Accept: x', 'Sec-WebSocket-Protocol: y'),
    );
    fields.switches = true;
    expect(sent(fields)).toEqual([':status', '200', 'sec-websocket-protocol', 'y']);
  });

  it('are given as an object to node:http2', () => {
    expect(asObject(['set-cookie', 'a', 'x-a', 'b', 'set-cookie', 'c'])).toEqual({
      'set-cookie': ['a', 'c'],
      'x-a': 'b',
    });
  });
});

describe('trailers', () => {
  it('go out of a section as it came', () => {
    expect(trailersOut('Grpc-Status: 0\r\nx:\t y: z \r\nx: 2\r\nConnection: x\r\n\r\n')).toEqual([
      'grpc-status',
      '0',
      'x',
      'y: z',
      'x',
      '2',
    ]);
    expect(trailersOut('\r\n')).toBeUndefined();
    expect(trailersOut('')).toBeUndefined();
  });

  it('come into a section, without what may not stand there', () => {
    expect(trailersIn(['x', '1', 'content-length', '5', 'host', 'a', 'y', ''])).toBe('x: 1\r\ny: \r\n');
    expect(trailersIn([])).toBe('');
    expect(
      trailersIn(forbiddenTrailers.filter((name) => !isConnectionField(name)).flatMap((name) => [name, '1'])),
    ).toBe('');
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

  it('are taken in pieces of any length', () => {
    const bytes = Buffer.from('0123456789');
    noteRun(1, 4);
    noteRun(6, 10);
    const into = Buffer.alloc(7);
    for (const [at, length] of [
      [0, 2],
      [2, 3],
      [5, 2],
    ] as const) {
      takeRuns(bytes, into, at, length);
      expect(notedBytes()).toBe(7 - at - length);
    }
    expect(into.toString()).toBe('1236789');
  });
});

describe('the answer to a key of a WebSocket', () => {
  it('is that of RFC 6455 §1.3', () => {
    expect(webSocketAccept('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });
});
