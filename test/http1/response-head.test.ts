import { describe, expect, it } from 'vitest';
import { NEED_MORE, REFUSED } from '../../src/http1/head.ts';
import { head } from './request-text.ts';
import { endingIn, readResponse, responseHeadOf } from './verdict.ts';

/** A 200 with these field lines. */
const ok = (...lines: string[]): string => head('HTTP/1.1 200 OK', ...lines);

describe('4 status line', () => {
  it.each([
    ['a reason', head('HTTP/1.1 200 OK'), { status: 200, minor: 1, fields: [] }],
    ['a long reason', head('HTTP/1.1 404 Not \t Found \xe9!'), { status: 404 }],
    ['an empty reason', head('HTTP/1.1 200 '), { status: 200 }],
    ['no reason and no space', head('HTTP/1.1 200'), { status: 200 }],
    ['HTTP/1.0', head('HTTP/1.0 200 OK'), { status: 200, minor: 0 }],
    ['the first status', head('HTTP/1.1 100 Continue'), { status: 100, interim: true }],
    ['the last interim status', head('HTTP/1.1 199 x'), { status: 199, interim: true }],
    ['the first final status', head('HTTP/1.1 200 x'), { interim: false }],
    ['a switch of protocols', head('HTTP/1.1 101 Switching Protocols'), { status: 101, interim: false }],
    ['early hints', head('HTTP/1.1 103 Early Hints', 'Link: </a>'), { status: 103, interim: true }],
    ['the last status', head('HTTP/1.1 599 x'), { status: 599 }],
  ])('understands %s', (_name, text, reads) => {
    expect(readResponse(text)).toMatchObject({ end: text.length, problem: '', text, ...reads });
  });

  it.each([
    ['another protocol', head('ICY 200 OK'), 'something that is not HTTP/1'],
    ['HTTP/2', head('HTTP/2 200'), 'something that is not HTTP/1'],
    ['HTTP/1.2', head('HTTP/1.2 200 OK'), 'a version other than HTTP/1.0 and HTTP/1.1'],
    ['no minor version', head('HTTP/1. 200 OK'), 'a version other than HTTP/1.0 and HTTP/1.1'],
    ['two digits of version', head('HTTP/1.10 200 OK'), 'a malformed status line'],
    ['lower case', head('http/1.1 200 OK'), 'something that is not HTTP/1'],
    ['a space before it', ` ${ok()}`, 'something that is not HTTP/1'],
    ['an empty line before it', `\r\n${ok()}`, 'something that is not HTTP/1'],
    ['no status', 'HTTP/1.1\r\n\r\n', 'a malformed status line'],
    ['an empty status', head('HTTP/1.1 '), 'a status that is not three digits'],
    ['two spaces', head('HTTP/1.1  200 OK'), 'a status that is not three digits'],
    ['a tab', head('HTTP/1.1\t200 OK'), 'a malformed status line'],
    ['two digits', head('HTTP/1.1 20 OK'), 'a status that is not three digits'],
    ['two digits at the end', 'HTTP/1.1 20\r\n\r\n', 'a status that is not three digits'],
    ['four digits', head('HTTP/1.1 2000 OK'), 'a malformed status line'],
    ['a sign', head('HTTP/1.1 +20 OK'), 'a status that is not three digits'],
    ['letters', head('HTTP/1.1 20x OK'), 'a status that is not three digits'],
    ['a status below 100', head('HTTP/1.1 099 OK'), 'a status outside 100 to 599'],
    ['a status above 599', head('HTTP/1.1 600 OK'), 'a status outside 100 to 599'],
    ['a reason without space', head('HTTP/1.1 200-OK'), 'a malformed status line'],
    ['LF behind it', 'HTTP/1.1 200 OK\n\r\n', 'a bare LF in the status line'],
    ['LF behind a bare status', 'HTTP/1.1 200\n\r\n', 'a malformed status line'],
    ['CR in the reason', head('HTTP/1.1 200 O\rK'), 'a bare CR in the status line'],
    ['NUL in the reason', head('HTTP/1.1 200 O\0K'), 'byte 0x00 in the status line'],
    ['DEL in the reason', head('HTTP/1.1 200 O\x7fK'), 'byte 0x7f in the status line'],
    ['a body and no head', '<html>\r\n\r\n', 'something that is not HTTP/1'],
  ])('refuses %s', (_name, text, problem) => {
    expect(readResponse(text)).toEqual({ end: REFUSED, problem: endingIn(problem), tooLarge: false });
  });

  it('waits for the rest', () => {
    for (let length = 0; length < ok('X: 1').length; length++) {
      expect(readResponse(ok('X: 1').slice(0, length)), `${length} bytes`).toMatchObject({ end: NEED_MORE });
    }
  });
});

describe('5 fields', () => {
  it('leaves what follows the head alone', () => {
    const text = ok('X: 1');
    expect(readResponse(`${text}body\nHTTP/1.1`)).toMatchObject({ end: text.length, text, fields: [['X', '1']] });
  });

  it.each([
    ['space before a colon', ok('X : 1'), 'white space between a field name and its colon'],
    ['folding', ok('X: 1', ' 2'), '(obsolete folding)'],
    ['LF behind a field', 'HTTP/1.1 200 OK\r\nX: 1\n\r\n', 'a bare LF in a field value'],
    ['CR in a field', ok('X: 1\r2'), 'a bare CR in a field value'],
    ['NUL in a field', ok('X: \0'), 'byte 0x00 in a field value'],
    ['no colon', ok('X'), 'a bare CR in a field name'],
    [
      'both lengths',
      ok('Content-Length: 5', 'Transfer-Encoding: chunked'),
      'both Content-Length and Transfer-Encoding',
    ],
    ['two lengths', ok('Content-Length: 5', 'Content-Length: 6'), 'a Content-Length that is not one plain number'],
    ['a signed length', ok('Content-Length: +5'), 'a Content-Length that is not one plain number'],
    ['another coding', ok('Transfer-Encoding: gzip, chunked'), 'a Transfer-Encoding other than chunked'],
    ['an empty coding', ok('Transfer-Encoding:'), 'a Transfer-Encoding other than chunked'],
    [
      'chunks in HTTP/1.0',
      head('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'),
      'Transfer-Encoding in an HTTP/1.0 response',
    ],
    ['a length in an interim one', head('HTTP/1.1 103 x', 'Content-Length: 5'), 'a body to an interim response'],
    ['chunks in an interim one', head('HTTP/1.1 100 x', 'Transfer-Encoding: chunked'), 'a body to an interim response'],
    ['a length in a 101', head('HTTP/1.1 101 x', 'Content-Length: 5'), 'a body to an interim response'],
    ['many connection options', ok(`Connection: ${'x,'.repeat(40)}`), 'too many options in Connection'],
  ])('refuses %s', (_name, text, problem) => {
    expect(readResponse(text)).toEqual({ end: REFUSED, problem: endingIn(problem), tooLarge: false });
  });

  it.each([
    ['nothing', 'HTTP/1.1', [], true],
    ['close', 'HTTP/1.1', ['Connection: close'], false],
    ['close among others', 'HTTP/1.1', ['Connection: x, CLOSE'], false],
    ['nothing', 'HTTP/1.0', [], false],
    ['keep-alive', 'HTTP/1.0', ['Connection: keep-alive'], true],
    ['both', 'HTTP/1.0', ['Connection: keep-alive, close'], false],
    ['both', 'HTTP/1.1', ['Connection: keep-alive', 'Connection: close'], false],
  ])('9.3 persistence: %s in %s with %j is %j', (_name, version, lines, persistent) => {
    expect(readResponse(head(`${version} 200 OK`, ...lines))).toMatchObject({ persistent });
  });

  it.each([
    ['timeout=5', 5000],
    ['timeout=5, max=100', 5000],
    ['max=100, timeout=75', 75_000],
    ['max=100,TIMEOUT=1', 1000],
    ['timeout=1234567', 1_234_567_000],
    ['timeout=0', 1],
    ['timeout=', 0],
    ['timeout=x', 0],
    ['notimeout=5', 0],
    ['max=5', 0],
    ['', 0],
  ])('Keep-Alive: %s promises %d ms', (value, keepAliveTimeoutMs) => {
    expect(readResponse(ok(`Keep-Alive: ${value}`))).toMatchObject({ keepAliveTimeoutMs });
    expect(readResponse(ok())).toMatchObject({ keepAliveTimeoutMs: 0 });
  });
});

describe('6.3 message body length', () => {
  const length = 'Content-Length: 5';
  const chunks = 'Transfer-Encoding: chunked';

  it.each([
    ['GET', 200, [length], 'length'],
    ['GET', 200, [chunks], 'chunked'],
    ['GET', 200, ['Content-Length: 0'], 'none'],
    ['GET', 200, [], 'until-close'],
    ['POST', 500, [], 'until-close'],
    ['HEAD', 200, [length], 'none'],
    ['HEAD', 200, [chunks], 'none'],
    ['HEAD', 200, [], 'none'],
    ['head', 200, [length], 'length'],
    ['GET', 199, ['Content-Length: 0'], 'none'],
    ['GET', 103, [], 'none'],
    ['GET', 101, [], 'none'],
    ['GET', 204, [], 'none'],
    ['GET', 204, [length], 'none'],
    ['GET', 204, [chunks], 'none'],
    ['GET', 304, [length], 'none'],
    ['GET', 304, [], 'none'],
    ['GET', 205, [length], 'length'],
    ['GET', 303, [], 'until-close'],
    ['GET', 305, [], 'until-close'],
  ])('after %s a %d with %j ends by %s', (method, status, lines, body) => {
    expect(responseHeadOf(head(`HTTP/1.1 ${status} x`, ...lines)).bodyFor(method)).toBe(body);
  });
});
