import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FileLock } from '../../../host/common/file-lock.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('lock');
afterAll(() => folder.remove());

describe('a lock', () => {
  let path: string;
  let count = 0;
  beforeEach(() => {
    count += 1;
    path = join(folder.path, String(count), 'locks', 'a.lock');
  });

  it('has one holder at a time', () => {
    const first = FileLock.try(path);
    expect(first).toBeDefined();
    expect(FileLock.try(path)).toBeUndefined();
    expect(FileLock.isHeld(path)).toBe(true);
    first?.release();
    expect(FileLock.isHeld(path)).toBe(false);
    const second = FileLock.try(path);
    expect(second).toBeDefined();
    second?.release();
  });

  it('can be shared, and is nobody’s alone meanwhile', () => {
    const shares = [FileLock.share(path), FileLock.share(path)];
    expect(shares.every((share) => share !== undefined)).toBe(true);
    expect(FileLock.try(path)).toBeUndefined();
    shares[0]?.release();
    expect(FileLock.try(path)).toBeUndefined();
    shares[1]?.release();
    const alone = FileLock.try(path);
    expect(alone).toBeDefined();
    expect(FileLock.share(path)).toBeUndefined();
    alone?.release();
    expect(statSync(path).size).toBe(0);
  });

  it('takes no room on the disk, and asking for it makes no file', () => {
    expect(FileLock.isHeld(path)).toBe(false);
    expect(existsSync(path)).toBe(false);
    const lock = FileLock.try(path);
    expect(statSync(path).size).toBe(0);
    lock?.release();
  });

  it('is a lock again where something wrote to its file', () => {
    FileLock.try(path)?.release();
    writeFileSync(path, 'garbage '.repeat(1000));
    const lock = FileLock.try(path);
    expect(lock).toBeDefined();
    expect(FileLock.try(path)).toBeUndefined();
    lock?.release();
  });

  it('that cannot be made is a typed error', () => {
    writeFileSync(join(folder.path, `${count}-file`), '');
    expect(() => FileLock.try(join(folder.path, `${count}-file`, 'a.lock'))).toThrow(
      expect.objectContaining({ name: 'HostError' }),
    );
  });
});
