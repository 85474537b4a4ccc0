import { get, head } from './request-text.ts';

/** A request head that is understood, and what is read of it. */
export interface AcceptedRequest {
  readonly section: string;
  readonly name: string;
  readonly text: string;
  readonly reads: Readonly<Record<string, unknown>>;
}

type Row = readonly [name: string, text: string, reads: Readonly<Record<string, unknown>>];

function section(title: string, rows: readonly Row[]): AcceptedRequest[] {
  return rows.map(([name, text, reads]) => ({ section: title, name, text, reads }));
}

const plain = { method: 'GET', target: '/', originTarget: '/', minor: 1, authority: 'a.example', absolute: false };
const oddMethod = "!#$%&'*+-.^_`|~aZ09";
const visible = '!"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~';
const oddTarget = '/a/../%2e%2f//b;c=1@:!$&\'()*+,\\"<>[]{}|^`~?q=/?&%';

/** Request heads that are understood, by section of RFC 9112 (and of RFC 9110 where it says so). */
export const acceptedRequests: readonly AcceptedRequest[] = [
  ...section('2.1 message format', [
    [
      'no more than it must have',
      get(),
      { ...plain, fields: [['Host', 'a.example']], contentLength: -1, chunked: false },
    ],
    ['HTTP/1.0 without any field', head('GET / HTTP/1.0'), { method: 'GET', minor: 0, authority: '', fields: [] }],
  ]),
  ...section('2.2 message parsing', [
    ['an empty line before it', `\r\n${get()}`, { ...plain, text: get() }],
    ['four empty lines before it', `\r\n\r\n\r\n\r\n${get()}`, { ...plain, text: get() }],
    ['another request behind it', `${get()}GET /next HTTP/1.1\r\n`, { ...plain, end: get().length, text: get() }],
  ]),
  ...section('3.1 method', [
    ['every character of a token', head(`${oddMethod} / HTTP/1.1`, 'Host: a'), { method: oddMethod, target: '/' }],
    ['lower case, which is another method', head('get / HTTP/1.1', 'Host: a'), { method: 'get' }],
  ]),
  ...section('3.2.1 origin-form', [
    [
      'what no URL parser may touch',
      head(`GET ${oddTarget} HTTP/1.1`, 'Host: a'),
      { target: oddTarget, originTarget: oddTarget },
    ],
    [
      'two slashes, which are no authority',
      head('GET //b.example/ HTTP/1.1', 'Host: a'),
      { originTarget: '//b.example/', authority: 'a' },
    ],
    ['a URL as path', head('GET /http://b.example/ HTTP/1.1', 'Host: a'), { absolute: false, authority: 'a' }],
  ]),
  ...section('3.2.2 absolute-form', [
    [
      'another authority than Host: the target wins',
      head('GET http://b.example:81/x?y HTTP/1.1', 'Host: a.example'),
      { absolute: true, authority: 'b.example:81', originTarget: '/x?y', target: 'http://b.example:81/x?y' },
    ],
    ['no path', head('GET http://b.example HTTP/1.1', 'Host: a'), { authority: 'b.example', originTarget: '/' }],
    ['a query without a path', head('GET http://b?q=/ HTTP/1.1', 'Host: a'), { authority: 'b', originTarget: '/?q=/' }],
    ['https, in any case', head('GET hTTpS://b/ HTTP/1.1', 'Host: a'), { authority: 'b', originTarget: '/' }],
    ['an IPv6 address', head('GET http://[::1]:80/ HTTP/1.1', 'Host: a'), { authority: '[::1]:80' }],
    ['HTTP/1.0 without Host', head('GET http://b/ HTTP/1.0'), { authority: 'b', absolute: true, minor: 0 }],
    [
      'a URL in the query',
      head('GET http://b/?u=http://c/ HTTP/1.1', 'Host: a'),
      { authority: 'b', originTarget: '/?u=http://c/' },
    ],
  ]),
  ...section('3.2.4 asterisk-form', [
    ['OPTIONS *', head('OPTIONS * HTTP/1.1', 'Host: a'), { target: '*', originTarget: '*', absolute: false }],
    ['OPTIONS of a whole host', head('OPTIONS http://b HTTP/1.1', 'Host: a'), { originTarget: '*', authority: 'b' }],
    ['OPTIONS of its root', head('OPTIONS http://b/ HTTP/1.1', 'Host: a'), { originTarget: '/', authority: 'b' }],
    ['OPTIONS with a query', head('OPTIONS http://b?q HTTP/1.1', 'Host: a'), { originTarget: '/?q', authority: 'b' }],
  ]),
  ...section('5.1 field line parsing', [
    [
      'no space around the value',
      get('X:1'),
      {
        fields: [
          ['Host', 'a.example'],
          ['X', '1'],
        ],
      },
    ],
    [
      'spaces and tabs around the value',
      get('X: \t 1 2\t3 \t '),
      {
        fields: [
          ['Host', 'a.example'],
          ['X', '1 2\t3'],
        ],
      },
    ],
    [
      'an empty value',
      get('X:', 'Y: \t '),
      {
        fields: [
          ['Host', 'a.example'],
          ['X', ''],
          ['Y', ''],
        ],
      },
    ],
    [
      'a colon in the value',
      get('X: :a:b: '),
      {
        fields: [
          ['Host', 'a.example'],
          ['X', ':a:b:'],
        ],
      },
    ],
    [
      'every character of a token in the name',
      get(`${oddMethod}: 1`),
      {
        fields: [
          ['Host', 'a.example'],
          [oddMethod, '1'],
        ],
      },
    ],
    [
      'bytes above 127 in the value',
      get('X: \x80é\xff'),
      {
        fields: [
          ['Host', 'a.example'],
          ['X', '\x80é\xff'],
        ],
      },
    ],
    [
      'every visible character',
      get(`X: ${visible}`),
      {
        fields: [
          ['Host', 'a.example'],
          ['X', visible],
        ],
      },
    ],
  ]),
  ...section('6.1 Transfer-Encoding', [
    ['chunked', get('Transfer-Encoding: chunked'), { chunked: true, contentLength: -1 }],
    ['chunked in any case', get('tRANSFER-eNCODING:  cHUNKED  '), { chunked: true }],
  ]),
  ...section('6.2 Content-Length', [
    ['a number', get('Content-Length: 42'), { contentLength: 42, chunked: false }],
    ['nothing', get('content-length:0'), { contentLength: 0 }],
    ['spaces around it, and a tab in another line', get('Content-Length:  7  ', 'X:\t1'), { contentLength: 7 }],
    ['zeros in front', get('Content-Length: 0010'), { contentLength: 10 }],
    ['as many digits as stay exact', get(`Content-Length: ${'9'.repeat(15)}`), { contentLength: 999_999_999_999_999 }],
  ]),
  ...section('9.3 persistence', [
    ['HTTP/1.1', get(), { persistent: true }],
    ['HTTP/1.1 that closes', get('Connection: x, Close'), { persistent: false, connectionClose: true }],
    ['HTTP/1.0', head('GET / HTTP/1.0'), { persistent: false }],
    [
      'HTTP/1.0 that stays',
      head('GET / HTTP/1.0', 'Connection: Keep-Alive'),
      { persistent: true, connectionKeepAlive: true },
    ],
    ['HTTP/1.0 that cannot decide', head('GET / HTTP/1.0', 'Connection: keep-alive, close'), { persistent: false }],
    ['HTTP/1.1 that cannot decide', get('Connection: keep-alive', 'Connection: close'), { persistent: false }],
  ]),
  ...section('RFC 9110 7.2 Host', [
    ['a port', head('GET / HTTP/1.1', 'Host: a:8080'), { authority: 'a:8080' }],
    ['spaces around it', head('GET / HTTP/1.1', 'hOST: \t a \t'), { authority: 'a' }],
    ['not the first field', head('GET / HTTP/1.1', 'X: 1', 'Host: a'), { authority: 'a' }],
    ['HTTP/1.0 with one', head('GET / HTTP/1.0', 'Host: a'), { authority: 'a', minor: 0 }],
  ]),
  ...section('RFC 9110 7.6.1 Connection', [
    [
      'nominated fields',
      get('Connection: X-A, close ,,x-B', 'Connection: \tx-c'),
      { nominated: ['x-a', 'x-b', 'x-c'], connectionClose: true },
    ],
    [
      'known options only',
      get('Connection: Close, Keep-Alive, Upgrade'),
      { nominated: undefined, connectionUpgrade: true, connectionKeepAlive: true },
    ],
    [
      'a no-break space, which is no white space',
      get('Connection: close\xa0, \xa0keep-alive'),
      { connectionClose: false, connectionKeepAlive: false, nominated: ['close\xa0', '\xa0keep-alive'] },
    ],
    ['nothing', get('Connection:'), { nominated: undefined, connectionClose: false }],
    [
      'a name that only begins so',
      get('Connection: closed, keep-alives'),
      { connectionClose: false, connectionKeepAlive: false },
    ],
  ]),
  ...section('RFC 9110 7.8 Upgrade', [
    ['a WebSocket', get('Connection: Upgrade', 'Upgrade: websocket'), { upgradeProtocol: 'websocket' }],
    [
      'as the first field',
      head('GET / HTTP/1.1', 'Upgrade: a', 'Connection: upgrade', 'Host: a'),
      { upgradeProtocol: 'a' },
    ],
    ['without Connection', get('Upgrade: websocket'), { upgradeProtocol: undefined }],
    ['without Upgrade', get('Connection: upgrade'), { upgradeProtocol: undefined }],
    ['of nothing', get('Connection: upgrade', 'Upgrade:'), { upgradeProtocol: undefined }],
    [
      'in HTTP/1.0',
      head('GET / HTTP/1.0', 'Connection: upgrade', 'Upgrade: websocket'),
      { upgradeProtocol: undefined },
    ],
    ['to HTTP/2', get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: H2C'), { upgradeProtocol: undefined }],
    [
      'to HTTP/2 among others',
      get('Connection: Upgrade', 'Upgrade: websocket, h2c ,x'),
      { upgradeProtocol: undefined },
    ],
    ['to a name that only contains it', get('Connection: Upgrade', 'Upgrade: xh2c'), { upgradeProtocol: 'xh2c' }],
    ['twice: the first counts', get('Connection: Upgrade', 'Upgrade: a', 'Upgrade: h2c'), { upgradeProtocol: 'a' }],
  ]),
];
