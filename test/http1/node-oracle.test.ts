import { Buffer } from 'node:buffer';
import { METHODS } from 'node:http';
import { afterAll, describe, expect, it } from 'vitest';
import { BodyFramer } from '../../src/http1/body.ts';
import { parseRequestHead, RequestHead } from '../../src/http1/request-head.ts';
import { acceptedRequests } from './accepted-requests.ts';
import { acceptedChunks, refusedChunks } from './chunk-cases.ts';
import { NodeOracle, type OracleVerdict } from './node-oracle.ts';
import { refusedRequests } from './refused-requests.ts';
import { get, head } from './request-text.ts';

const oracle = new NodeOracle();
afterAll(() => oracle.close());

const parsed = new RequestHead();

/** Our verdict on a request alone in the text. */
function ownVerdict(text: string): OracleVerdict {
  const bytes = Buffer.from(text, 'latin1');
  const bodyStart = parseRequestHead(parsed, bytes, { start: 0, end: bytes.length }, 16_384);
  if (bodyStart < 0) return parsed.problem === '' ? 'incomplete' : `refused: ${parsed.problem}`;
  const framer = new BodyFramer();
  if (parsed.chunked) framer.startChunked();
  else framer.startLength(Math.max(0, parsed.contentLength));
  const end = framer.feed(bytes, bodyStart, bytes.length);
  if (framer.bad) return `refused: ${framer.problem}`;
  if (!framer.done) return 'incomplete';
  return end === bytes.length ? 'accepted' : `refused: ${bytes.length - end} bytes behind it`;
}

/** Where we take what Node refuses, and why that is right. */
const exceptions: readonly { readonly reason: string; applies(text: string): boolean }[] = [
  {
    reason: 'Node knows a fixed list of methods; a balancer passes on any (RFC 9110 §9.1), as the backend decides',
    applies: (text) => !METHODS.includes(/^[^ ]*/.exec(text.trimStart())![0]),
  },
  {
    reason: 'Node checks the grammar of chunk extensions; we skip them to their CRLF, whatever is said in between',
    applies: (text) => text !== withoutExtensions(text),
  },
];

/** The text without what stands between a chunk size and its line end, where no control character is in it. */
function withoutExtensions(text: string): string {
  return text.replace(/(\r\n[0-9a-fA-F]+);[\t\x20-\x7e\x80-\xff]*(?=\r\n)/g, '$1');
}

/** Says how we and Node differ on a text in a way that could be abused; '' when we do not. */
async function dangerousDifference(text: string): Promise<string> {
  const [own, theirs] = [ownVerdict(text), await oracle.verdict(text)];
  if (own === theirs || own.startsWith('refused')) return '';
  if (theirs.startsWith('refused') && exceptions.some(({ applies }) => applies(text))) return '';
  return `${JSON.stringify(text)}: ours ${own}, theirs ${theirs}`;
}

async function differences(texts: Iterable<string>): Promise<string[]> {
  const found: string[] = [];
  for (const text of texts) {
    const difference = await dangerousDifference(text);
    if (difference !== '') found.push(difference);
  }
  return found;
}

const post = head('POST / HTTP/1.1', 'Host: a.example', 'Transfer-Encoding: chunked');
const corpus = [
  ...acceptedRequests.map(({ text }) => text),
  ...refusedRequests.map(({ text }) => text),
  ...[...acceptedChunks, ...refusedChunks].map(({ text }) => post + text),
];

/** Every text that is one byte away from this one, by bytes that mean something. */
function* neighbours(text: string): Generator<string> {
  const bytes = '\0\t\n\r ",/0:;=Aa\x7f\x80';
  for (let at = 0; at <= text.length; at++) {
    const [before, here, behind] = [text.slice(0, at), text.slice(at), text.slice(at + 1)];
    if (at < text.length) yield before + behind;
    for (const byte of bytes) {
      yield before + byte + here;
      if (at < text.length && text[at] !== byte) yield before + byte + behind;
    }
  }
}

describe('what Node refuses we refuse, and what both take ends at the same byte', () => {
  it('in the cases of the other tests', async () => {
    expect(await differences(corpus)).toEqual([]);
  });

  it.each([
    ['a request', get('X: a b')],
    ['an absolute target', head('GET http://b.example:80/a?b HTTP/1.1', 'Host: a')],
    ['a length', `${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 12')}Hello, world`],
    ['HTTP/1.0', `${head('POST /a HTTP/1.0', 'Content-Length: 3', 'Connection: close')}abc`],
    ['chunks', `${head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}a\r\n0123456789\r\n0\r\n\r\n`],
    ['chunks with trailers', `${post}3\r\nabc\r\n01\r\na\r\n0\r\nX-A: 1\r\nY:2\r\n\r\n`],
    [
      'both lengths',
      `${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    ],
  ])('one byte away from %s', async (_name, text) => {
    expect(await differences(neighbours(text))).toEqual([]);
  });

  it('with no exception that nobody needs', async () => {
    const refused: string[] = [];
    for (const text of corpus) {
      if (!ownVerdict(text).startsWith('refused') && (await oracle.verdict(text)).startsWith('refused'))
        refused.push(text);
    }
    for (const { reason, applies } of exceptions) expect(refused.some(applies), reason).toBe(true);
  });
});

describe('the oracle', () => {
  it.each([
    [get(), 'accepted'],
    [`${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 2')}a`, 'incomplete'],
    [`${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 2')}ab`, 'accepted'],
    [head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 2', 'Expect: 100-continue'), 'incomplete'],
    [`${head('POST / HTTP/1.1', 'Host: a', 'Expect: x')}`, 'accepted'],
    [head('GET / HTTP/1.1'), 'refused: HTTP/1.1 400'],
    [head('GET / HTTP/1.1', 'Host : a'), 'refused: HPE_INVALID_HEADER_TOKEN'],
    [head('CONNECT a:1 HTTP/1.1', 'Host: a'), 'refused: '],
    [get().slice(0, -1), 'incomplete'],
  ])('says of %j: %s', async (text, verdict) => {
    expect(await oracle.verdict(text)).toBe(verdict);
  });
});
