/** A generator of the same numbers, 0 to less than 1, for the same seed: xorshift32 by Marsaglia (2003). */
export function seededRandom(seed: number): () => number {
  // Neighbouring seeds are to begin far apart, and the generator never leaves zero: Knuth's multiplicative hash.
  let state = (Math.imul(seed, 2_654_435_761) ^ 0x9e37_79b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
