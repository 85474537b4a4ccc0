import { requestCases } from '../conformance/request-cases.ts';
import { responseCases } from '../conformance/response-cases.ts';
import { acceptedRequests } from '../http1/accepted-requests.ts';
import { acceptedChunks, refusedChunks } from '../http1/chunk-cases.ts';
import { refusedRequests } from '../http1/refused-requests.ts';
import { head } from '../http1/request-text.ts';

const post = head('POST / HTTP/1.1', 'Host: a.example', 'Transfer-Encoding: chunked');
const chunks = [...acceptedChunks, ...refusedChunks].map(({ text }) => text);

/** Requests that are right or wrong, one or several on a connection. */
export const requestSeeds: readonly string[] = [
  ...acceptedRequests.map(({ text }) => text),
  ...refusedRequests.map(({ text }) => text),
  ...chunks.map((text) => post + text),
  ...requestCases.map(({ sent }) => sent),
  `${head('POST /a HTTP/1.1', 'Host: a', 'Content-Length: 12')}Hello, world`,
  `${head('HEAD / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}2\r\nok\r\nzz`,
  `${head('PUT /a HTTP/1.1', 'Host: a', 'Content-Length: 5', 'Expect: 100-continue')}HelloGET /b HTTP/1.1\r\nHost: b\r\n\r\n`,
  `${head('POST /a HTTP/1.0', 'Content-Length: 3', 'Connection: keep-alive')}abc${head('HEAD /b HTTP/1.0')}`,
  `${post}a\r\n0123456789\r\n0\r\nX-A: 1\r\nY:2\r\n\r\n${head('GET /b HTTP/1.1', 'Host: b')}`,
  `${post}5\r\nGET /\r\n0\r\n\r\n${head('HEAD /b HTTP/1.1', 'Host: b')}${head('GET /c HTTP/1.1', 'Host: c')}`,
  head('GET /chat HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'),
  head('GET / HTTP/1.1', 'Host: a', 'Connection: TE, X-Hop', 'TE: trailers', 'X-Hop: 1', 'Keep-Alive: timeout=5'),
];

/** Longer ones are about limits, which a mutation seldom leaves where they are. */
const MOST_BYTES = 1200;

/** Responses, interim ones before them, and what comes behind them. */
export const responseSeeds: readonly string[] = [
  ...responseCases.map(({ bytes }) => bytes).filter(({ length }) => length > 0 && length < MOST_BYTES),
  `${head('HTTP/1.1 200 OK', 'Content-Length: 5', 'X-A: 1')}Hello`,
  `${head('HTTP/1.1 200 OK', 'Content-Length: 5', 'Connection: close')}Hello`,
  `${head('HTTP/1.0 200 OK')}until the end`,
  `${head('HTTP/1.0 200 OK', 'Content-Length: 2', 'Connection: keep-alive')}ok`,
  `${head('HTTP/1.1 404 Not Found', 'Keep-Alive: timeout=5, max=2')}gone\r\n\r\n`,
  head('HTTP/1.1 204 No Content'),
  head('HTTP/1.1 304 Not Modified', 'Content-Length: 10', 'ETag: "a"'),
  `${head('HTTP/1.1 204 No Content')}bytes behind it`,
  `${head('HTTP/1.1 100 Continue')}${head('HTTP/1.1 200 OK', 'Content-Length: 2')}ok`,
  `${head('HTTP/1.1 103 Early Hints', 'Link: </a>')}${head('HTTP/1.1 200 OK', 'Content-Length: 2')}ok`,
  head('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'),
  `${head('HTTP/1.1 200 OK', 'Content-Length: 2')}ok${head('HTTP/1.1 200 OK', 'Content-Length: 2')}ko`,
  head('HTTP/1.1 426 Upgrade Required', 'Upgrade: h2c', 'Connection: Upgrade', 'Content-Length: 0'),
  ...chunks.map((text) => head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked') + text),
  ...['Content-Length: 3', 'Content-Length: 2, 3', 'Transfer-Encoding: chunked', 'Transfer-Encoding: gzip'].map(
    (line) => `${head('HTTP/1.1 200 OK', 'Content-Length: 2', line)}ok`,
  ),
];
