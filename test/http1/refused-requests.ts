import { get, head } from './request-text.ts';

/** A request head that is refused, and the end of what is said of it. */
export interface RefusedRequest {
  readonly section: string;
  readonly name: string;
  readonly text: string;
  readonly problem: string;
}

const version = 'a version other than HTTP/1.0 and HTTP/1.1';
const folding = 'a field line that begins with white space (obsolete folding)';

type Row = readonly [name: string, text: string, problem: string];

function section(title: string, rows: readonly Row[]): RefusedRequest[] {
  return rows.map(([name, text, problem]) => ({ section: title, name, text, problem }));
}

/** Request heads that are refused, by section of RFC 9112 (and of RFC 9110 where it says so). */
export const refusedRequests: readonly RefusedRequest[] = [
  ...section('2.2 message parsing', [
    ['LF for CRLF everywhere', get().replaceAll('\r\n', '\n'), 'a bare LF in the request line'],
    ['LF behind the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 'a bare LF in the request line'],
    ['LF behind a field', 'GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n', 'a bare LF in a field value'],
    ['LF at the end', 'GET / HTTP/1.1\r\nHost: a\r\n\n', 'a bare LF in a field name'],
    ['CR behind the request line', 'GET / HTTP/1.1\rHost: a\r\n\r\n', 'a bare CR in the request line'],
    ['CR in a value', get('X: 1\rY: 2'), 'a bare CR in a field value'],
    ['CR before CRLF', get('X: 1\r'), 'a bare CR in a field value'],
    ['CR at the end', 'GET / HTTP/1.1\r\nHost: a\r\n\rX', 'a bare CR at the start of a line'],
    ['CR before the request line', `\r${get()}`, 'a bare CR before the request line'],
    ['LF before the request line', `\n${get()}`, 'a bare LF in the method'],
    ['more empty lines than any client sends', `${'\r\n'.repeat(5)}${get()}`, 'a bare CR in the method'],
    ['space before the request line', ` ${get()}`, 'byte 0x20 in the method'],
    ['space before the first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', folding],
    ['tab before the first field', 'GET / HTTP/1.1\r\n\tX: 1\r\nHost: a\r\n\r\n', folding],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 'byte 0x16 in the method'],
  ]),
  ...section('2.3 version', [
    ['HTTP/2', head('GET / HTTP/2.0', 'Host: a'), version],
    ['HTTP/1.2', head('GET / HTTP/1.2', 'Host: a'), version],
    ['HTTP/1.', head('GET / HTTP/1.', 'Host: a'), version],
    ['HTTP/1.10', head('GET / HTTP/1.10', 'Host: a'), 'byte 0x30 in the request line'],
    ['HTTP/01.1', head('GET / HTTP/01.1', 'Host: a'), version],
    ['lower case', head('GET / http/1.1', 'Host: a'), version],
    ['another protocol', head('GET / ICAP/1.0', 'Host: a'), version],
    ['no version', 'GET /\r\n\r\n', 'a bare CR in the request target'],
    ['space behind it', head('GET / HTTP/1.1 ', 'Host: a'), 'byte 0x20 in the request line'],
  ]),
  ...section('3 request line', [
    ['two spaces before the target', head('GET  / HTTP/1.1', 'Host: a'), 'byte 0x20 in the request target'],
    ['two spaces before the version', head('GET /  HTTP/1.1', 'Host: a'), version],
    ['tab for space', head('GET\t/ HTTP/1.1', 'Host: a'), 'byte 0x09 in the method'],
    ['tab before the version', head('GET /\tHTTP/1.1', 'Host: a'), 'byte 0x09 in the request target'],
    ['space in the target', head('GET /a b HTTP/1.1', 'Host: a'), version],
    ['no target', head('GET HTTP/1.1', 'Host: a'), 'a bare CR in the request target'],
    ['a colon in the method', head('GE:T / HTTP/1.1', 'Host: a'), 'byte 0x3a in the method'],
    ['a byte above 127 in the method', head('G\xc9T / HTTP/1.1', 'Host: a'), 'byte 0xc9 in the method'],
    ['NUL in the target', head('GET /\0 HTTP/1.1', 'Host: a'), 'byte 0x00 in the request target'],
    ['DEL in the target', head('GET /\x7f HTTP/1.1', 'Host: a'), 'byte 0x7f in the request target'],
    ['a byte above 127 in the target', head('GET /\xe9 HTTP/1.1', 'Host: a'), 'byte 0xe9 in the request target'],
    ['a fragment', head('GET /a#b HTTP/1.1', 'Host: a'), 'byte 0x23 in the request target'],
  ]),
  ...section('3.2 request target', [
    ['a relative path', head('GET a HTTP/1.1', 'Host: a'), 'neither a path nor an http URL'],
    ['only a query', head('GET ?a HTTP/1.1', 'Host: a'), 'neither a path nor an http URL'],
    ['an authority', head('GET a.example:80 HTTP/1.1', 'Host: a'), 'neither a path nor an http URL'],
    ['another scheme', head('GET ftp://a/ HTTP/1.1', 'Host: a'), 'neither a path nor an http URL'],
    ['a file', head('GET file:///etc/passwd HTTP/1.1', 'Host: a'), 'neither a path nor an http URL'],
    ['a URL without authority', head('GET http:///x HTTP/1.1', 'Host: a'), 'neither a path nor an http URL'],
    ['a URL without slashes', head('GET http:x HTTP/1.1', 'Host: a'), 'neither a path nor an http URL'],
    ['a user before the host', head('GET http://b@c/ HTTP/1.1', 'Host: a'), 'neither a path nor an http URL'],
    ['a backslash in the host', head('GET http://b\\@c/ HTTP/1.1', 'Host: a'), 'neither a path nor an http URL'],
    ['an absolute one without Host', head('GET http://b/ HTTP/1.1'), 'no Host'],
    ['an absolute one with a bad Host', head('GET http://b/ HTTP/1.1', 'Host: a/b'), 'not one host name or address'],
  ]),
  ...section('3.2.3 authority-form', [
    ['CONNECT', head('CONNECT a:443 HTTP/1.1', 'Host: a:443'), 'CONNECT is not supported'],
    ['CONNECT of a path', head('CONNECT / HTTP/1.1', 'Host: a'), 'CONNECT is not supported'],
    ['CONNECT without Host', head('CONNECT a:443 HTTP/1.0'), 'CONNECT is not supported'],
  ]),
  ...section('3.2.4 asterisk-form', [
    ['GET *', head('GET * HTTP/1.1', 'Host: a'), 'the target * with a method other than OPTIONS'],
    ['options * in lower case', head('options * HTTP/1.1', 'Host: a'), 'the target * with a method other than OPTIONS'],
    ['two asterisks', head('OPTIONS ** HTTP/1.1', 'Host: a'), 'neither a path nor an http URL'],
  ]),
  ...section('5.1 field line parsing', [
    ['space before the colon', get('Content-Length : 5'), 'white space between a field name and its colon'],
    ['tab before the colon', get('Transfer-Encoding\t: chunked'), 'white space between a field name and its colon'],
    ['no colon', get('X'), 'a bare CR in a field name'],
    ['no name', get(': 1'), 'a field without a name'],
    ['a space in the name', get('X Y: 1'), 'white space between a field name and its colon'],
    ['a bracket in the name', get('X(: 1'), 'byte 0x28 in a field name'],
    ['a byte above 127 in the name', get('X\xe9: 1'), 'byte 0xe9 in a field name'],
    ['NUL in the name', get('X\0: 1'), 'byte 0x00 in a field name'],
    ['NUL in the value', get('X: a\0b'), 'byte 0x00 in a field value'],
    ['DEL in the value', get('X: a\x7fb'), 'byte 0x7f in a field value'],
    ['a control character in the value', get('X: a\x0bb'), 'byte 0x0b in a field value'],
    ['escape in the value', get('X: \x1b[2J'), 'byte 0x1b in a field value'],
  ]),
  ...section('5.2 obsolete line folding', [
    ['a folded value', get('X: 1', ' 2'), folding],
    ['folded by a tab', get('X: 1', '\t2'), folding],
    ['a folded empty value', get('Transfer-Encoding:', ' chunked'), folding],
    ['a line of spaces', get('X: 1', '  '), folding],
  ]),
  ...section('6.1 Transfer-Encoding', [
    [
      'with Content-Length',
      get('Content-Length: 5', 'Transfer-Encoding: chunked'),
      'both Content-Length and Transfer-Encoding',
    ],
    [
      'before Content-Length',
      get('Transfer-Encoding: chunked', 'Content-Length: 5'),
      'both Content-Length and Transfer-Encoding',
    ],
    [
      'with Content-Length: 0',
      get('Content-Length: 0', 'Transfer-Encoding: chunked'),
      'both Content-Length and Transfer-Encoding',
    ],
    ['in HTTP/1.0', head('POST / HTTP/1.0', 'Transfer-Encoding: chunked'), 'Transfer-Encoding in an HTTP/1.0 request'],
    ...[
      ['empty', ''],
      ['identity', 'identity'],
      ['gzip', 'gzip'],
      ['gzip, then chunked', 'gzip, chunked'],
      ['identity, then chunked', 'identity, chunked'],
      ['chunked, then identity', 'chunked, identity'],
      ['chunked twice', 'chunked, chunked'],
      ['chunked in a list', ', chunked'],
      ['chunked with a parameter', 'chunked;q=1'],
      ['chunked in quotes', '"chunked"'],
      ['something like chunked', 'xchunked'],
      ['chunked behind a tab', '\tchunked'],
      ['chunked before a tab', 'chunked \t'],
      ['chunked and a no-break space', 'chunked\xa0'],
    ].map(
      ([name, value]) => [name!, get(`Transfer-Encoding: ${value}`), 'a Transfer-Encoding other than chunked'] as const,
    ),
    ['chunked, a tab for the space', get('Transfer-Encoding:\tchunked'), 'a Transfer-Encoding other than chunked'],
    ['chunked in two fields', get('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), 'other than chunked'],
    [
      'identity in a second field',
      get('Transfer-Encoding: chunked', 'Transfer-Encoding: identity'),
      'other than chunked',
    ],
    ['empty beside Content-Length', get('Transfer-Encoding:', 'Content-Length: 5'), 'other than chunked'],
  ]),
  ...section('6.3 message body length', [
    ...[
      ['empty', ''],
      ['negative', '-1'],
      ['signed', '+5'],
      ['hexadecimal', '0x5'],
      ['a fraction', '5.0'],
      ['an exponent', '5e1'],
      ['a list of the same', '5, 5'],
      ['a list of different ones', '5, 6'],
      ['a space inside', '5 5'],
      ['words', 'five'],
      ['digits of another script', '\xb2'],
      ['more digits than stay exact', '1'.repeat(16)],
      ['behind a tab', '\t5'],
      ['before a tab', '5\t '],
    ].map(
      ([name, value]) => [`Content-Length: ${name}`, get(`Content-Length: ${value}`), 'not one plain number'] as const,
    ),
    ['Content-Length: a tab for the space', get('Content-Length:\t 5'), 'not one plain number'],
    ['Content-Length: two different ones', get('Content-Length: 5', 'Content-Length: 6'), 'not one plain number'],
    ['Content-Length: two of the same', get('Content-Length: 5', 'Content-Length: 5'), 'not one plain number'],
  ]),
  ...section('RFC 9110 7.2 Host', [
    ['none', head('GET / HTTP/1.1', 'X: 1'), 'no Host'],
    ['none, with OPTIONS *', head('OPTIONS * HTTP/1.1'), 'no Host'],
    ['two', head('GET / HTTP/1.1', 'Host: a', 'Host: b'), 'more than one Host'],
    ['two of the same', head('GET / HTTP/1.1', 'Host: a', 'host: a'), 'more than one Host'],
    ['two in HTTP/1.0', head('GET / HTTP/1.0', 'Host: a', 'Host: b'), 'more than one Host'],
    ...[
      '',
      'a, b',
      'a,b',
      'a b',
      'a/b',
      'a\\b',
      'u@a',
      'a:b',
      'a:80:80',
      'a?',
      'a#',
      '[::1',
      '"a"',
      ':80',
      'http://a',
    ].map(
      (host) =>
        [JSON.stringify(host), head('GET / HTTP/1.1', `Host: ${host}`), 'not one host name or address'] as const,
    ),
    ['empty in HTTP/1.0', head('GET / HTTP/1.0', 'Host:'), 'not one host name or address'],
  ]),
  ...section('RFC 9110 11.6.2 Authorization', [
    ['two', get('Authorization: Basic YTph', 'authorization: Basic YjpiCg'), 'more than one Authorization'],
  ]),
];
