import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldBytes } from '../../src/http2/held-bytes.ts';

describe('bytes that are held', () => {
  it('go in the order in which they came, however many and in whatever pieces', () => {
    const step = fc.record({ add: fc.boolean(), length: fc.oneof(fc.nat(20), fc.nat(70_000)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const held = new HeldBytes();
        let expected = Buffer.alloc(0);
        let next = 0;
        for (const { add, length } of steps) {
          if (add) {
            const piece = Buffer.alloc(length, next++);
            const at = held.add(length);
            if (length > 0) piece.copy(held.buffer, at);
            expected = Buffer.concat([expected, piece]);
          } else if (held.length > 0) {
            const some = Math.min(length, held.length);
            expect(held.buffer.subarray(held.start, held.start + some).equals(expected.subarray(0, some))).toBe(true);
            held.drop(some);
            expected = expected.subarray(some);
          }
          expect(held.length).toBe(expected.length);
        }
        if (held.length > 0) {
          expect(held.buffer.subarray(held.start, held.start + held.length).equals(expected)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});
