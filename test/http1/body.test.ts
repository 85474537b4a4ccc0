import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { BodyFramer } from '../../src/http1/body.ts';
import { acceptedChunks, forbiddenTrailers, refusedChunks } from './chunk-cases.ts';
import { chunked, feedPieces, frameBody } from './verdict.ts';

describe('7.1 chunked coding', () => {
  it.each(acceptedChunks)('understands $name', ({ text, data }) => {
    const done = { end: text.length, state: 'done', problem: '', dataBytes: data.length, data };
    expect(frameBody(chunked, text)).toEqual(done);
    expect(frameBody(chunked, `${text}GET / HTTP/1.1\r\n`), 'with a request behind it').toEqual(done);
  });

  it.each(acceptedChunks)('waits for the end of $name', ({ text, data }) => {
    for (let length = 0; length < text.length; length++) {
      const verdict = feedPieces(chunked, [text.slice(0, length)]);
      expect(verdict).toMatchObject({ end: length, state: 'more' });
      expect(data.startsWith(verdict.data)).toBe(true);
    }
  });

  it.each(refusedChunks)('refuses $name', ({ text, fault, problem }) => {
    expect(frameBody(chunked, text)).toMatchObject({ end: fault, state: 'bad', problem });
    expect(frameBody(chunked, `${text}\r\n0\r\n\r\n`), 'also when more follows').toMatchObject({ end: fault, problem });
    for (let length = 0; length <= fault; length++) {
      expect(feedPieces(chunked, [text.slice(0, length)]), `${length} bytes`).toMatchObject({ state: 'more' });
    }
  });

  it.each(forbiddenTrailers)('7.1.2 refuses the trailer %s', (name) => {
    for (const written of [name, name.toUpperCase(), name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase())]) {
      const text = `0\r\nX-First: 1\r\n${written}: 1\r\n\r\n`;
      const problem = 'a trailer that belongs into the head';
      expect(frameBody(chunked, text)).toMatchObject({ state: 'bad', problem, end: text.indexOf(': 1\r\n\r\n') });
    }
    for (const other of [`x${name}`, `${name}x`, name.slice(1), name.slice(0, -1), name.replace(/.$/, '_')]) {
      expect(frameBody(chunked, `0\r\n${other}: 1\r\n\r\n`), other).toMatchObject({ state: 'done' });
    }
  });
});

describe('7.1 limits', () => {
  const body = (size: string, extensions = '') => `${size}${extensions}\r\nab\r\n0\r\n\r\n`;
  /** Whole and byte by byte; at every cut would take too long here. */
  const frame = (text: string) => {
    const whole = feedPieces(chunked, [text]);
    expect(feedPieces(chunked, [...text])).toEqual(whole);
    return whole;
  };

  it('takes sizes of up to 13 digits', () => {
    expect(frame(body('2'.padStart(13, '0')))).toMatchObject({ state: 'done', data: 'ab' });
    expect(frame(body('2'.padStart(14, '0')))).toMatchObject({
      state: 'bad',
      end: 13,
      problem: 'a chunk size with too many digits',
    });
    expect(frame(`${'f'.repeat(13)}\r\nab`)).toMatchObject({ state: 'more', dataBytes: 2 });
    expect(frame(`${'f'.repeat(14)}\r\nab`)).toMatchObject({
      state: 'bad',
      end: 13,
      problem: 'a chunk size with too many digits',
    });
  });

  it('takes 4096 bytes of extensions, all chunks together', () => {
    expect(frame(body('2', `;${'e'.repeat(4096)}`))).toMatchObject({ state: 'done' });
    expect(frame(body('2', `;${'e'.repeat(4097)}`))).toMatchObject({
      state: 'bad',
      end: 4098,
      problem: 'chunk extensions that are too long',
    });
    const chunk = `1;${'e'.repeat(1024)}\r\na\r\n`;
    expect(frame(`${chunk.repeat(4)}0\r\n\r\n`)).toMatchObject({ state: 'done', data: 'aaaa' });
    expect(frame(`${chunk.repeat(4)}1;\r\na\r\n0\r\n\r\n`)).toMatchObject({ state: 'done' });
    expect(frame(`${chunk.repeat(4)}1;e\r\na\r\n0\r\n\r\n`)).toMatchObject({
      state: 'bad',
      problem: 'chunk extensions that are too long',
    });
  });

  it('takes 16 KiB of trailers, their line ends included', () => {
    const trailers = (bytes: number) => `0\r\nX: ${'t'.repeat(bytes - 'X: \r\n\r\n'.length)}\r\n\r\n`;
    expect(frame(trailers(16_384))).toMatchObject({ state: 'done', end: 16_387 });
    expect(frame(trailers(16_385))).toMatchObject({
      state: 'bad',
      end: 16_387,
      problem: 'a trailer section that is too long',
    });
    expect(frame(`0\r\n${'X: 1\r\n'.repeat(2731)}\r\n`)).toMatchObject({
      state: 'bad',
      problem: 'a trailer section that is too long',
    });
    expect(frame(`0\r\n${'n'.repeat(16_385)}`)).toMatchObject({
      state: 'bad',
      end: 16_387,
      problem: 'a trailer section that is too long',
    });
  });

  it('counts from nothing for every body', () => {
    const most = `1;${'e'.repeat(4096)}\r\na\r\n0\r\nX: ${'t'.repeat(16_377)}\r\n\r\n`;
    expect(feedPieces(chunked, [most], most)).toMatchObject({ state: 'done', dataBytes: 1, end: most.length });
  });
});

describe('6.2 bodies of a known length', () => {
  it.each([
    [0, '', 0, 'done'],
    [0, 'GET /', 0, 'done'],
    [1, '', 0, 'more'],
    [5, 'abc', 3, 'more'],
    [5, 'abcde', 5, 'done'],
    [5, 'ab\r\n0GET /', 5, 'done'],
    [2 ** 40, 'abc', 3, 'more'],
  ])('of %d bytes, %j: %d of them, %s', (length, text, end, state) => {
    const data = text.slice(0, end);
    const verdict = frameBody((framer) => framer.startLength(length), text);
    expect(verdict).toEqual({ end, state, problem: '', dataBytes: end, data });
  });
});

describe('6.3 no body', () => {
  it('is what a framer has that was not started', () => {
    const none = { done: true, bad: false, endsWithConnection: false, dataBytes: 0, problem: '' };
    const framer = new BodyFramer();
    expect(framer.feed(Buffer.from('HTTP/1.1 200 OK'), 0, 15)).toBe(0);
    const { done, bad, endsWithConnection, dataBytes, problem } = framer;
    expect({ done, bad, endsWithConnection, dataBytes, problem }).toEqual(none);
  });
});

describe('6.3 bodies that end with the connection', () => {
  it('are told from all others', () => {
    const framer = new BodyFramer();
    framer.startUntilClose();
    expect([framer.endsWithConnection, framer.done, framer.bad]).toEqual([true, false, false]);
    framer.startLength(5);
    expect([framer.endsWithConnection, framer.done, framer.bad]).toEqual([false, false, false]);
    // What is left of a length that was given up must not end the next body.
    framer.startUntilClose();
    framer.feed(Buffer.from('12345'), 0, 5);
    expect([framer.endsWithConnection, framer.done, framer.bad]).toEqual([true, false, false]);
    framer.startChunked();
    expect([framer.endsWithConnection, framer.done, framer.bad]).toEqual([false, false, false]);
  });

  it.each(['', 'a', '0\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n'])('take all of %j', (text) => {
    const verdict = frameBody((framer) => framer.startUntilClose(), text);
    expect(verdict).toEqual({ end: text.length, state: 'more', problem: '', dataBytes: text.length, data: text });
  });
});
