import * as fs from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

/** Like Node.js on Windows, returns the first created folder in the form `\\?\C:\…`. */
jest.unstable_mockModule('node:fs/promises', () => ({
  ...fs,
  mkdir: async (...args: Parameters<typeof fs.mkdir>) => {
    const first = await fs.mkdir(...args);
    return first === undefined ? first : `\\\\?\\C:${first.replaceAll('/', '\\')}`;
  },
}));
const { makeFolder } = await import('../../../host/registration/files.ts');

describe('makeFolder', () => {
  const temporary = tempFolder('make-folder');
  afterAll(() => temporary.remove());

  it.each([
    ['a plain path', (folder: string) => `${folder}/a/b/c`],
    ['a path that ends with a separator', (folder: string) => `${folder}/a/b/c/`],
    ['a path with dots', (folder: string) => `${folder}/x/.././a//b/c`],
    ['a relative path', (folder: string) => relative(process.cwd(), `${folder}/a/b/c`)],
  ])('creates missing folders and returns them, topmost first: %s', async (_what, pathIn) => {
    const folder = await fs.mkdtemp(join(temporary.path, 'case-'));
    await fs.mkdir(join(folder, 'a'));
    expect(await makeFolder(pathIn(folder), 0o750)).toEqual([join(folder, 'a', 'b'), join(folder, 'a', 'b', 'c')]);
    expect(await makeFolder(pathIn(folder), 0o700)).toEqual([]);
    if (process.platform !== 'win32') expect((await fs.stat(join(folder, 'a', 'b'))).mode & 0o777).toBe(0o750);
  });

  it('fails if a file has the name of a folder', async () => {
    const file = join(temporary.path, 'file');
    await fs.writeFile(file, '');
    await expect(makeFolder(join(file, 'below'), 0o700)).rejects.toMatchObject({
      code: process.platform === 'win32' ? 'ENOENT' : 'ENOTDIR',
    });
  });
});
