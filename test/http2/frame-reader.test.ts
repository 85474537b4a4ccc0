import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FrameHead, FrameReader } from '../../src/http2/frame-reader.ts';
import { frame, PREFACE } from '../support/h2-frames.ts';

/** What a reader makes of bytes that come in pieces that end at `cuts`. */
function read(bytes: Buffer, cuts: readonly number[], most = Number.POSITIVE_INFINITY) {
  const seen: string[] = [];
  const reader = new FrameReader({
    onFrame({ type, flags, stream, length }: FrameHead, from: Buffer, at: number) {
      seen.push(`${type} ${flags} ${stream} ${from.toString('latin1', at, at + length)}`);
      return seen.length < most;
    },
    onUnreadable: (problem) => void seen.push(problem),
  });
  let pos = 0;
  for (const cut of [...cuts, bytes.length]) {
    const piece = Buffer.from(bytes.subarray(pos, cut));
    reader.take(piece, piece.length);
    // A read buffer is used again.
    piece.fill(0xee);
    pos = cut;
    if (seen.length >= most || seen.at(-1)?.startsWith('frame-size') === true) break;
  }
  return seen;
}

const bytes = Buffer.concat([
  Buffer.from(PREFACE),
  frame(4, 0, 0),
  frame(0, 1, 3, Buffer.from('hello')),
  frame(77, 255, 0x7fff_ffff, Buffer.from('x')),
  frame(1, 5, 5, Buffer.alloc(300, 'y')),
]);
const frames = ['4 0 0 ', '0 1 3 hello', '77 255 2147483647 x', `1 5 5 ${'y'.repeat(300)}`];

describe('frames', () => {
  it('are the same wherever they are cut', () => {
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 12 }).map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(cuts, (places) => {
        expect(read(bytes, places)).toEqual(frames);
      }),
    );
    expect(read(bytes, [...bytes.keys()])).toEqual(frames);
  });

  it('come after the preface only', () => {
    expect(read(Buffer.from('GET / HTTP/1.1\r\n\r\n'), [])).toEqual(['preface']);
    expect(read(Buffer.concat([Buffer.from(PREFACE.replace('SM', 'SX')), frame(4, 0, 0)]), [5])[0]).toBe('preface');
  });

  it.each([[[]], [[28]], [[30, 31]]])('are not read when they are too large, cut at %j', (cuts) => {
    const large = Buffer.from([0, 0x40, 1, 0, 0, 0, 0, 0, 1]);
    expect(read(Buffer.concat([Buffer.from(PREFACE), large, Buffer.alloc(20)]), cuts)).toEqual(['frame-size']);
  });

  it('are not read on when nobody wants them', () => {
    expect(read(bytes, [60], 2)).toEqual(frames.slice(0, 2));
    expect(read(bytes, [24, 30, 45], 2)).toEqual(frames.slice(0, 2));
  });
});
