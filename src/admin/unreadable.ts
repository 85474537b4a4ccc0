import type { Duplex } from 'node:stream';
import type { AdminError } from './schema.ts';

const malformed: AdminError = { error: 'bad-request', message: 'the request is not well-formed HTTP' };
const tooLate: AdminError = { error: 'request-timeout', message: 'the request took too long to arrive' };
const headTooLarge: AdminError = { error: 'head-too-large', message: 'the header fields are too large' };

/**
 * Answers, on the bare socket, what node:http could not read as a request or did not get in time, and closes the
 * connection. Where nobody can be answered any more it only closes.
 */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  let [status, body] = ['400 Bad Request', malformed];
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') [status, body] = ['408 Request Timeout', tooLate];
  if (error.code === 'HPE_HEADER_OVERFLOW') [status, body] = ['431 Request Header Fields Too Large', headTooLarge];
  const text = JSON.stringify(body);
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}`;
  socket.end(`${head}\r\nConnection: close\r\n\r\n${text}`);
}
