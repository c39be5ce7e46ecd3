import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

/** Errors of the next calls, as on Windows if another program has a file open. */
let faults: string[] = [];
function meet(): void {
  const code = faults.shift();
  if (code !== undefined) throw Object.assign(new Error(code), { code });
}
jest.unstable_mockModule('node:fs/promises', () => ({
  ...fs,
  rename: async (from: string, to: string) => {
    meet();
    await fs.rename(from, to);
  },
  rm: async (path: string, options: object) => {
    meet();
    await fs.rm(path, options);
  },
}));
const { removeFile, renameFile } = await import('../../../host/common/files-in-use.ts');

describe('a file that another program has open', () => {
  const temporary = tempFolder('in-use');
  const { platform } = process;
  afterAll(() => temporary.remove());
  const [file, other] = [join(temporary.path, 'file'), join(temporary.path, 'other')];
  const pretend = (name: string) => Object.defineProperty(process, 'platform', { value: name });
  beforeEach(async () => {
    await fs.writeFile(file, 'x');
    await fs.rm(other, { force: true });
  });
  afterEach(() => {
    pretend(platform);
    faults = [];
  });

  it.each(['EBUSY', 'EPERM', 'EACCES'])('is renamed and removed once it is free again: %s on Windows', async (code) => {
    pretend('win32');
    faults = [code, code];
    await renameFile(file, other);
    expect(await fs.readFile(other, 'utf8')).toBe('x');
    faults = [code, code, code];
    await removeFile(other);
    await expect(fs.stat(other)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each(['EBUSY', 'EPERM', 'EACCES'])('is reported as in use if it stays open: %s on Windows', async (code) => {
    pretend('win32');
    faults = Array(100).fill(code);
    const error = { code: 'FILE_IN_USE', details: { path: file }, message: expect.stringContaining(file) };
    await expect(removeFile(file)).rejects.toMatchObject(error);
    await expect(renameFile(file, other)).rejects.toMatchObject(error);
    await fs.writeFile(other, 'y');
    await expect(renameFile(file, other)).rejects.toMatchObject({ code: 'FILE_IN_USE', details: { path: other } });
    await fs.rm(other);
    await fs.mkdir(join(other, 'folder'), { recursive: true });
    await expect(renameFile(join(other, 'folder'), join(other, 'new'))).rejects.toMatchObject({ code: 'FILE_IN_USE' });
    await fs.rm(other, { recursive: true });
  });

  it('is distinguished from one that this user may not change', async () => {
    pretend('win32');
    faults = Array(100).fill('EPERM');
    await fs.mkdir(other);
    // No file exists that could be in use.
    await expect(removeFile(join(other, 'none'))).rejects.toMatchObject({ code: 'EPERM' });
    await fs.rm(other, { recursive: true });
  });

  it('causes no delay on other platforms, where missing permissions have different errors', async () => {
    pretend('linux');
    faults = ['EPERM'];
    await expect(renameFile(file, other)).rejects.toMatchObject({ code: 'EPERM' });
    faults = ['ENOENT'];
    await expect(renameFile(file, other)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
