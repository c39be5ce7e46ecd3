import * as crypto from 'node:crypto';

/** The checksum of a chunk, taken while its bytes come. */
export interface RunningChecksum {
  add(bytes: Uint8Array): void;
  /** The checksum of all that was added, as the index keeps it. Once. */
  end(): string;
}

/**
 * Begins the checksum by which the index tells whether the bytes of a chunk are still the same: GMAC with AES-128 (NIST
 * SP 800-38D), 128 bits, under a key that is no secret. It is no signature and need be none: whether a file is what the
 * hub announced, the SHA-256 of the whole says alone. This one finds where a file that was right has changed, and costs
 * a ninth of a SHA-256 beside it (15 GB/s against 1.7 on one core with AES instructions).
 *
 * A thread runs it from its text: it refers to nothing outside.
 */
export function runningChecksum({
  createCipheriv,
}: Pick<typeof import('node:crypto'), 'createCipheriv'>): RunningChecksum {
  const gmac = createCipheriv('aes-128-gcm', new Uint8Array(16), new Uint8Array(12));
  return {
    add: (bytes) => void gmac.setAAD(bytes),
    end: () => {
      gmac.final();
      return `gmac:${gmac.getAuthTag().toString('hex')}`;
    },
  };
}

/** The checksum of a whole chunk. */
export function chunkChecksum(bytes: Uint8Array): string {
  const sum = runningChecksum(crypto);
  sum.add(bytes);
  return sum.end();
}
