/** A chunked body that is understood. */
export interface AcceptedChunks {
  readonly name: string;
  readonly text: string;
  readonly data: string;
}

/** A chunked body that is refused: where the fault is, and what is said of it. */
export interface RefusedChunks {
  readonly name: string;
  readonly text: string;
  readonly fault: number;
  readonly problem: string;
}

const end = '0\r\n\r\n';

/** Chunked bodies that are understood (RFC 9112 §7.1). */
export const acceptedChunks: readonly AcceptedChunks[] = (
  [
    ['no data', end, ''],
    ['one chunk', `3\r\nabc\r\n${end}`, 'abc'],
    ['two chunks', `1\r\na\r\n2\r\nbc\r\n${end}`, 'abc'],
    [
      'digits of both cases',
      `a\r\n0123456789\r\nA\r\n0123456789\r\n1F\r\n${'f'.repeat(31)}\r\n${end}`,
      `${'0123456789'.repeat(2)}${'f'.repeat(31)}`,
    ],
    ['zeros in front', `0003\r\nabc\r\n000\r\n\r\n`, 'abc'],
    ['data that looks like framing', `7\r\n\r\n0\r\n\r\n\r\n${end}`, '\r\n0\r\n\r\n'],
    ['every byte as data', `100\r\n${everyByte()}\r\n${end}`, everyByte()],
    ['an extension', `3;name=value\r\nabc\r\n${end}`, 'abc'],
    ['an empty extension', `3;\r\nabc\r\n0;\r\n\r\n`, 'abc'],
    ['a quoted extension with spaces and tabs', `3; a = "b;\t\xe9" ;c\r\nabc\r\n0;x\r\n\r\n`, 'abc'],
    ['a trailer', `1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n`, 'a'],
    ['several trailers', `0\r\nX-Sum:1\r\nA:\r\nB: \t:b \xe9\r\n\r\n`, ''],
  ] as const
).map(([name, text, data]) => ({ name, text, data }));

function everyByte(): string {
  return String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
}

const sizes = 'a chunk size that is not a hexadecimal number';
const control = 'a control character in a chunk extension';

/** Chunked bodies that are refused (RFC 9112 §7.1, §11.2); `fault` is the first byte that shows it. */
export const refusedChunks: readonly RefusedChunks[] = (
  [
    ['no size', '\r\nabc\r\n', 0, sizes],
    ['an extension without a size', ';x\r\nabc\r\n', 0, sizes],
    ['a prefix', '0x3\r\nabc\r\n', 1, sizes],
    ['a sign', '+3\r\nabc\r\n', 0, sizes],
    ['a negative size', '-1\r\nabc\r\n', 0, sizes],
    ['a letter behind f', 'g\r\nabc\r\n', 0, sizes],
    ['a letter behind F', '1G\r\nabc\r\n', 1, sizes],
    ['an underscore', '1_0\r\nabc\r\n', 1, sizes],
    ['a digit of another script', '\xb2\r\nab\r\n', 0, sizes],
    ['space before the size', ' 3\r\nabc\r\n', 0, sizes],
    ['space behind the size', '3 \r\nabc\r\n', 1, sizes],
    ['space before an extension', '3 ;x\r\nabc\r\n', 1, sizes],
    ['tab behind the size', '3\t\r\nabc\r\n', 1, sizes],
    ['NUL behind the size', '3\0\r\nabc\r\n', 1, sizes],
    ['LF behind the size', '3\nabc\r\n', 1, sizes],
    ['CR behind the size', '3\rabc\r\n', 2, 'a chunk size line without CRLF'],
    ['two CRs behind the size', '3\r\r\nabc\r\n', 2, 'a chunk size line without CRLF'],
    ['LF in an extension', '3;x\nabc\r\n', 3, control],
    ['CR in an extension', '3;x\ry\r\nabc\r\n', 4, 'a chunk size line without CRLF'],
    ['LF in a quoted extension', '3;x="\n"\r\nabc\r\n', 5, control],
    ['NUL in an extension', '3;x\0\r\nabc\r\n', 3, control],
    ['DEL in an extension', '3;x\x7f\r\nabc\r\n', 3, control],
    ['more data than the size says', '3\r\nabcd\r\n', 6, 'a chunk that is not as long as its size'],
    ['a request behind the data', '3\r\nabcGET / HTTP/1.1\r\n', 6, 'a chunk that is not as long as its size'],
    ['less data than the size says', '4\r\nabc\r\n0\r\n\r\n', 7, 'a chunk that is not as long as its size'],
    ['LF behind the data', '3\r\nabc\n0\r\n\r\n', 6, 'a chunk that is not as long as its size'],
    ['CR behind the data', '3\r\nabc\r0\r\n\r\n', 7, 'a chunk that does not end in CRLF'],
    ['an empty line between chunks', '1\r\na\r\n\r\n0\r\n\r\n', 6, sizes],
    ['LF behind the last chunk', '0\n\r\n', 1, sizes],
    ['LF at the end', '0\r\n\n', 3, 'a malformed trailer'],
    ['CR at the end', '0\r\n\rX', 4, 'a bare CR after the trailers'],
    ['a request for a trailer', '0\r\nGET / HTTP/1.1\r\n\r\n', 6, 'a malformed trailer'],
    ['a trailer without a colon', '0\r\nX\r\n\r\n', 4, 'a malformed trailer'],
    ['a trailer without a name', '0\r\n: 1\r\n\r\n', 3, 'a malformed trailer'],
    ['a second trailer without a name', '0\r\nX: 1\r\n: 1\r\n\r\n', 9, 'a malformed trailer'],
    ['space before the colon of a trailer', '0\r\nX : 1\r\n\r\n', 4, 'a malformed trailer'],
    ['a folded trailer', '0\r\nX: 1\r\n 2\r\n\r\n', 9, 'a malformed trailer'],
    ['a byte above 127 in the name of a trailer', '0\r\nX\xe9: 1\r\n\r\n', 4, 'a malformed trailer'],
    ['NUL in a trailer', '0\r\nX: \0\r\n\r\n', 6, 'a control character in a trailer'],
    ['DEL in a trailer', '0\r\nX: a\x7f\r\n\r\n', 7, 'a control character in a trailer'],
    ['LF behind a trailer', '0\r\nX: 1\n\r\n', 7, 'a control character in a trailer'],
    ['CR in a trailer', '0\r\nX: 1\r2\r\n\r\n', 8, 'a bare CR in a trailer'],
  ] as const
).map(([name, text, fault, problem]) => ({ name, text, fault, problem }));

/** Fields that change framing, routing or rights, and so may not come behind the body (RFC 9110 §6.5.1). */
export const forbiddenTrailers: readonly string[] = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'authorization',
  'te',
  'trailer',
  'expect',
  'upgrade',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-client-cert-subject',
  'x-client-cert-fingerprint',
];
