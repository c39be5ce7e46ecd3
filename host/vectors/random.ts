/** Returns a generator of pseudorandom numbers in [0, 1) that depend only on the seed: xorshift32 (Marsaglia, 2003). */
export function seededRandom(seed: number): () => number {
  // Knuth's multiplicative hash gives adjacent seeds unrelated sequences. The state must not be 0, because xorshift
  // never leaves it.
  let state = (Math.imul(seed, 2_654_435_761) ^ 0x9e37_79b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
