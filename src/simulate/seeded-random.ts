/** Uniform in [0, 1), the same sequence for the same seed (Marsaglia's xorshift32). */
export function seededRandom(seed: number): () => number {
  let state = (seed ^ 0x6d2b79f5) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
