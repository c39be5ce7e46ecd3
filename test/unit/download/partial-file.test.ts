import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PartialFile } from '../../../host/download/partial-file.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('partial-file');
afterAll(() => folder.remove());

describe('publishing a downloaded file', () => {
  let partialPath: string;
  let finalPath: string;
  let count = 0;

  beforeEach(() => {
    count += 1;
    partialPath = join(folder.path, `${count}.partial`);
    finalPath = join(folder.path, `${count}`, 'model.gguf');
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  async function write(text: string): Promise<PartialFile> {
    const file = await PartialFile.open(partialPath, text.length);
    await file.writeAll(Buffer.from(text), 0);
    return file;
  }

  it('renames it to its final name', async () => {
    await (await write('model')).publish(finalPath);
    expect(readFileSync(finalPath, 'utf8')).toBe('model');
    expect(existsSync(partialPath)).toBe(false);
  });

  it('syncs it to the disk before it gets its final name', async () => {
    const file = await write('model');
    const probe = await open(partialPath);
    const prototype: FileHandle = Object.getPrototypeOf(probe);
    await probe.close();
    const sync = prototype.sync;
    const syncs: { final: boolean; size: number }[] = [];
    jest.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
      syncs.push({ final: existsSync(finalPath), size: (await this.stat()).size });
      return sync.call(this);
    });
    await file.publish(finalPath);
    expect(syncs[0]).toEqual({ final: false, size: 5 });
    expect(existsSync(finalPath)).toBe(true);
  });

  it('does not overwrite a file that appeared under its final name', async () => {
    await (await write('first')).publish(finalPath);
    writeFileSync(finalPath, 'theirs');
    const file = await write('second');
    await expect(file.publish(finalPath)).rejects.toMatchObject({ code: 'CACHE_ERROR', details: { path: finalPath } });
    expect(readFileSync(finalPath, 'utf8')).toBe('theirs');
    expect(readFileSync(partialPath, 'utf8')).toBe('second');
  });
});

describe('a disk that does not support large files', () => {
  const path = join(folder.path, 'large.partial');
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each(['EFBIG', 'EINVAL', 'EOPNOTSUPP'])('is named where it answers %s', async (code) => {
    const probe = await open(path, 'w');
    const prototype: FileHandle = Object.getPrototypeOf(probe);
    await probe.close();
    jest.spyOn(prototype, 'truncate').mockRejectedValue(Object.assign(new Error(code), { code }));
    await expect(PartialFile.open(path, 5e9)).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
      message: expect.stringMatching(/does not allow files as large as .*large\.partial/),
    });
  });
});
