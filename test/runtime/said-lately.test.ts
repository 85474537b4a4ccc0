import { describe, expect, it } from 'vitest';
import { SaidLately } from '../../src/runtime/said-lately.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('what was said lately', () => {
  it('is not said again for a while, and forgotten then', async () => {
    const clock = new FakeClock();
    const said = new SaidLately(clock, 5000);
    expect([said.isNew('a'), said.isNew('a'), said.isNew('b')]).toEqual([true, false, true]);
    await clock.advance(4999);
    expect(said.isNew('a')).toBe(false);
    await clock.advance(1);
    expect(said.isNew('a')).toBe(true);
    await clock.advance(5000);
    expect(clock.pending).toBe(0);
  });
});
