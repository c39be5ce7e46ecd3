import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { BufferedWrite } from '../../../host/download/buffered-write.ts';
import { PartialFile } from '../../../host/download/partial-file.ts';
import { seededBytes } from '../../support/cache/cache-fixture.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('gathered');
afterAll(() => folder.remove());

describe('BufferedWrite', () => {
  it('writes bytes at their offsets, in chunks of any size, and reports them when they are on the disk', async () => {
    const bytes = seededBytes(3 * 1024 * 1024 + 17, 5);
    const path = join(folder.path, 'file');
    const file = await PartialFile.open(path, bytes.length);
    const written: number[] = [];
    const writer = new BufferedWrite(file, (count) => written.push(count));
    const memory = Buffer.alloc(700_000);
    for (let at = 0, step = 1; at < bytes.length; at += step, step = (step * 7 + 13) % 700_001) {
      // Like a connection, which reuses its memory for the next bytes.
      const reused = memory.subarray(0, bytes.copy(memory, 0, at, at + step));
      await writer.add(reused, at);
      memory.fill(0);
    }
    await writer.flush();
    await file.close();
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(written.reduce((sum, count) => sum + count)).toBe(bytes.length);
  });

  it('combines small chunks into larger writes', async () => {
    const bytes = seededBytes(1_000_000, 5);
    const path = join(folder.path, 'small');
    const file = await PartialFile.open(path, bytes.length);
    const written: number[] = [];
    const writer = new BufferedWrite(file, (count) => written.push(count));
    for (let at = 0; at < bytes.length; at += 1460) await writer.add(bytes.subarray(at, at + 1460), at);
    expect(writer.pendingBytes).toBeGreaterThan(0);
    await writer.flush();
    expect(writer.pendingBytes).toBe(0);
    await file.close();
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(written.length).toBeLessThanOrEqual(4);
  });
});
