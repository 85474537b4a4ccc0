const ROUND_A = 0x9e3779b1;
const ROUND_B = 0x85ebca77;

/** 2^32, the step between the halves of a 53-bit hash. */
const HALF = 2 ** 32;

/**
 * A 53-bit hash of a text, the same in every worker and every run; not for secrets. Two 32-bit lanes of rotate, xor
 * and multiply take the UTF-16 units one by one, and `mix53` spreads what they gathered.
 */
export function hash53(text: string): number {
  let a = text.length;
  let b = ~text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    a = Math.imul(((a << 5) | (a >>> 27)) ^ unit, ROUND_A);
    b = Math.imul(((b << 13) | (b >>> 19)) ^ unit, ROUND_B);
  }
  return mix53(a, b);
}

/** What a 53-bit hash holds above its lower 32 bits. */
export function highHalf(hash: number): number {
  return Math.floor(hash / HALF);
}

/** Spreads two 32-bit lanes over a 53-bit whole number, so that each bit of either moves about half of the result's. */
export function mix53(a: number, b: number): number {
  const low = scatter(Math.imul(a, ROUND_B) + scatter(b));
  const high = scatter(a + low);
  return (high >>> 11) * HALF + (low >>> 0);
}

/** The finisher of Appleby's MurmurHash3: a permutation of 32-bit numbers in which every bit reaches every other. */
function scatter(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
