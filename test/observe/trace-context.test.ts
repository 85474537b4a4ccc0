import { describe, expect, it } from 'vitest';
import { isSampled, makeSpanId, makeTraceId, parseTraceparent } from '../../src/observe/trace-context.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';

describe('parseTraceparent', () => {
  it.each([
    [`00-${traceId}-${parentId}-01`, true],
    [`00-${traceId}-${parentId}-00`, false],
    [`00-${traceId}-${parentId}-02`, false],
    [`00-${traceId}-${parentId}-03`, true],
    [`cc-${traceId}-${parentId}-01`, true],
    [`cc-${traceId}-${parentId}-01-what the future says`, true],
  ])('%s', (text, sampled) => {
    expect(parseTraceparent(text)).toEqual({ traceId, parentId, sampled });
  });

  it.each([
    undefined,
    '',
    `ff-${traceId}-${parentId}-01`,
    `00-${traceId}-${parentId}-01-more`,
    `00-${traceId}-${parentId}-01 `,
    `cc-${traceId}-${parentId}-01.more`,
    `00-${traceId}-${parentId}-1`,
    `0-${traceId}-${parentId}-01`,
    `00-${traceId.toUpperCase()}-${parentId}-01`,
    `00-${'0'.repeat(32)}-${parentId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${parentId}-0g`,
    `00-${traceId}-${parentId}-01, 00-${traceId}-${parentId}-01`,
    `00_${traceId}_${parentId}_01`,
  ])('refuses %j', (text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });
});

describe('ids', () => {
  it('have their length whatever is drawn, and are never all zero', () => {
    for (const drawn of [0, 1e-12, 0.5, 1 - 2 ** -53]) {
      const random = (): number => drawn;
      expect(makeSpanId(random)).toMatch(/^(?!0+$)[0-9a-f]{16}$/);
      expect(parseTraceparent(`00-${makeTraceId(random)}-${makeSpanId(random)}-01`)).toBeDefined();
    }
  });

  it('differ from one another', () => {
    expect(new Set(Array.from({ length: 10_000 }, () => makeTraceId(Math.random))).size).toBe(10_000);
  });
});

describe('isSampled', () => {
  it('takes all at 1 and none at 0', () => {
    for (const end of ['00000000', 'ffffffff']) {
      expect(isSampled('a'.repeat(24) + end, 1)).toBe(true);
      expect(isSampled('a'.repeat(24) + end, 0)).toBe(false);
    }
  });

  it('takes its share, and of two shares the larger takes all that the smaller does', () => {
    const ids = Array.from({ length: 10_000 }, () => makeTraceId(Math.random));
    const tenth = ids.filter((id) => isSampled(id, 0.1));
    expect(tenth.length).toBeGreaterThan(800);
    expect(tenth.length).toBeLessThan(1200);
    expect(tenth.every((id) => isSampled(id, 0.2))).toBe(true);
  });
});
