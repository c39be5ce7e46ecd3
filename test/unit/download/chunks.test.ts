import { describe, expect, it } from '@jest/globals';
import { ChunkCursor, type CompleteChunk } from '../../../host/download/chunk-cursor.ts';
import { ChunkGrid, ChunkQueue, type ChunkRun, chunkChecksum } from '../../../host/model-files/chunks.ts';
import { seededBytes } from '../../support/cache/cache-fixture.ts';

describe('ChunkGrid', () => {
  it.each([
    [0, 0],
    [1, 1],
    [9, 1],
    [10, 1],
    [11, 2],
    [100, 10],
  ])('covers every byte of %d once, with %d chunks of 10', (size, count) => {
    const grid = new ChunkGrid(size, 10);
    expect(grid.count).toBe(count);
    let at = 0;
    for (let chunk = 0; chunk < grid.count; chunk += 1) {
      expect(grid.startOf(chunk)).toBe(at);
      expect(grid.bytesOf(chunk)).toBeGreaterThan(0);
      at = grid.endOf(chunk);
    }
    expect(at).toBe(size);
  });
});

describe('ChunkQueue', () => {
  function takeAll(queue: ChunkQueue): ChunkRun[] {
    const runs: ChunkRun[] = [];
    for (let run = queue.take(); run !== undefined; run = queue.take()) runs.push(run);
    return runs;
  }
  const chunksOf = (runs: ChunkRun[]) =>
    runs.flatMap(({ first, end }) => Array.from({ length: end - first }, (_, n) => first + n));

  it('returns every chunk once, from the start, in runs that get shorter near the end', () => {
    const runs = takeAll(new ChunkQueue(Array(100).keys(), 4));
    expect(chunksOf(runs)).toEqual([...Array(100).keys()]);
    expect(Math.max(...runs.map(({ first, end }) => end - first))).toBe(8);
    expect(runs.slice(-4).map(({ first, end }) => end - first)).toEqual([1, 1, 1, 1]);
  });

  it('never includes an existing chunk in a run', () => {
    const missing = [0, 1, 5, 6, 7, 20];
    const runs = takeAll(new ChunkQueue(missing, 1));
    expect(chunksOf(runs)).toEqual(missing);
  });

  it('starts a run with a partial chunk, and includes no other one', () => {
    const runs = takeAll(new ChunkQueue(Array(12).keys(), 1, (chunk) => chunk === 2 || chunk === 3));
    expect(chunksOf(runs)).toEqual([...Array(12).keys()]);
    expect(runs.slice(0, 2)).toEqual([
      { first: 0, end: 2 },
      { first: 2, end: 3 },
    ]);
    expect(runs[2]?.first).toBe(3);
    expect(runs[2]?.end).toBeGreaterThan(4);
  });

  it('returns released chunks again', () => {
    const queue = new ChunkQueue([0, 1, 2], 1);
    takeAll(queue);
    queue.add([1]);
    expect(queue.size).toBe(1);
    expect(takeAll(queue)).toEqual([{ first: 1, end: 2 }]);
  });
});

describe('ChunkCursor', () => {
  it('returns each chunk when its last byte arrives, in data of any size', () => {
    const grid = new ChunkGrid(25, 10);
    const bytes = seededBytes(25, 1);
    for (let step = 1; step <= 10; step += 1) {
      const cursor = new ChunkCursor(grid, { first: 0, end: 3 });
      const whole: [came: CompleteChunk, position: number][] = [];
      while (!cursor.done) {
        const came = cursor.advance(
          bytes.subarray(cursor.position, cursor.position + step).subarray(0, cursor.missingInChunk),
        );
        if (came !== undefined) whole.push([came, cursor.position]);
      }
      expect(whole).toEqual([
        [{ chunk: 0, sum: chunkChecksum(bytes.subarray(0, 10)) }, 10],
        [{ chunk: 1, sum: chunkChecksum(bytes.subarray(10, 20)) }, 20],
        [{ chunk: 2, sum: chunkChecksum(bytes.subarray(20, 25)) }, 25],
      ]);
    }
  });
});
