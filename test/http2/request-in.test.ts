import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REFUSED } from '../../src/http1/head.ts';
import { parseRequestHead, RequestHead } from '../../src/http1/request-head.ts';
import { FieldList, HeaderField } from '../../src/http2/field.ts';
import { translateRequest as translateList } from '../../src/http2/request-in.ts';

/** `raw` has names and values in turn. */
function translateRequest(raw: readonly string[], endStream: boolean) {
  const list = new FieldList(300, 65_536);
  for (let i = 0; i < raw.length; i += 2) list.add(new HeaderField(raw[i]!, raw[i + 1]!));
  return translateList(list, endStream);
}

const start = [':method', 'GET', ':scheme', 'http', ':authority', 'a.test', ':path', '/x'];
const post = [':method', 'POST', ...start.slice(2)];

describe('a request of HTTP/2 as HTTP/1.1 text', () => {
  it('has the host first and the fields in their order', () => {
    const { text, body, problem } = translateRequest([...start, 'x-a', '1', 'te', 'trailers', 'x-a', '2'], true);
    expect(problem).toBe('');
    expect(body).toBe('none');
    expect(text).toBe('GET /x HTTP/1.1\r\nHost: a.test\r\nx-a: 1\r\nte: trailers\r\nx-a: 2\r\n\r\n');
  });

  it('joins cookies that were cut up (RFC 9113 §8.2.3)', () => {
    expect(translateRequest([...start, 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2'], true).text).toContain(
      'x: y\r\ncookie: a=1; b=2\r\n\r\n',
    );
  });

  it.each([
    ['chunks when its length is not known', [], 'transfer-encoding: chunked\r\n', 'chunked'],
    ['its length when it says it', ['content-length', '7'], 'content-length: 7\r\n', 'length'],
    [
      'chunks when trailers are announced',
      ['content-length', '7', 'trailer', 'x'],
      'transfer-encoding: chunked',
      'chunked',
    ],
  ])('frames a body by %s', (_, fields, line, body) => {
    const translated = translateRequest([...post, ...fields], false);
    expect(translated.text).toContain(line);
    expect(translated.body).toBe(body);
  });

  it('turns a WebSocket into an upgrade with a key of its own (RFC 8441)', () => {
    const head = [':method', 'CONNECT', ':protocol', 'websocket', ...start.slice(2)];
    const { text, webSocketKey, body } = translateRequest([...head, 'sec-websocket-key', 'forged'], false);
    expect(body).toBe('tunnel');
    expect(Buffer.from(webSocketKey, 'base64')).toHaveLength(16);
    expect(text).toBe(
      `GET /x HTTP/1.1\r\nHost: a.test\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ${webSocketKey}\r\n\r\n`,
    );
  });

  const refused: [string, string[]][] = [
    ['a line end in a value', [...start, 'x', 'a\r\nb: c']],
    ['a bare LF in a value', [...start, 'x', 'a\nb']],
    ['a bare CR in a value', [...start, 'x', 'a\rb']],
    ['NUL in a value', [...start, 'x', 'a\0b']],
    ['space before a value', [...start, 'x', ' a']],
    ['space behind a value', [...start, 'x', 'a\t']],
    ['a character beyond latin1', [...start, 'x', '\u010d\u010a']],
    ['an upper case name', [...start, 'X-A', 'b']],
    ['a colon in a name', [...start, 'x:y', 'b']],
    ['a space in a name', [...start, 'x ', 'b']],
    ['a line end in a name', [...start, 'x\r\ny', 'b']],
    ['an empty name', [...start, '', 'b']],
    ['a pseudo-header behind fields', [...start.slice(0, 6), 'x', 'y', ':path', '/x']],
    ['an unknown pseudo-header', [...start, ':status', '200']],
    ['a path twice', [...start, ':path', '/y']],
    ['an empty path', [...start.slice(0, 7), '']],
    ['no path', start.slice(0, 6)],
    ['no method', start.slice(2)],
    ['no scheme', [...start.slice(0, 2), ...start.slice(4)]],
    ['a scheme that is neither', [':method', 'GET', ':scheme', 'file', ...start.slice(4)]],
    ['a space in the path', [...start.slice(0, 7), '/a HTTP/1.1']],
    ['a line end in the path', [...start.slice(0, 7), '/a\r\nx: y']],
    ['an absolute path', [...start.slice(0, 7), 'http://b.test/']],
    ['a star with GET', [...start.slice(0, 7), '*']],
    ['a space in the method', [':method', 'GET /', ...start.slice(2)]],
    ['a line end in the method', [':method', 'G\r\nT', ...start.slice(2)]],
    ['a line end in the authority', [...start.slice(0, 4), ':authority', 'a\r\nb: c', ':path', '/']],
    ['two hosts', [...start, 'host', 'b.test']],
    ['host twice', [...start, 'host', 'a.test', 'host', 'a.test']],
    ['connection', [...start, 'connection', 'x']],
    ['keep-alive', [...start, 'keep-alive', '5']],
    ['proxy-connection', [...start, 'proxy-connection', 'close']],
    ['transfer-encoding', [...start, 'transfer-encoding', 'chunked']],
    ['upgrade', [...start, 'upgrade', 'h2c']],
    ['te with more than trailers', [...start, 'te', 'trailers, gzip']],
    ['te: chunked', [...start, 'te', 'chunked']],
    ['two lengths', [...start, 'content-length', '0', 'content-length', '0']],
    ['a length that is none', [...start, 'content-length', '+0']],
    ['a list of lengths', [...start, 'content-length', '0, 0']],
    ['a length without a body', [...start, 'content-length', '5']],
    [':protocol with GET', [...start.slice(0, 2), ':protocol', 'websocket', ...start.slice(2)]],
    ['CONNECT with a path', [':method', 'CONNECT', ...start.slice(2)]],
    ['CONNECT without an authority', [':method', 'CONNECT']],
    [
      'a length with a WebSocket',
      [':method', 'CONNECT', ':protocol', 'websocket', ...start.slice(2), 'content-length', '0'],
    ],
  ];

  it.each(refused)('is not made of %s', (_, raw) => {
    const { text, problem } = translateRequest(raw, true);
    expect(problem).not.toBe('');
    expect(text).toBe('');
  });

  it('is one request with the fields that came, whatever bytes they have', () => {
    const piece = fc.string({
      unit: fc.constantFrom(
        ...'ab:- \t\r\n\0\x7f\xff/?#@,;01Z',
        'host',
        'content-length',
        'transfer-encoding',
        'chunked',
        '\r\n',
      ),
      maxLength: 8,
    });
    const names = fc.oneof(
      piece,
      fc.constantFrom('x', 'host', 'content-length', 'te', 'cookie', 'connection', ':path', ':x'),
    );
    const head = new RequestHead();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(names, piece), { maxLength: 6 }),
        piece,
        fc.boolean(),
        (fields, path, endStream) => {
          const raw = [...start.slice(0, 6), ':path', `/${path}`, ...fields.flat()];
          const { text, problem } = translateRequest(raw, endStream);
          if (problem !== '') return text === '';
          const bytes = Buffer.from(text, 'latin1');
          const next = parseRequestHead(head, bytes, { start: 0, end: bytes.length }, 65_536);
          if (next === REFUSED) return true;
          expect(next).toBe(bytes.length);
          expect(text.match(/\r|\n|\0/g)!.length).toBe(2 * (head.fieldCount + 2));
          expect(head.chunked && head.contentLength !== -1).toBe(false);
          return true;
        },
      ),
      { numRuns: 3000 },
    );
  });
});
