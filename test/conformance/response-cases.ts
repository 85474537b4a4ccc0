import { head } from '../http1/request-text.ts';
import { chunked, get, post, requestText } from '../support/requests.ts';
import { broken, lastOne, passes, type ResponseCase, section, untrusted } from './response-case.ts';

const ok = (...lines: string[]): string => head('HTTP/1.1 200 OK', ...lines);
const two = `${ok('Content-Length: 2')}ok`;
const chunks = ok('Transfer-Encoding: chunked');
const requestTo = (method: string): string => requestText(`${method} / HTTP/1.1`);
const old = requestText('GET / HTTP/1.0');
const oldAlive = requestText('GET / HTTP/1.0', ['Connection: keep-alive']);

/** Heads of responses. */
const heads: readonly ResponseCase[] = [
  ...section('2.2 message parsing', [
    untrusted('LF behind the status line', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n', 'a bare LF'),
    untrusted('LF behind a field', 'HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n', 'a bare LF'),
    untrusted('CR in a field', ok('X: a\rb', 'Content-Length: 0'), 'a bare CR'),
    untrusted('an empty line before it', `\r\n${two}`, 'not HTTP/1'),
    untrusted('something else', 'SSH-2.0-OpenSSH_9.2\r\n', 'not HTTP/1'),
  ]),
  ...section('4 status line', [
    passes('without a reason', `${head('HTTP/1.1 200', 'Content-Length: 2')}ok`),
    passes('an unknown status', `${head('HTTP/1.1 599 x', 'Content-Length: 2')}ok`),
    untrusted('another version', `${head('HTTP/2.0 200 OK')}`, 'not HTTP/1'),
    untrusted('four digits', head('HTTP/1.1 2000 OK'), 'status'),
    untrusted('a status below 100', head('HTTP/1.1 099 x'), 'status'),
    untrusted('a status above 599', head('HTTP/1.1 600 x'), 'status'),
    untrusted('NUL in the reason', head('HTTP/1.1 200 a\0b'), '0x00'),
  ]),
  ...section('5.1 field line parsing', [
    untrusted('space before a colon', ok('Content-Length : 0'), 'white space'),
    untrusted('no colon', ok('Content-Length'), 'field name'),
    untrusted('NUL in a value', ok('X: a\0b'), '0x00'),
    passes('odd but right', `${ok('x-ODD:  \ta\xe9 \t', 'X-Odd:', 'Content-Length:  2 ')}ok`),
  ]),
  ...section('5.2 obsolete line folding', [untrusted('a folded value', ok('X: a', ' b'), 'folding')]),
  ...section('RFC 9110 5.4 field limits', [
    untrusted('a head that never ends', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(66_000)}`, 'more than 65536 bytes'),
    untrusted('a head of very many fields', `HTTP/1.1 200 OK\r\n${'X: 1\r\n'.repeat(257)}\r\n`, 'more than 256 fields'),
  ]),
];

/** What says where a body ends. */
const lengths: readonly ResponseCase[] = [
  ...section('6.1 Transfer-Encoding', [
    passes('chunked', chunks + chunked(['a', 'bc'])),
    untrusted('and a length', ok('Content-Length: 2', 'Transfer-Encoding: chunked'), 'both'),
    untrusted('a length and it', ok('Transfer-Encoding: chunked', 'Content-Length: 2'), 'both'),
    untrusted('another coding', ok('Transfer-Encoding: gzip, chunked'), 'Transfer-Encoding'),
    untrusted('identity', ok('Transfer-Encoding: identity', 'X: 1'), 'Transfer-Encoding'),
    untrusted('chunked twice', ok('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), 'Transfer-Encoding'),
    untrusted('in HTTP/1.0', head('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'), 'HTTP/1.0'),
    passes('in a 204', head('HTTP/1.1 204 x', 'Transfer-Encoding: chunked'), {
      sees: { bytes: head('HTTP/1.1 204 x') },
    }),
    passes('in a 304', head('HTTP/1.1 304 x', 'Transfer-Encoding: chunked')),
    passes('to HEAD', ok('Transfer-Encoding: chunked'), { request: requestTo('HEAD') }),
    passes('for an HTTP/1.0 client', chunks + chunked(['a', 'bc'], ['X-T: 1']), {
      ...{ request: old, client: 'closes', sees: { bytes: `${ok('Connection: close')}abc` } },
    }),
    passes('to HEAD of an HTTP/1.0 client', ok('Transfer-Encoding: chunked'), {
      request: requestText('HEAD / HTTP/1.0', ['Connection: keep-alive']),
      sees: { bytes: ok('Connection: keep-alive') },
    }),
  ]),
  ...section('6.2 Content-Length', [
    passes('a length', two),
    passes('none at all', ok('Content-Length: 0')),
    passes('zeros in front', `${ok('Content-Length: 002')}ok`),
    untrusted('two that differ', `${ok('Content-Length: 2', 'Content-Length: 3')}ok`, 'Content-Length'),
    untrusted('two of the same', `${ok('Content-Length: 2', 'Content-Length: 2')}ok`, 'Content-Length'),
    untrusted('a list', `${ok('Content-Length: 2, 2')}ok`, 'Content-Length'),
    untrusted('a sign', `${ok('Content-Length: +2')}ok`, 'Content-Length'),
    untrusted('nothing', `${ok('Content-Length:')}ok`, 'Content-Length'),
    untrusted('a number that no parser agrees on', ok('Content-Length: 18446744073709551618'), 'Content-Length'),
    passes('in a 204', head('HTTP/1.1 204 x', 'Content-Length: 2'), { sees: { bytes: head('HTTP/1.1 204 x') } }),
    passes('in a 304', head('HTTP/1.1 304 x', 'Content-Length: 2')),
    passes('to HEAD', ok('Content-Length: 2'), { request: requestTo('HEAD') }),
  ]),
  ...section('6.3 message body length', [
    passes('nothing to HEAD', ok('X: 1'), { request: requestTo('HEAD') }),
    passes('an empty 204', head('HTTP/1.1 204 x')),
    lastOne('the end of the connection', `${ok('X: 1')}all of it`, {
      ...{ end: 'fin', client: 'closes', sees: { bytes: `${ok('X: 1', 'Connection: close')}all of it` } },
    }),
    lastOne('the end of the connection, in HTTP/1.0', `${head('HTTP/1.0 200 OK')}all of it`, {
      ...{ end: 'fin', client: 'closes', sees: { bytes: `${ok('Connection: close')}all of it` } },
    }),
    lastOne('a length in HTTP/1.0', `${head('HTTP/1.0 200 OK', 'Content-Length: 2')}ok`, { sees: { bytes: two } }),
    lastOne('bytes behind a length', `${two}more`, { sees: { bytes: two } }),
    lastOne('a second response', two + two, { sees: { bytes: two } }),
    lastOne('bytes behind a 204', `${head('HTTP/1.1 204 x')}more`, { sees: { bytes: head('HTTP/1.1 204 x') } }),
    lastOne('bytes behind a 304', `${head('HTTP/1.1 304 x')}more`, { sees: { bytes: head('HTTP/1.1 304 x') } }),
    lastOne('a body to HEAD', two, { request: requestTo('HEAD'), sees: { bytes: ok('Content-Length: 2') } }),
    lastOne('bytes behind the last chunk', `${chunks + chunked(['a'])}x`, { sees: { bytes: chunks + chunked(['a']) } }),
  ]),
];

const trailer = (line: string): string => `${chunks}1\r\na\r\n0\r\n${line}\r\n\r\n`;

/** Chunks. */
const codings: readonly ResponseCase[] = [
  ...section('7.1 chunked coding', [
    passes('extensions', `${chunks}1;a=b\r\na\r\n0;c\r\n\r\n`),
    broken('a size that is none', `${chunks}2\r\nok\r\nzz\r\n`),
    broken('a prefix', `${chunks}0x2\r\nok\r\n0\r\n\r\n`),
    broken('a sign', `${chunks}-2\r\nok\r\n0\r\n\r\n`),
    broken('space behind the size', `${chunks}2 \r\nok\r\n0\r\n\r\n`),
    broken('LF behind the size', `${chunks}2\nok\r\n0\r\n\r\n`),
    broken('more data than its size', `${chunks}2\r\nokay\r\n0\r\n\r\n`),
    broken('LF behind the data', `${chunks}2\r\nok\n0\r\n\r\n`),
    broken('a size beyond all numbers', `${chunks}ffffffffffffffff\r\nok\r\n`),
    broken('an extension that never ends', `${chunks}2;${'a'.repeat(5000)}`),
    broken('NUL in an extension', `${chunks}2;\0\r\nok\r\n0\r\n\r\n`),
  ]),
  ...section('7.1.2 trailers', [
    passes('are passed on where they are', trailer('X-Sum: 1')),
    broken('a length', trailer('Content-Length: 5')),
    broken('another coding', trailer('Transfer-Encoding: gzip')),
    broken('one without a name', trailer(': 1')),
    broken('a folded one', trailer('X: 1\r\n 2')),
    broken('that never end', `${chunks}0\r\n${'X: 1\r\n'.repeat(3000)}`),
  ]),
  ...section('8 incomplete messages', [
    broken('short of its length', `${ok('Content-Length: 9')}short`, { end: 'fin', failure: 'backend-reset' }),
    broken('reset within its length', `${ok('Content-Length: 9')}short`, { end: 'reset', failure: 'backend-reset' }),
    broken('reset before the end of the connection', `${ok('X: 1')}some`, { end: 'reset', failure: 'backend-reset' }),
    broken('between chunks', `${chunks}2\r\nok\r\n`, { end: 'fin', failure: 'backend-reset' }),
    broken('within a chunk', `${chunks}5\r\nok`, { end: 'fin', failure: 'backend-reset' }),
    broken('within the trailers', `${chunks}0\r\nX: 1\r\n`, { end: 'fin', failure: 'backend-reset' }),
    broken('in chunks for an HTTP/1.0 client', `${chunks}2\r\nok\r\n`, {
      ...{ request: old, end: 'fin', failure: 'backend-reset' },
    }),
    untrusted('a head that breaks off', 'HTTP/1.1 200 OK\r\nContent-', 'closed the connection before it answered', {
      ...{ end: 'fin', failure: 'backend-reset' },
    }),
    untrusted('nothing at all', '', 'closed the connection before it answered', {
      ...{ request: post('/', 'x'), end: 'fin', failure: 'backend-reset' },
    }),
  ]),
];

const early = `${requestText('POST / HTTP/1.1', ['Content-Length: 100000'])}begin`;
const interim = head('HTTP/1.1 103 Early Hints', 'Link: </a>');

/** Connections, hops and interim answers. */
const connections: readonly ResponseCase[] = [
  ...section('9.3 persistence', [
    lastOne('Connection: close', `${ok('Connection: close', 'Content-Length: 2')}ok`, { sees: { bytes: two } }),
    passes('HTTP/1.0 that stays', `${head('HTTP/1.0 200 OK', 'Connection: keep-alive', 'Content-Length: 2')}ok`, {
      sees: { bytes: two },
    }),
    lastOne('a promise of no time', `${ok('Keep-Alive: timeout=0', 'Content-Length: 2')}ok`, { sees: { bytes: two } }),
    passes('an HTTP/1.0 client that stays', two, {
      ...{ request: oldAlive, sees: { bytes: `${ok('Content-Length: 2', 'Connection: keep-alive')}ok` } },
    }),
    passes('a client that closes', two, {
      ...{ request: get('/', 'Connection: close'), client: 'closes' },
      sees: { bytes: `${ok('Content-Length: 2', 'Connection: close')}ok` },
    }),
  ]),
  ...section('9.5 failures and timeouts', [
    lastOne('a whole answer before the end of the request', two, {
      ...{ request: early, client: 'closes', sees: { bytes: `${ok('Content-Length: 2', 'Connection: close')}ok` } },
    }),
    lastOne('a close behind a whole answer', two, { end: 'fin' }),
    lastOne('a reset behind a whole answer', two, { end: 'reset' }),
  ]),
  ...section('RFC 9110 5.3 field order', [
    passes('fields of one name are neither merged nor moved', `${ok('A: 1', 'B: 2', 'a: 3', 'Content-Length: 2')}ok`),
  ]),
  ...section('RFC 9110 7.6.1 Connection', [
    passes('what it names goes no further', `${ok('Connection: X-Hop', 'X-Hop: 1', 'Content-Length: 2')}ok`, {
      sees: { bytes: two },
    }),
    passes('it cannot name what frames the body', `${ok('Connection: Content-Length', 'Content-Length: 2')}ok`, {
      sees: { bytes: two },
    }),
  ]),
  ...section('RFC 9110 7.6.3 Via', [
    passes('is passed on, and none is added', `${ok('Via: 1.1 cache', 'Content-Length: 2')}ok`),
  ]),
  ...section('RFC 9110 7.8 Upgrade', [
    untrusted('a 101 nobody asked for', head('HTTP/1.1 101 x', 'Connection: Upgrade', 'Upgrade: a'), 'nobody asked'),
    passes(
      'a 426 keeps what it asks for',
      head('HTTP/1.1 426 x', 'Upgrade: a', 'Connection: Upgrade', 'Content-Length: 0'),
      {
        sees: { bytes: head('HTTP/1.1 426 x', 'Upgrade: a', 'Content-Length: 0', 'Connection: Upgrade') },
      },
    ),
    passes('an offer to others goes no further', `${ok('Upgrade: h2c', 'Content-Length: 2')}ok`, {
      sees: { bytes: two },
    }),
  ]),
  ...section('RFC 9110 15.2 interim responses', [
    passes('one', interim + two),
    passes('an unknown one', head('HTTP/1.1 199 x') + two),
    passes('as many as are passed on', head('HTTP/1.1 100 Continue').repeat(64) + two),
    untrusted('a flood', head('HTTP/1.1 100 Continue').repeat(65) + two, 'too many interim', {
      sees: { error: 'too many interim' },
    }),
    passes('what it says of the connection', `${head('HTTP/1.1 100 x', 'Connection: close', 'A: 1')}${two}`, {
      sees: { bytes: head('HTTP/1.1 100 x', 'A: 1') + two },
    }),
    untrusted('a length', `${head('HTTP/1.1 103 x', 'Content-Length: 5')}hello${two}`, 'a body to an interim response'),
    untrusted('chunks', head('HTTP/1.1 100 x', 'Transfer-Encoding: chunked'), 'a body to an interim response'),
    passes('none for an HTTP/1.0 client', interim + two, {
      ...{ request: oldAlive, sees: { bytes: `${ok('Content-Length: 2', 'Connection: keep-alive')}ok` } },
    }),
    untrusted('and then nothing', interim, 'closed the connection before it answered', {
      ...{ end: 'fin', failure: 'backend-reset' },
    }),
  ]),
];

/** Responses of backends that are right, odd, broken or hostile. */
export const responseCases: readonly ResponseCase[] = [...heads, ...lengths, ...codings, ...connections];
