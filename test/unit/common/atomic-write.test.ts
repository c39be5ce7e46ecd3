import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { atomicWrite, removeTemporaries, writeJson } from '../../../host/common/atomic-write.ts';

describe('atomicWrite', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tabagent-atomic-'));
    file = join(folder, 'file');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('removes a temporary file of a killed process, but not of a running process or for another file', async () => {
    const name = (of: string, last: string) => join(folder, `${of}.00000000-0000-4000-8000-00000000000${last}.tmp`);
    const [left, running, other, foreign] = [
      name('file', '1'),
      name('file', '2'),
      name('file2', '3'),
      `${file}.my.tmp`,
    ];
    for (const path of [left, running, other, foreign]) writeFileSync(path, '');
    const hourAgo = new Date(Date.now() - 3_600_000);
    for (const path of [left, other, foreign]) utimesSync(path, hourAgo, hourAgo);
    await atomicWrite(file, 'new');
    expect(readdirSync(folder).sort()).toEqual([file, running, other, foreign].map((path) => basename(path)).sort());
    await removeTemporaries(file);
    expect(readdirSync(folder).sort()).toEqual([file, other, foreign].map((path) => basename(path)).sort());
  });

  it('replaces a file as a whole', async () => {
    await atomicWrite(file, 'a long first version');
    await atomicWrite(file, Buffer.from('second'));
    expect(readFileSync(file, 'utf8')).toBe('second');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('leaves the previous version, and no temporary file, when writing fails', async () => {
    writeFileSync(file, 'previous');
    const failing = atomicWrite(file, async (out) => {
      await out.writeFile('half');
      expect(readFileSync(file, 'utf8')).toBe('previous');
      throw new Error('disk full');
    });
    await expect(failing).rejects.toThrow('disk full');
    expect(readFileSync(file, 'utf8')).toBe('previous');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  const onPosix = process.platform === 'win32' ? it.skip : it;

  onPosix.each([
    [0o022, 0o600],
    [0o000, 0o600],
    [0o077, 0o644],
  ])('with umask %o creates a file of mode %o, which is never readable by more users', async (umask, mode) => {
    const before = process.umask(umask);
    try {
      await atomicWrite(
        file,
        async (out) => {
          expect((await out.stat()).mode & 0o777 & ~mode).toBe(0);
          await out.writeFile('secret');
        },
        mode,
      );
    } finally {
      process.umask(before);
    }
    expect(statSync(file).mode & 0o777).toBe(mode);
  });

  onPosix('replaces a link and leaves its target', async () => {
    writeFileSync(join(folder, 'target'), 'theirs');
    symlinkSync('target', file);
    await atomicWrite(file, 'ours');
    expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('theirs');
    expect(readFileSync(file, 'utf8')).toBe('ours');
  });

  it("does not create folders, and reports a folder at the file's path", async () => {
    await expect(atomicWrite(join(folder, 'missing', 'file'), '')).rejects.toMatchObject({ code: 'ENOENT' });
    mkdirSync(file);
    await expect(atomicWrite(file, '')).rejects.toHaveProperty('code');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('writes JSON and creates the folder for it', async () => {
    await writeJson(join(folder, 'a', 'b.json'), { key: 'value' });
    expect(JSON.parse(readFileSync(join(folder, 'a', 'b.json'), 'utf8'))).toEqual({ key: 'value' });
  });
});
