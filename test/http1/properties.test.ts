import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NEED_MORE, REFUSED } from '../../src/http1/head.ts';
import { parseRequestHead, RequestHead } from '../../src/http1/request-head.ts';
import { acceptedRequests } from './accepted-requests.ts';
import { acceptedChunks } from './chunk-cases.ts';
import { byGrammar, corrupt, corruption, cutAt, fields, requestLine, statusLine } from './grammar.ts';
import { chunked, feedPieces, fieldsOf, readRequest, readResponse } from './verdict.ts';

const pairs = (lines: readonly { name: string; value: string }[]) => lines.map(({ name, value }) => [name, value]);
const joined = (lines: readonly { line: string }[]) => lines.map(({ line }) => line).join('');
const parsedOnce = new RequestHead();

/** One parse of the whole text. */
function parse(text: string): number {
  return parseRequestHead(parsedOnce, Buffer.from(text, 'latin1'), { start: 0, end: text.length }, 65_536);
}

describe('heads', () => {
  it('of requests say what they were made of', () => {
    fc.assert(
      fc.property(requestLine, fields, fc.nat(12), fc.nat(4), (line, lines, hostAt, emptyLines) => {
        const host = { name: 'Host', value: 'a.example', line: 'Host: a.example\r\n' };
        const all = lines.toSpliced(hostAt, 0, host);
        const text = `${line.method} ${line.target} HTTP/1.${line.minor}\r\n${joined(all)}\r\n`;
        const originTarget = line.target;
        const before = '\r\n'.repeat(emptyLines);
        expect(readRequest(`${before}${text}rest`)).toMatchObject({
          ...{ ...line, originTarget, authority: 'a.example', fields: pairs(all), text, problem: '' },
          ...{ end: before.length + text.length, contentLength: -1, chunked: false, absolute: false },
        });
      }),
    );
  });

  it('of responses say what they were made of', () => {
    fc.assert(
      fc.property(statusLine, fields, ({ status, reason, minor }, lines) => {
        const text = `HTTP/1.${minor} ${status} ${reason}\r\n${joined(lines)}\r\n`;
        expect(readResponse(`${text}rest`)).toMatchObject({
          status,
          minor,
          fields: pairs(lines),
          text,
          end: text.length,
        });
      }),
    );
  });

  it('with one byte changed say what they then say, or are refused, as soon as they are complete', () => {
    const texts = fc.constantFrom(...acceptedRequests.map(({ text }) => text));
    fc.assert(
      fc.property(texts, corruption, (text, change) => {
        const changed = corrupt(text, change);
        const end = parse(changed);
        const meant = byGrammar(changed);
        if (end >= 0) {
          const { method, target, minor } = parsedOnce;
          expect({ end, method, target, minor, fields: fieldsOf(parsedOnce) }).toEqual(meant);
        } else if (meant === undefined) {
          const complete = changed.replace(/^(?:\r\n)+/, '').includes('\r\n\r\n');
          if (complete) expect(end).toBe(REFUSED);
        } else {
          expect(end).toBe(REFUSED);
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it('that the grammar takes are refused for what their fields mean, and for nothing else', () => {
    const lines = fc.constantFrom(
      'Host: b',
      'Content-Length: 1',
      'Content-Length: x',
      'Transfer-Encoding: chunked',
      'X: 1',
    );
    fc.assert(
      fc.property(requestLine, fc.array(lines, { maxLength: 4 }), (line, chosen) => {
        const text = [`${line.method} ${line.target} HTTP/1.${line.minor}`, ...chosen, '', ''].join('\r\n');
        const count = (start: string) => chosen.filter((field) => field.startsWith(start)).length;
        const hosts = count('Host') === 1 || (count('Host') === 0 && line.minor === 0);
        const lengths =
          count('Content-Length') + count('Transfer-Encoding') <= 1 && !chosen.includes('Content-Length: x');
        const coding = count('Transfer-Encoding') === 0 || line.minor === 1;
        expect(parse(text)).toBe(hosts && lengths && coding ? text.length : REFUSED);
      }),
    );
  });
});

const chunks = fc.array(
  fc.string({ unit: fc.constantFrom('a', '\r', '\n', '0', '\xff'), minLength: 1, maxLength: 40 }),
);
const extension = fc.constantFrom('', ';', ';a=b', ';a="\t ;é"');
const trailer = fc.constantFrom('X-Sum: 1\r\n', 'y:\r\n', 'Hosts: 2\r\n');

describe('bodies', () => {
  const body = fc.record({ chunks, extension, trailers: fc.array(trailer, { maxLength: 3 }), upper: fc.boolean() });
  const written = body.map(({ chunks, extension, trailers, upper }) => {
    const size = (data: string) => (upper ? data.length.toString(16).toUpperCase() : data.length.toString(16));
    const framed = chunks.map((data) => `${size(data)}${extension}\r\n${data}\r\n`).join('');
    return { data: chunks.join(''), text: `${framed}0${extension}\r\n${trailers.join('')}\r\n` };
  });

  it('in chunks end where they end, however the bytes are cut', () => {
    fc.assert(
      fc.property(written, fc.array(fc.nat(2000), { maxLength: 6 }), fc.string(), ({ data, text }, cuts, behind) => {
        const verdict = feedPieces(chunked, [...cutAt(text, cuts), behind]);
        expect(verdict).toEqual({ end: text.length, state: 'done', problem: '', dataBytes: data.length, data });
      }),
    );
  });

  it('in chunks with one byte changed have one verdict, however the bytes are cut', () => {
    const texts = fc.oneof(written, fc.constantFrom(...acceptedChunks));
    fc.assert(
      fc.property(texts, corruption, fc.array(fc.nat(2000), { maxLength: 6 }), ({ text }, change, cuts) => {
        const changed = corrupt(text, change);
        expect(feedPieces(chunked, cutAt(changed, cuts))).toEqual(feedPieces(chunked, [changed]));
      }),
      { numRuns: 1000 },
    );
  });

  it('of a known length end where they end, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.string({ maxLength: 60 }), fc.array(fc.nat(60)), (length, text, cuts) => {
        const data = text.slice(0, length);
        const verdict = feedPieces((framer) => framer.startLength(length), cutAt(text, cuts));
        const state = data.length === length ? 'done' : 'more';
        expect(verdict).toEqual({ end: data.length, state, problem: '', dataBytes: data.length, data });
      }),
    );
  });
});

it('waits only for what is not complete', () => {
  for (const { text } of acceptedRequests) {
    const whole = parse(text);
    for (let length = 0; length < whole; length++) expect(parse(text.slice(0, length))).toBe(NEED_MORE);
  }
});
