import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Capacity, requestsPerSecond, Slots } from '../../../bench/backends/slots.ts';

const capacities = fc.record({ slots: fc.integer({ min: 1, max: 9 }), serviceMs: fc.integer({ min: 1, max: 50 }) });
const arrivals = fc
  .array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 })
  .map((gaps) => gaps.map((_, i) => gaps.slice(0, i + 1).reduce((sum, gap) => sum + gap, 0)));

function dues(capacity: Capacity, at: readonly number[]): number[] {
  const slots = new Slots(capacity);
  return at.map((ms) => slots.admit(ms));
}

describe('requestsPerSecond', () => {
  it.each([
    [{ slots: 8, serviceMs: 20 }, 400],
    [{ slots: 1, serviceMs: 1000 }, 1],
    [{ slots: 3, serviceMs: 2 }, 1500],
  ])('is slots over service time: %o', (capacity, expected) => {
    expect(requestsPerSecond(capacity)).toBe(expected);
  });
});

describe('Slots', () => {
  it('answers after the service time while a slot is free', () => {
    expect(dues({ slots: 2, serviceMs: 20 }, [0, 5])).toEqual([20, 25]);
  });

  it('makes the excess wait for the slot that is free first, in order of arrival', () => {
    expect(dues({ slots: 2, serviceMs: 20 }, [0, 5, 6, 7, 8])).toEqual([20, 25, 40, 45, 60]);
  });

  it('frees a slot when its work was due, so idle time is not made up for later', () => {
    expect(dues({ slots: 1, serviceMs: 10 }, [0, 100, 100])).toEqual([10, 110, 120]);
  });

  it('takes a first request whatever the clock starts at', () => {
    expect(dues({ slots: 1, serviceMs: 10 }, [-5000])).toEqual([-4990]);
  });

  it('never works on more than its slots at a time', () => {
    fc.assert(
      fc.property(capacities, arrivals, (capacity, at) => {
        const due = dues(capacity, at);
        for (const end of due) {
          const underWay = due.filter((other) => other > end - capacity.serviceMs && other <= end);
          expect(underWay.length).toBeLessThanOrEqual(capacity.slots);
        }
      }),
    );
  });

  it('answers in order of arrival, never before the service time, and never idles while somebody waits', () => {
    fc.assert(
      fc.property(capacities, arrivals, (capacity, at) => {
        const due = dues(capacity, at);
        due.forEach((end, i) => {
          const waited = end - capacity.serviceMs - at[i]!;
          expect(waited).toBeGreaterThanOrEqual(0);
          expect(end).toBeGreaterThanOrEqual(due[i - 1] ?? end);
          if (waited > 0) expect(due.slice(0, i)).toContain(end - capacity.serviceMs);
        });
      }),
    );
  });

  it('gives a saturated backend exactly its capacity', () => {
    const capacity = { slots: 8, serviceMs: 20 };
    const due = dues(capacity, new Array<number>(4000).fill(0));
    expect(due.filter((ms) => ms <= 5000)).toHaveLength(5 * requestsPerSecond(capacity));
  });
});
