import * as crypto from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { chunkChecksum, runningChecksum } from '../../../host/download/chunk-checksum.ts';
import { seededBytes } from '../../support/cache/cache-bench.ts';

const BYTES = seededBytes(300_000, 4);

describe('the checksum of a chunk', () => {
  it('is that of the standard', () => {
    // Test case 1 of "The Galois/Counter Mode of Operation", McGrew and Viega: a key, a nonce and nothing else, all zero.
    expect(chunkChecksum(new Uint8Array())).toBe('gmac:58e2fccefa7e3061367f1d57a4e7455a');
  });

  it('is the same however the bytes are cut', () => {
    for (const step of [1, 15, 16, 17, 4096, 65_537]) {
      const sum = runningChecksum(crypto);
      const some = BYTES.subarray(0, step === 1 ? 5_000 : BYTES.length);
      for (let at = 0; at < some.length; at += step) sum.add(some.subarray(at, at + step));
      expect(sum.end()).toBe(chunkChecksum(some));
    }
  });

  it('is another where a bit, the order or the length is', () => {
    const known = new Set([chunkChecksum(BYTES)]);
    for (const at of [0, 1, 15, 16, 150_000, BYTES.length - 1]) {
      for (const bit of [1, 128]) {
        const changed = Buffer.from(BYTES);
        changed[at] = (changed[at] ?? 0) ^ bit;
        known.add(chunkChecksum(changed));
      }
    }
    known.add(chunkChecksum(BYTES.subarray(1)));
    known.add(chunkChecksum(BYTES.subarray(0, -1)));
    known.add(chunkChecksum(Buffer.concat([BYTES, Buffer.alloc(1)])));
    known.add(chunkChecksum(Buffer.concat([BYTES.subarray(16), BYTES.subarray(0, 16)])));
    known.add(chunkChecksum(Buffer.alloc(BYTES.length)));
    known.add(chunkChecksum(Buffer.alloc(BYTES.length + 16)));
    expect(known.size).toBe(1 + 12 + 6);
  });
});
