import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { BufferedWrite } from '../../../host/download/buffered-write.ts';
import { PartialFile } from '../../../host/download/partial-file.ts';
import { seededBytes } from '../../support/cache/cache-bench.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('gathered');
afterAll(() => folder.remove());

describe('bytes that are gathered', () => {
  it('lie at their place, however they came, and are told once they are on the disk', async () => {
    const bytes = seededBytes(3 * 1024 * 1024 + 17, 5);
    const path = join(folder.path, 'file');
    const file = await PartialFile.open(path, bytes.length);
    const told: number[] = [];
    const writer = new BufferedWrite(file, (count) => told.push(count));
    const memory = Buffer.alloc(700_000);
    for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7 + 13) % 700_001) {
      // As a connection does it: in memory that is used again for the next ones.
      const reused = memory.subarray(0, bytes.copy(memory, 0, at, at + step));
      await writer.add(reused, at);
      memory.fill(0);
    }
    await writer.flush();
    await file.close();
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(told.reduce((sum, count) => sum + count)).toBe(bytes.length);
  });

  it('are written in larger pieces where they come in small ones', async () => {
    const bytes = seededBytes(1_000_000, 5);
    const path = join(folder.path, 'small');
    const file = await PartialFile.open(path, bytes.length);
    const told: number[] = [];
    const writer = new BufferedWrite(file, (count) => told.push(count));
    for (let at = 0; at < bytes.length; at += 1460) await writer.add(bytes.subarray(at, at + 1460), at);
    expect(writer.pendingBytes).toBeGreaterThan(0);
    await writer.flush();
    expect(writer.pendingBytes).toBe(0);
    await file.close();
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(told.length).toBeLessThanOrEqual(4);
  });
});
