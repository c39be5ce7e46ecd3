/** Returns a frame, built without the host's code: a little-endian length and the unchanged body. */
export function frame(body: string | Uint8Array, length?: number): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(length ?? bytes.length);
  return Buffer.concat([head, bytes]);
}

/** Returns a generator of random numbers from 0 to 1 (mulberry32). The same seed results in the same numbers. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
