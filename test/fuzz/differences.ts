import { methods } from 'node:_http_common';
import type { OwnReading } from './own.ts';

/**
 * Where we take on purpose what Node's parser refuses. Each one says how to write the same text without it: so written,
 * both must read the same, and we must read the same number of messages with the same bodies as before.
 */
export interface Difference {
  readonly name: string;
  readonly reason: string;
  /** The text without what Node stumbles over; the same text when there is nothing of it. `own` is our reading of it. */
  without(text: string, own: OwnReading): string;
  /** Texts that show it: we take them, the oracle does not. */
  readonly examples: readonly string[];
}

/** Those that mean something to framing are left alone. */
const meaningful: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'CONNECT']);

/** The text with a part of each message rewritten, the last message first, so that places stay as they are. */
function rewritten(text: string, own: OwnReading, rewrite: (part: string, index: number) => string): string {
  for (let i = own.spans.length - 1; i >= 0; i--) {
    const from = own.spans[i]!.start;
    const to = own.spans[i + 1]?.start ?? text.length;
    text = text.slice(0, from) + rewrite(text.slice(from, to), i) + text.slice(to);
  }
  return text;
}

/** A chunked body without what stands between a chunk size and its line end. */
function withoutExtensions(body: string): string {
  let plain = '';
  for (;;) {
    const size = /^([0-9a-fA-F]+)(;[\t\x20-\x7e\x80-\xff]*)?(\r\n|\r?$)/.exec(body);
    if (size === null) return plain + body;
    const end = size[0].length + Number.parseInt(size[1]!, 16) + 2;
    if (size[3] !== '\r\n' || end === size[0].length + 2) return plain + size[1] + size[3] + body.slice(size[0].length);
    plain += size[1]! + size[3] + body.slice(size[0].length, end);
    body = body.slice(end);
  }
}

const extensions: Omit<Difference, 'examples'> = {
  name: 'chunk extensions',
  reason: 'Node checks the grammar of chunk extensions; we skip them to their CRLF (RFC 9112 §7.1.1), within a limit',
  without: (text, own) =>
    rewritten(text, own, (part, i) => {
      const { start, bodyStart, chunked } = own.spans[i]!;
      if (!chunked) return part;
      return part.slice(0, bodyStart - start) + withoutExtensions(part.slice(bodyStart - start));
    }),
};

const badExtensions = ['1; =\r\na\r\n0\r\n\r\n', '1\r\na\r\n0;"\r\n\r\n', '3;x="a\r\n'];

/** The differences of requests. */
export const requestDifferences: readonly Difference[] = [
  {
    name: 'methods',
    reason: `Node knows ${methods.length} methods; a balancer passes on any (RFC 9110 §9.1), as the backend decides`,
    without: (text, own) =>
      rewritten(text, own, (part) => part.replace(/^[^ ]+/, (method) => (meaningful.has(method) ? method : 'PUT'))),
    examples: ['BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n', 'get / HTTP/1.1\r\nHost: a\r\n\r\n'],
  },
  {
    ...extensions,
    examples: badExtensions.map((body) => `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`),
  },
];

/** The differences of responses. */
export const responseDifferences: readonly Difference[] = [
  {
    ...extensions,
    examples: badExtensions.map((body) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`),
  },
  {
    name: 'interim responses that close',
    reason:
      'an interim response cannot end a connection on which the final one follows (RFC 9110 §15.2): what it says of the connection goes no further than us',
    without: (text, own) =>
      rewritten(text, own, (part, i) => {
        const { line, persistent } = own.messages[i]!;
        return /^1(?!01)/.test(line) && !persistent ? `HTTP/1.1 ${line.slice(0, 3)} x\r\n\r\n` : part;
      }),
    examples: ['HTTP/1.0 100 x', 'HTTP/1.1 103 x\r\nConnection: close'].map(
      (line) => `${line}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`,
    ),
  },
];
