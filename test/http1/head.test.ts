import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { MAX_FIELDS, NEED_MORE, REFUSED } from '../../src/http1/head.ts';
import { Field } from '../../src/http1/known-fields.ts';
import { parseRequestHead, RequestHead } from '../../src/http1/request-head.ts';
import { ResponseHead } from '../../src/http1/response-head.ts';
import { get, head } from './request-text.ts';
import { readRequest, readResponse, requestHeadOf, responseHeadOf } from './verdict.ts';

describe('Head', () => {
  const text = get('X-A: 1', 'Cookie: a=1', 'x-a:2', 'cookie:\tb=2 ', 'X-B:', 'Content-Length: 0');
  const parsed = requestHeadOf(text);

  it.each([
    ['host', 'a.example'],
    ['x-a', '1, 2'],
    ['x-b', ''],
    ['content-length', '0'],
    ['x-c', undefined],
    ['x', undefined],
    ['x-', undefined],
    ['', undefined],
  ])('RFC 9110 5.3: get(%j) is %j', (name, value) => {
    expect(parsed.get(name)).toBe(value);
  });

  it('joins by another separator', () => {
    expect(parsed.get('cookie', '; ')).toBe('a=1; b=2');
    expect(parsed.get('x-a', '')).toBe('12');
  });

  it('joins empty values too', () => {
    expect(requestHeadOf(get('X:', 'X: 1', 'X:')).get('x')).toBe(', 1, ');
  });

  it('finds the first field with a number', () => {
    const twice = requestHeadOf(get('TE: a', 'Upgrade: b', 'te: c'));
    expect(twice.find(Field.host)).toBe(0);
    expect(twice.find(Field.te)).toBe(1);
    expect(twice.find(Field.upgrade)).toBe(2);
    expect(twice.find(Field.expect)).toBe(-1);
    expect(twice.id(3)).toBe(Field.te);
  });

  it('says where lines begin', () => {
    const lines = Array.from(
      { length: parsed.fieldCount + 1 },
      (_, i) => text.slice(parsed.lineStart(i)).split('\r\n')[0],
    );
    expect(lines).toEqual([...text.split('\r\n').slice(1, -2), '']);
    expect(text.slice(0, parsed.fieldsStart)).toBe('GET / HTTP/1.1\r\n');
    expect(parsed.lineStart(parsed.fieldCount)).toBe(text.length - 2);
    const answer = responseHeadOf(head('HTTP/1.1 200 OK', 'A: 1'));
    expect([answer.fieldsStart, answer.lineStart(0), answer.lineStart(1)]).toEqual([17, 17, 23]);
  });

  it('does not find the fields of a head before', () => {
    const answer = responseHeadOf(head('HTTP/1.1 200 OK'));
    expect([answer.fieldCount, answer.find(Field.te), answer.get('te')]).toEqual([0, -1, undefined]);
    const one = requestHeadOf(get());
    expect([one.fieldCount, one.find(Field.te), one.get('te')]).toEqual([1, -1, undefined]);
  });

  it('is empty when it is new, and when no head came after another', () => {
    const empty = {
      ...{ text: '', fieldCount: 0, problem: '', tooLarge: false, contentLength: -1, chunked: false },
      ...{ connectionClose: false, connectionKeepAlive: false, connectionUpgrade: false, nominated: undefined },
    };
    const request = { ...empty, authority: '', absolute: false, unsupported: false };
    expect(new RequestHead()).toMatchObject(request);
    expect(new ResponseHead()).toMatchObject({ ...empty, keepAliveTimeoutMs: 0 });
    const used = requestHeadOf(get('Connection: close, x', 'Content-Length: 1'));
    expect(parseRequestHead(used, Buffer.from('GET'), { start: 0, end: 3 }, 100)).toBe(NEED_MORE);
    expect(used).toMatchObject(request);
  });
});

describe('RFC 9110 7.6.1: fields that end at this hop', () => {
  const lines = (nominated: string) =>
    requestHeadOf(
      get(
        `Connection: ${nominated}`,
        ...['Keep-Alive', 'Proxy-Connection', 'Upgrade', 'TE', 'HTTP2-Settings', 'X-A', 'X-B', 'Expect', 'Trailer'],
      ).replace(/^([\w-]+)\r/gm, '$1: 1\r'),
    );
  const hopByHop = (nominated: string) => {
    const parsed = lines(nominated);
    const indexes = Array.from({ length: parsed.fieldCount }, (_, i) => i);
    return indexes.filter((i) => parsed.isHopByHop(i)).map((i) => parsed.name(i));
  };
  const always = ['Connection', 'Keep-Alive', 'Proxy-Connection', 'Upgrade', 'TE', 'HTTP2-Settings'];

  it('are always the same ones', () => {
    expect(hopByHop('close')).toEqual(always);
  });

  it('are those that Connection names, in any case', () => {
    expect(hopByHop('x-b, X-c')).toEqual([...always, 'X-B']);
    expect(hopByHop('X-A,expect ,\tTRAILER')).toEqual([...always, 'X-A', 'Expect', 'Trailer']);
  });

  it('are never those that say where the request goes and where its body ends', () => {
    expect(hopByHop('host, content-length, transfer-encoding')).toEqual(always);
    for (const line of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
      const parsed = requestHeadOf(get('Connection: host, content-length, transfer-encoding', line));
      expect([0, 1, 2].map((i) => parsed.isHopByHop(i))).toEqual([false, true, false]);
    }
  });
});

describe('limits', () => {
  const tooMany = { end: REFUSED, problem: 'more than 256 fields', tooLarge: true };

  it(`takes ${MAX_FIELDS} fields`, () => {
    const fields = (count: number) => Array.from({ length: count }, (_, i) => `X${i}:`);
    const most = get(...fields(MAX_FIELDS - 1));
    expect(requestHeadOf(most).fieldCount).toBe(256);
    expect(readRequest(get(...fields(MAX_FIELDS)))).toMatchObject(tooMany);
    expect(responseHeadOf(head('HTTP/1.1 200 OK', ...fields(MAX_FIELDS))).get('x255')).toBe('');
    expect(readResponse(head('HTTP/1.1 200 OK', ...fields(MAX_FIELDS + 1)))).toMatchObject(tooMany);
  });

  const text = get('X: 1');
  const answer = head('HTTP/1.1 200 OK', 'X: 1');

  it.each([
    ['a request', () => readRequest(text, text.length), text.length],
    ['a request with a body behind it', () => readRequest(`${text}body`, text.length), text.length],
    [
      'a request behind empty lines, which do not count',
      () => readRequest(`\r\n\r\n${text}`, text.length),
      text.length + 4,
    ],
    ['a response', () => readResponse(answer, answer.length), answer.length],
    ['a response with a body behind it', () => readResponse(`${answer}body`, answer.length), answer.length],
  ])('takes %s of just maxBytes', (_name, read, end) => {
    expect(read()).toMatchObject({ end, problem: '' });
  });

  it.each([
    ['a request', () => readRequest(text, text.length - 1), text.length - 1],
    ['a request behind an empty line', () => readRequest(`\r\n${text}`, text.length - 1), text.length - 1],
    ['a request line', () => readRequest(`GET /${'a'.repeat(64)}`, 64), 64],
    ['a method', () => readRequest('G'.repeat(65), 64), 64],
    ['a version', () => readRequest(text, 12), 12],
    ['a field name', () => readRequest(`${text.slice(0, -2)}${'n'.repeat(99)}`, 64), 64],
    ['a field value', () => readRequest(`${text.slice(0, -2)}n:${'v'.repeat(99)}`, 64), 64],
    ['a response', () => readResponse(answer, answer.length - 1), answer.length - 1],
    ['a status line', () => readResponse(`HTTP/1.1 200 ${'a'.repeat(64)}`, 64), 64],
  ])('refuses %s of more for its size', (_name, read, maxBytes) => {
    expect(read()).toMatchObject({ end: REFUSED, tooLarge: true, problem: `a head of more than ${maxBytes} bytes` });
  });

  it('refuses for its form what is malformed within maxBytes, and waits for the byte that decides', () => {
    expect(readRequest('GET / HTTP/1.1\r\nX : 1', 18)).toMatchObject({ end: REFUSED, tooLarge: false });
    expect(readRequest('GET / HTTP/1.1\r\nX', 17)).toMatchObject({ end: NEED_MORE });
    expect(readRequest(text.slice(0, -1), text.length - 1)).toMatchObject({ end: NEED_MORE, problem: '' });
  });

  it.each([
    ['one field', 32, 33, (count: number) => [`Connection: ${Array.from({ length: count }, (_, i) => `x${i}`)}`]],
    ['one field of known options', 32, 33, (count: number) => [`Connection: ${'close,'.repeat(count - 1)}close`]],
    ['many fields', 32, 33, (count: number) => Array.from({ length: count }, (_, i) => `Connection: x${i}`)],
  ])('takes 32 options of Connection in %s', (_name, most, tooMany, lines) => {
    expect(readRequest(get(...lines(most)))).toMatchObject({ problem: '' });
    expect(readRequest(get(...lines(tooMany)))).toMatchObject({
      end: REFUSED,
      problem: 'too many options in Connection',
    });
  });
});

it('reads a Connection full of spaces in one pass', () => {
  // By a pattern that begins anew at each space this would take minutes.
  const text = get(`Connection: a${' '.repeat(300_000)}b`);
  const parsed = new RequestHead();
  const bytes = Buffer.from(text, 'latin1');
  expect(parseRequestHead(parsed, bytes, { start: 0, end: bytes.length }, 2 ** 20)).toBe(text.length);
  expect(parsed.nominated).toHaveLength(1);
});
