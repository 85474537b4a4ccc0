import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyFramer } from '../../src/http1/body.ts';
import { HeldBody } from '../../src/proxy/held-body.ts';
import { chunked, requestText } from '../support/requests.ts';
import { parsed } from './parsed.ts';

/** Holds these pieces of a body, each in a buffer that is overwritten behind it. */
function hold(pieces: readonly string[], { wanted = 100, framing = 'Transfer-Encoding: chunked' } = {}): HeldBody {
  const head = parsed(requestText('POST / HTTP/1.1', [framing]));
  const held = new HeldBody(head, wanted);
  const framer = new BodyFramer();
  if (head.chunked) framer.startChunked();
  else framer.startLength(head.contentLength);
  for (const piece of pieces) {
    const bytes = Buffer.from(`xx${piece}`, 'latin1');
    const end = framer.feed(bytes, 2, bytes.length);
    held.add(bytes, 2, end, { dataBytes: framer.dataBytes, whole: framer.done });
    bytes.fill('#');
  }
  return held;
}

describe('a held body', () => {
  it('keeps the head, and its bytes as they came, however they came', () => {
    const body = chunked(['{"a":', ' 1}'], ['X: y']);
    fc.assert(
      fc.property(fc.array(fc.nat(body.length), { maxLength: 5 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), body.length];
        const held = hold(at.slice(1).map((end, index) => body.slice(at[index], end)));
        expect(held.bytes.toString('latin1')).toBe(body);
        expect(held.within(100)?.toString()).toBe('{"a": 1}');
        expect(held.head).toBe(requestText('POST / HTTP/1.1', ['Transfer-Encoding: chunked']));
      }),
    );
  });

  it('of known length is its own data', () => {
    const held = hold(['bo', 'dy', 'x'], { framing: 'Content-Length: 5' });
    expect([held.enough, held.within(5)?.toString(), held.within(4)]).toEqual([true, 'bodyx', null]);
  });

  it('is not told before it is whole, but for being too large', () => {
    const held = hold(['5\r\nabcde\r\n'], { wanted: 5 });
    expect([held.enough, held.within(5), held.within(4)]).toEqual([false, undefined, null]);
    held.wanted = 4;
    expect(held.enough).toBe(true);
  });

  it('is too large when its framing is, however little data there is', () => {
    const dust = '0001\r\na\r\n';
    expect(hold([dust.repeat(1500)], { wanted: 4000 })).toMatchObject({ enough: false });
    const held = hold(
      Array.from({ length: 4 }, () => dust.repeat(900)),
      { wanted: 4000 },
    );
    expect([held.enough, held.within(4000), held.within(10_000)]).toEqual([true, null, undefined]);
  });

  it('may be empty', () => {
    const held = hold(['0\r\n\r\n']);
    expect([held.enough, held.within(1)?.length, held.bytes.toString()]).toEqual([true, 0, '0\r\n\r\n']);
  });
});
