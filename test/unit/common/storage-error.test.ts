import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from '@jest/globals';
import { isSystemError } from '../../../host/common/errors.ts';
import { storageError } from '../../../host/common/storage-error.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('storage-error');
afterAll(() => folder.remove());

/** Returns SQLite's error for a database that cannot be opened. */
function cannotOpen(): unknown {
  try {
    new DatabaseSync(join(folder.path, 'missing', 'a.sqlite'));
  } catch (error) {
    return error;
  }
  throw new Error('The database was opened');
}

describe('a database that SQLite could not open', () => {
  it('failed for lack of file descriptors if the file can be opened, even if some are free again', () => {
    expect(storageError(cannotOpen(), join(folder.path, 'a.sqlite'))).toMatchObject({ code: 'TOO_MANY_FILES' });
  });

  it.each(['', '-wal', '-shm', '-journal'])('is not writable if a folder is in the place of its file %j', (suffix) => {
    const path = join(folder.path, `folder${suffix}.sqlite`);
    mkdirSync(path + suffix);
    expect(storageError(cannotOpen(), path)).toMatchObject({ code: 'CACHE_NOT_WRITABLE' });
  });

  it('is not writable if its folder is missing or not accessible', () => {
    const closed = join(folder.path, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    const paths = [join(folder.path, 'missing', 'a.sqlite')];
    // The permissions of a folder do not apply to root, and Windows has none of this kind.
    if (process.platform !== 'win32' && process.getuid?.() !== 0) paths.push(join(closed, 'a.sqlite'));
    for (const path of paths) expect(storageError(cannotOpen(), path)).toMatchObject({ code: 'CACHE_NOT_WRITABLE' });
  });
});

(process.platform === 'win32' ? describe : describe.skip)('a drive that does not exist (requires Windows)', () => {
  it('is named', () => {
    const drive = [...'QRSTUVWXY'].map((letter) => `${letter}:\\`).find((root) => !existsSync(root)) ?? '';
    const path = join(drive, 'cache');
    try {
      mkdirSync(path, { recursive: true });
    } catch (error) {
      expect(isSystemError(error, 'ENOENT')).toBe(true);
      expect(storageError(error, path)).toMatchObject({
        code: 'CACHE_NOT_WRITABLE',
        message: expect.stringContaining(`the drive ${drive} does not exist`),
      });
    }
    expect.assertions(2);
  });
});
