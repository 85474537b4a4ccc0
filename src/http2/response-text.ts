import { isConnectionField, isPlainField } from './field.ts';

// An import would load what else `node:http` names, fetch and WebSocket among it: 2 MiB and 30 ms for each worker.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** How the body of an answer follows its head as HTTP/1.1 has it. */
export type AnswerShape = 'none' | 'length' | 'chunked';

/** An answer's head as HTTP/1.1 text. */
export interface AnswerText {
  /** With its empty line; '' when it is malformed. */
  readonly text: string;
  readonly shape: AnswerShape;
  /** With `length`: what Content-Length says. */
  readonly length: number;
}

const LENGTH = /^[0-9]{1,15}$/;
const malformed: AnswerText = { text: '', shape: 'none', length: 0 };

/** An interim answer as HTTP/1.1 text; '' when it is malformed, or a switch of protocols, which HTTP/2 has not. */
export function interimText(raw: readonly string[]): string {
  const { status, lines } = fieldsOf(raw);
  return status < 100 || status === 101 || status > 199 ? '' : `${statusLine(status)}${lines}\r\n`;
}

/**
 * Writes the head of a final answer as HTTP/1.1 has it; `endStream` when nothing follows. Each stream has one answer, so
 * the text says that its connection ends. An answer that is only a head has an empty body in chunks, which unlike a
 * length of 0 adds nothing to the fields when it becomes HTTP/2 again.
 */
export function answerHead(raw: readonly string[], method: string, endStream: boolean): AnswerText {
  const { status, lines, length, trailers } = fieldsOf(raw);
  if (status < 200 || status > 999) return malformed;
  const start = `${statusLine(status)}${lines}`;
  const end = 'connection: close\r\n\r\n';
  const lengthLine = length < 0 ? '' : `content-length: ${length}\r\n`;
  if (method === 'HEAD' || status === 304) return { text: `${start}${lengthLine}${end}`, shape: 'none', length: 0 };
  if (status === 204) return { text: `${start}${end}`, shape: 'none', length: 0 };
  if (endStream && length > 0) return malformed;
  if (endStream && length === 0) return { text: `${start}${lengthLine}${end}`, shape: 'none', length: 0 };
  if (endStream) return { text: `${start}transfer-encoding: chunked\r\n${end}0\r\n\r\n`, shape: 'none', length: 0 };
  if (length >= 0 && !trailers) return { text: `${start}${lengthLine}${end}`, shape: 'length', length };
  return { text: `${start}transfer-encoding: chunked\r\n${end}`, shape: 'chunked', length: 0 };
}

/** The answer to a WebSocket's CONNECT as the answer to an upgrade of HTTP/1.1; '' when it is malformed. */
export function switchText(raw: readonly string[], accept: string): string {
  const { status, lines } = fieldsOf(raw, 'sec-websocket-accept');
  if (status !== 200) return '';
  const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n`;
  return `${statusLine(101)}${upgrade}${lines}\r\n`;
}

function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
}

/** What raw fields say; the status is -1 when one of them would be something else in HTTP/1.1. */
function fieldsOf(raw: readonly string[], skip = '') {
  const said = { status: -1, lines: '', length: -1, trailers: false };
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    if (name === ':status') said.status = Number(value);
    else if (!isPlainField(name, value) || isConnectionField(name)) return { ...said, status: -1 };
    else if (name === 'content-length') {
      if (!LENGTH.test(value) || (said.length >= 0 && said.length !== Number(value))) return { ...said, status: -1 };
      said.length = Number(value);
    } else if (name !== skip) {
      if (name === 'trailer') said.trailers = true;
      said.lines += `${name}: ${value}\r\n`;
    }
  }
  return said;
}
