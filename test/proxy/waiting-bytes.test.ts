import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitingBytes } from '../../src/proxy/waiting-bytes.ts';

describe('WaitingBytes', () => {
  it('gives what was kept and not dropped, in order', () => {
    const step = fc.record({ keep: fc.string({ unit: 'binary-ascii', maxLength: 2000 }), drop: fc.nat(1500) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const waiting = new WaitingBytes();
        let expected = '';
        for (const { keep, drop } of steps) {
          waiting.keep(Buffer.from(`<${keep}>`, 'latin1'), 1, keep.length + 1);
          waiting.drop(drop);
          expected = (expected + keep).slice(drop);
          expect(waiting.bytes?.toString('latin1') ?? '').toBe(expected);
          expect(waiting.length).toBe(expected.length);
        }
      }),
    );
  });

  it('leaves alone what it has given when it is cleared', () => {
    const waiting = new WaitingBytes();
    waiting.keep(Buffer.from('early'), 0, 5);
    const { bytes } = waiting;
    waiting.clear();
    waiting.keep(Buffer.from('later'), 0, 5);
    expect(bytes?.toString()).toBe('early');
  });
});
