/**
 * One HTTP/1 message as a test reads it, in latin1 text. The reader is naive on purpose and shares nothing with
 * src/http1, so that a fault of one does not hide a fault of the other.
 */
export interface HttpText {
  /** The request line or the status line. */
  readonly startLine: string;
  /** Names and values in the order they came, case as it came. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The body without its framing. */
  readonly body: string;
  /** Trailer lines of a chunked body. */
  readonly trailers: readonly string[];
  /** The status of an answer, 0 for a request. */
  readonly status: number;
  /** How many characters of the text the message takes. */
  readonly length: number;
}

/** The value of the only field of that name; '' when there is none; all values, joined by ` | `, when there are more. */
export function fieldOf(message: Pick<HttpText, 'fields'>, name: string): string {
  const values = message.fields.filter(([key]) => key.toLowerCase() === name.toLowerCase());
  return values.map(([, value]) => value).join(' | ');
}

/** What the framing of a message cannot tell by itself. */
export interface Reading {
  /** The answer is to a HEAD request. */
  readonly bodiless?: boolean;
  /** The connection is closed: a body that ends with it is complete. */
  readonly closed?: boolean;
}

/** The message that `text` begins with; undefined as long as it is not complete. */
export function readMessage(text: string, reading: Reading = {}): HttpText | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [startLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const fields = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '')] as const;
  });
  const status = startLine.startsWith('HTTP/') ? Number(startLine.split(' ')[1]) : 0;
  const rest = text.slice(headEnd + 4);
  const content = readContent({ status, fields }, rest, reading);
  if (content === undefined) return undefined;
  return { startLine, fields, status, ...content, length: headEnd + 4 + content.length };
}

type Content = Pick<HttpText, 'body' | 'trailers' | 'length'>;

function readContent(head: Pick<HttpText, 'status' | 'fields'>, rest: string, reading: Reading): Content | undefined {
  const { status } = head;
  const answer = status !== 0;
  const none = { body: '', trailers: [], length: 0 };
  if (reading.bodiless === true || (answer && (status < 200 || status === 204 || status === 304))) return none;
  if (/chunked/i.test(fieldOf(head, 'transfer-encoding'))) return readChunks(rest);
  const length = fieldOf(head, 'content-length');
  if (length !== '') {
    return rest.length < Number(length)
      ? undefined
      : { body: rest.slice(0, Number(length)), trailers: [], length: Number(length) };
  }
  if (!answer) return none;
  return reading.closed === true ? { body: rest, trailers: [], length: rest.length } : undefined;
}

function readChunks(text: string): Content | undefined {
  let body = '';
  let pos = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', pos);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(pos, lineEnd), 16);
    pos = lineEnd + 2;
    if (size === 0) return readTrailers(text, pos, body);
    if (text.length < pos + size + 2) return undefined;
    body += text.slice(pos, pos + size);
    pos += size + 2;
  }
}

function readTrailers(text: string, start: number, body: string): Content | undefined {
  if (text.startsWith('\r\n', start)) return { body, trailers: [], length: start + 2 };
  const end = text.indexOf('\r\n\r\n', start);
  return end < 0 ? undefined : { body, trailers: text.slice(start, end).split('\r\n'), length: end + 4 };
}

/** All complete messages that `text` begins with, and what is left behind them. */
export function readMessages(text: string, reading: Reading = {}): { messages: HttpText[]; rest: string } {
  const messages: HttpText[] = [];
  let rest = text;
  for (let message = readMessage(rest, reading); message !== undefined; message = readMessage(rest, reading)) {
    messages.push(message);
    rest = rest.slice(message.length);
  }
  return { messages, rest };
}
