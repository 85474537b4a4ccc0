import { get, head } from '../http1/request-text.ts';
import { chunked } from '../support/requests.ts';

/** Requests that are right or odd, and how they come to the backend. What is refused is in `test/http1/refused-requests.ts`. */
export interface RequestCase {
  /** Where it is settled: RFC 9112 unless it says otherwise. */
  readonly section: string;
  readonly name: string;
  /** What the client sends on one connection. */
  readonly sent: string;
  /** What the backend gets, byte for byte but for the fields that every request is given (X-Forwarded-*, X-Request-Id). */
  readonly comes: string;
  /** How many answers the client gets. */
  readonly answers: number;
  /** The connection of the client afterwards. */
  readonly client: 'goes on' | 'closes';
}

type Row = readonly [name: string, sent: string, comes?: string, more?: Partial<RequestCase>];

function section(title: string, rows: readonly Row[]): RequestCase[] {
  return rows.map(([name, sent, comes = sent, more = {}]) => {
    return { section: title, name, sent, comes, answers: 1, client: 'goes on', ...more };
  });
}

const first = `${head('POST /1 HTTP/1.1', 'Host: a', 'Content-Length: 5')}hello`;
const second = head('GET /2 HTTP/1.1', 'Host: a');
const third = `${head('PUT /3 HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}${chunked(['a', 'bc'])}`;
const closes = { client: 'closes' } as const;
const chunkedTo = (body: string): string => head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked') + body;

/** The cases, by section. */
export const requestCases: readonly RequestCase[] = [
  ...section('2.2 message parsing', [
    ['empty lines before it', `\r\n\r\n${get()}`, get()],
    ['empty lines behind a body', `${first}\r\n${second}`, first + second, { answers: 2 }],
  ]),
  ...section('3.1 method', [
    ['one that nobody knows', head('BREW /pot HTTP/1.1', 'Host: a')],
    ['lower case, which is another method', head('get / HTTP/1.1', 'Host: a')],
  ]),
  ...section('3.2.1 origin-form', [
    ['a path that nobody may touch', head('GET /a/../%2e%2f//b;c?d=/&%zz HTTP/1.1', 'Host: a')],
  ]),
  ...section('3.2.2 absolute-form', [
    [
      'the target wins over Host',
      head('GET http://b:81/x HTTP/1.1', 'Host: a', 'X: 1'),
      head('GET /x HTTP/1.1', 'X: 1', 'Host: b:81'),
    ],
  ]),
  ...section('3.2.4 asterisk-form', [
    ['OPTIONS *', head('OPTIONS * HTTP/1.1', 'Host: a')],
    ['a whole host', head('OPTIONS http://b HTTP/1.1', 'Host: a'), head('OPTIONS * HTTP/1.1', 'Host: b')],
  ]),
  ...section('5.1 field line parsing', [
    ['odd names, spaces and bytes', get('x-ODD:1', 'X-odd: \t\xe9 ', 'Empty:', "!#$%&'*+-.^_`|~: 1")],
  ]),
  ...section('6.3 message body length', [
    ['a POST without a length', head('POST / HTTP/1.1', 'Host: a')],
    ['a GET with a body', `${get('Content-Length: 2')}ok`],
    [
      'a body that looks like a request',
      `${head('POST / HTTP/1.1', 'Host: a', `Content-Length: ${second.length}`)}${second}`,
    ],
  ]),
  ...section('7.1 chunked coding', [
    ['as it came, extensions and all', chunkedTo('03;a="b;c"\r\nabc\r\n1\r\n\n\r\n0;d\r\n\r\n')],
  ]),
  ...section('7.1.2 trailers', [['stay behind the body', chunkedTo('1\r\na\r\n0\r\nX-Sum: 1\r\ny:\r\n\r\n')]]),
  ...section('9.3 persistence', [
    ['Connection: close', get('Connection: close') + second, get(), closes],
    ['HTTP/1.0', head('GET / HTTP/1.0', 'Host: a') + second, head('GET / HTTP/1.1', 'Host: a'), closes],
    [
      'HTTP/1.0 that stays',
      head('GET / HTTP/1.0', 'Host: a', 'Connection: keep-alive'),
      head('GET / HTTP/1.1', 'Host: a'),
    ],
    ['both, which is close', get('Connection: keep-alive', 'Connection: close'), get(), closes],
  ]),
  ...section('9.3.2 pipelining', [['three in turn', first + third + second, first + third + second, { answers: 3 }]]),
  ...section('RFC 9110 5.3 field order', [
    ['fields of one name are neither merged nor moved', get('A: 1', 'B: 2', 'a: 3', 'Cookie: x', 'Cookie: y')],
  ]),
  ...section('RFC 9110 7.2 Host', [['as it was written', head('GET / HTTP/1.1', 'hOST:  A.Example:80 ')]]),
  ...section('RFC 9110 7.6.1 Connection', [
    ['what it names goes no further', get('Connection: X-Hop, keep-alive', 'X-Hop: 1', 'X: 2'), get('X: 2')],
    ['fields of this hop', get('Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive', 'X: 2'), get('X: 2')],
    [
      'it cannot name what a request turns on',
      `${head('POST / HTTP/1.1', 'Host: a', 'Connection: Host, Content-Length', 'Content-Length: 2')}ok`,
      `${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 2')}ok`,
    ],
  ]),
  ...section('RFC 9110 7.6.3 Via', [['is passed on, and none is added', get('Via: 1.1 cache')]]),
  ...section('RFC 9110 7.8 Upgrade', [
    [
      'a wish that is declined',
      get('Upgrade: websocket', 'Connection: upgrade', 'X: 1'),
      get('X: 1', 'Connection: Upgrade', 'Upgrade: websocket'),
    ],
    ['one that Connection does not name', get('Upgrade: websocket'), get()],
    ['to HTTP/2, which would hide its requests', get('Connection: Upgrade', 'Upgrade: h2c'), get()],
  ]),
  ...section('RFC 9110 10.1.1 Expect', [
    [
      'is for the backend to say',
      `${head('POST / HTTP/1.1', 'Host: a', 'Expect: 100-continue', 'Content-Length: 2')}ok`,
    ],
    [
      'means nothing in HTTP/1.0',
      `${head('POST / HTTP/1.0', 'Host: a', 'Expect: 100-continue', 'Content-Length: 2')}ok`,
      `${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 2')}ok`,
      closes,
    ],
  ]),
  ...section('RFC 9110 10.1.4 TE', [
    [
      'trailers are passed on, codings are not',
      get('Connection: TE', 'TE: gzip;q=0.5, trailers'),
      get('Connection: TE', 'TE: trailers'),
    ],
  ]),
];
