import { describe, expect, test } from 'vitest';
import { hash53, highHalf, mix53 } from '../../src/pick/text-hash.ts';

const keys = Array.from({ length: 60_000 }, (_, index) => [
  `10.0.${index >> 8}.${index & 255}`,
  `user-${index}`,
  `/items/${index}`,
]).flat();

/** How far the counts of `buckets` are from even, as chi-square per degree of freedom: about 1 when random. */
function unevenness(values: readonly number[], buckets: number): number {
  const counts = Array.from({ length: buckets }, () => 0);
  for (const value of values) counts[value]!++;
  const even = values.length / buckets;
  return counts.reduce((sum, count) => sum + (count - even) ** 2 / even, 0) / (buckets - 1);
}

function bit(hash: number, index: number): number {
  return Math.floor(hash / 2 ** index) % 2;
}

describe('the hash of a text', () => {
  test('never changes: a key must keep its backend over restarts and releases', () => {
    expect(['', 'a', 'b', 'ab', 'ba', '10.0.0.1', 'käse', '🚢'].map(hash53)).toEqual([
      7_008_836_384_265_909, 2_188_436_997_662_885, 3_533_067_147_914_401, 707_789_539_653_436, 1_502_402_862_087_479,
      7_205_150_291_068_109, 4_405_996_140_514_710, 3_642_222_014_325_800,
    ]);
  });

  test('is a whole number below 2^53, in two halves', () => {
    for (const key of keys.slice(0, 1000)) {
      const hash = hash53(key);
      expect(Number.isSafeInteger(hash) && hash >= 0).toBe(true);
      expect(highHalf(hash) * 2 ** 32 + (hash >>> 0)).toBe(hash);
      expect(highHalf(hash)).toBeLessThan(2 ** 21);
    }
  });

  test('has no collisions among 180,000 keys alike', () => {
    expect(new Set(keys.map(hash53)).size).toBe(keys.length);
  });

  test('tells texts apart that differ in order, length or high bytes only', () => {
    const texts = ['', '\0', '\0\0', 'ab', 'ba', 'aab', 'aba', 'Ā', '\u0001', 'ÿ', '\uffff'];
    expect(new Set(texts.map(hash53)).size).toBe(texts.length);
    expect(new Set(texts.map((text) => hash53(text) >>> 0)).size).toBe(texts.length);
    expect(new Set(texts.map((text) => highHalf(hash53(text)))).size).toBe(texts.length);
  });

  test.each([0, 11, 21, 32, 43])('is even in the ten bits from bit %i on', (from) => {
    const values = keys.map((key) => Math.floor(hash53(key) / 2 ** from) % 1024);
    expect(unevenness(values, 1024)).toBeLessThan(1.25);
    expect(unevenness(values, 1024)).toBeGreaterThan(0.75);
  });
});

describe('mixing two lanes', () => {
  test('moves about half of the bits of the result for each bit of either', () => {
    for (let input = 0; input < 64; input++) {
      const flipped = Array.from({ length: 53 }, () => 0);
      for (let sample = 1; sample <= 400; sample++) {
        const a = Math.imul(sample, 0x2545f491);
        const b = Math.imul(sample, 0x3c6ef372) + sample;
        const before = mix53(a, b);
        const after = input < 32 ? mix53(a ^ (1 << input), b) : mix53(a, b ^ (1 << (input - 32)));
        for (let output = 0; output < 53; output++) flipped[output]! += bit(before, output) ^ bit(after, output);
      }
      // 200 of 400, and six standard deviations of ten.
      for (const count of flipped) expect(Math.abs(count - 200)).toBeLessThan(60);
    }
  });

  test('is a whole number below 2^53 for lanes of either sign', () => {
    for (const lane of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      expect(Number.isSafeInteger(mix53(lane, lane)) && mix53(lane, lane) >= 0).toBe(true);
    }
  });
});
