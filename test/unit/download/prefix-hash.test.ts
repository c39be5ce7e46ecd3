import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileHasher } from '../../../host/download/file-hasher.ts';
import { PartialFile } from '../../../host/download/partial-file.ts';
import { hashingOf, PrefixHash } from '../../../host/download/prefix-hash.ts';
import type { ChunkState } from '../../../host/download/stored-chunk.ts';
import { ChunkGrid, chunkChecksum } from '../../../host/model-files/chunks.ts';
import { seededBytes } from '../../support/cache/cache-fixture.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const SIZE = 45;
const BYTES = seededBytes(SIZE, 6);
const GRID = new ChunkGrid(SIZE, 10);
const never = new AbortController().signal;
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const folder = tempFolder('prefix');
afterAll(() => folder.remove());

describe('the checksum of a file that is being downloaded', () => {
  let path: string;
  let file: PartialFile;
  beforeEach(async () => {
    path = join(folder.path, 'file');
    writeFileSync(path, BYTES);
    file = await PartialFile.open(path, SIZE);
  });
  afterEach(async () => {
    await hasher?.close();
    await file.close();
  });
  let hasher: FileHasher | undefined;
  const make = (algorithm: 'sha256' | 'git-sha1', grid = GRID) => {
    hasher = new FileHasher(file, { chunkBytes: grid.chunkBytes, ...hashingOf({ algorithm, hex: '' }, grid.size) });
    return new PrefixHash(grid, hasher);
  };

  it('is correct for any order of chunks, and waits for earlier ones', async () => {
    const states: ChunkState[] = Array(GRID.count).fill('missing');
    const hash = make('sha256');
    const reached = [];
    for (const chunk of [3, 0, 2, 1, 4]) {
      states[chunk] = 'stored';
      expect(await hash.advance(states, never)).toBeUndefined();
      reached.push(hash.next);
    }
    expect(reached).toEqual([0, 1, 1, 4, 5]);
    expect(await hash.digest()).toBe(sha256(BYTES));
  });

  it("is git's blob ID if the hub published that", async () => {
    const hash = make('git-sha1');
    await hash.advance(Array(GRID.count).fill('stored'), never);
    expect(await hash.digest()).toBe(createHash('sha1').update(`blob ${SIZE}\0`).update(BYTES).digest('hex'));
  });

  it('of an empty file is that of zero bytes', async () => {
    const hash = make('git-sha1', new ChunkGrid(0, 10));
    expect(await hash.advance([], never)).toBeUndefined();
    // Output of `git hash-object /dev/null`.
    expect(await hash.digest()).toBe('e69de29bb2d1d6434b8b29ae775ad8c2e48c5391');
  });

  it('stops at a chunk that does not match the index, and continues when it is repaired', async () => {
    const states: ChunkState[] = Array.from({ length: GRID.count }, (_, chunk) => ({
      sum: chunkChecksum(BYTES.subarray(GRID.startOf(chunk), GRID.endOf(chunk))),
    }));
    await file.writeAll(Buffer.from([~(BYTES[25] ?? 0) & 0xff]), 25);
    const hash = make('sha256');
    expect(await hash.advance(states, never)).toBe(2);
    expect(await hash.advance(states, never)).toBe(2);
    await file.writeAll(BYTES.subarray(20, 30), 20);
    expect(await hash.advance(states, never)).toBeUndefined();
    expect(await hash.digest()).toBe(sha256(BYTES));
  });

  it('treats a chunk beyond the end of the file as damaged, and stops when aborted', async () => {
    const states: ChunkState[] = Array(GRID.count).fill('stored');
    writeFileSync(path, BYTES.subarray(0, 31));
    const hash = make('sha256');
    await expect(hash.advance(states, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(hash.next).toBe(0);
    expect(await hash.advance(states, never)).toBe(3);
  });
});
