import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { storeArchive } from '../../../installers/build/extension.ts';

/** The files of a zip archive, by their local headers. */
function filesOf(archive: Buffer): Record<string, string> {
  const files: Record<string, string> = {};
  for (let at = 0; archive.readUInt32LE(at) === 0x04034b50; ) {
    const [size, nameLength] = [archive.readUInt32LE(at + 18), archive.readUInt16LE(at + 26)];
    const start = at + 30 + nameLength;
    const name = archive.subarray(at + 30, start).toString();
    const packed = archive.subarray(start, start + size);
    if (!name.endsWith('/')) files[name] = inflateRawSync(packed).toString();
    at = start + size;
  }
  return files;
}

describe("the archive for a browser's store", () => {
  let work: string;
  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), 'tabagent-store-'));
    await mkdir(join(work, 'chrome', 'chunks'), { recursive: true });
    await writeFile(join(work, 'chrome', 'manifest.json'), '{"name": "x", "key": "abc", "version": "1"}');
    await writeFile(join(work, 'chrome', 'chunks', 'manifest.json'), '{"key": "mine"}');
  });
  afterEach(() => rm(work, { recursive: true }));

  it('has the files of the folder at its root, and no key in its manifest, which the Chrome Web Store refuses', () => {
    expect(filesOf(storeArchive(join(work, 'chrome')))).toEqual({
      'manifest.json': '{"name":"x","version":"1"}',
      'chunks/manifest.json': '{"key": "mine"}',
    });
  });
});
