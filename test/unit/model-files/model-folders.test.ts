import { chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ModelListing } from '../../../host/cache/model-listing.ts';
import { CacheLayout } from '../../../host/model-files/layout.ts';
import { ModelFolder } from '../../../host/model-files/model-folder.ts';
import { findModel, modelBytes } from '../../../host/model-files/model-folders.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
import { itOnPosix } from '../../support/describe-on-posix.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('folders');
afterAll(() => folder.remove());

describe('the models folder', () => {
  let layout: CacheLayout;
  let count = 0;
  beforeEach(() => {
    count += 1;
    const home = join(folder.path, String(count));
    layout = new CacheLayout({
      models: join(home, 'models'),
      partial: join(home, 'partial'),
      locks: join(home, 'locks'),
      pins: join(home, 'pins'),
    });
  });

  function put(path: string, bytes = 3): string {
    const whole = join(layout.models, ...path.split('/'));
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, 'x'.repeat(bytes));
    return whole;
  }
  const listed = async () => (await new ModelListing(layout).list()).map(({ name, size }) => [name.id, size]);

  it('contains no models if it does not exist', async () => {
    expect(await listed()).toEqual([]);
    expect(await findModel(layout, readModelName({ modelId: 'a/b/c.gguf' }))).toBeUndefined();
  });

  it('lists every model by ID, at any depth, revision and number of parts', async () => {
    for (const path of ['o/r/one.gguf', 'o/r/deep/er/two.gguf', 'o/r@v1/one.gguf', 'o/r@refs%2Fpr%2F1/one.gguf'])
      put(path);
    for (const part of [1, 2, 3]) put(`p/r/big-0000${part}-of-00003.gguf`, part);
    expect(await listed()).toEqual([
      ['o/r/deep/er/two.gguf', 3],
      ['o/r/one.gguf', 3],
      ['o/r@refs%2Fpr%2F1/one.gguf', 3],
      ['o/r@v1/one.gguf', 3],
      ['p/r/big-00001-of-00003.gguf', 6],
    ]);
    const model = await findModel(
      layout,
      readModelName({ modelPath: 'o/r', modelFile: 'one.gguf', revision: 'refs/pr/1' }),
    );
    expect(model?.files).toEqual([join(layout.models, 'o', 'r@refs%2Fpr%2F1', 'one.gguf')]);
  });

  it('skips loose files, invalid names and incomplete split models', async () => {
    put('loose.gguf');
    put('o/loose.gguf');
    put('o/.hidden/a.gguf');
    // On Windows, this is a stream of the file "bad".
    if (process.platform !== 'win32') put('o/r/bad:name.gguf');
    put('o/r/half-00001-of-00002.gguf', 5);
    expect(await listed()).toEqual([]);
    expect(await modelBytes(layout, readModelName({ modelId: 'o/r/half-00001-of-00002.gguf' }))).toBe(5);
    expect(await modelBytes(layout, readModelName({ modelId: 'o/r/nothing.gguf' }))).toBeUndefined();
  });

  itOnPosix('skips links', 'symbolic links', async () => {
    mkdirSync(join(layout.models, 'o', 'r'), { recursive: true });
    const outside = join(folder.path, `outside-${count}`);
    mkdirSync(join(outside, 'sub'), { recursive: true });
    writeFileSync(join(outside, 'sub', 'secret.gguf'), 'secret');
    symlinkSync(join(outside, 'sub'), join(layout.models, 'o', 'linked'));
    symlinkSync(join(outside, 'sub', 'secret.gguf'), join(layout.models, 'o', 'r', 'secret.gguf'));
    symlinkSync('..', join(layout.models, 'o', 'r', 'loop'));
    expect(await listed()).toEqual([]);
    expect(await findModel(layout, readModelName({ modelId: 'o/r/secret.gguf' }))).toBeUndefined();
  });

  it('lists the other models if a subfolder cannot be read', async () => {
    put('o/r/one.gguf');
    put('o/r/closed/two.gguf');
    const closed = join(layout.models, 'o', 'r', 'closed');
    chmodSync(closed, 0);
    const models = await listed();
    chmodSync(closed, 0o700);
    expect(models).toContainEqual(['o/r/one.gguf', 3]);
  });

  describe('when it is listed again', () => {
    /** A clock far enough ahead that no folder counts as changed recently. */
    const later = () => Date.now() + 60_000;
    let second = 0;
    /** Gives a folder a new modification time, independently of the resolution of the file system's clock. */
    function changed(...parts: string[]): void {
      second += 1;
      utimesSync(join(layout.models, ...parts), second, second);
    }

    it('returns the same array as long as nothing changes, and another one after a change', async () => {
      put('o/r/one.gguf');
      put('o/r/sub/two.gguf');
      const listing = new ModelListing(layout, later);
      const ids = async () => (await listing.list()).map(({ name }) => name.file);
      const first = await listing.list();
      expect(await listing.list()).toBe(first);
      put('o/r/sub/three.gguf');
      changed('o', 'r', 'sub');
      expect(await ids()).toEqual(['one.gguf', 'sub/three.gguf', 'sub/two.gguf']);
      rmSync(join(layout.models, 'o', 'r', 'one.gguf'));
      changed('o', 'r');
      expect(await ids()).toEqual(['sub/three.gguf', 'sub/two.gguf']);
      rmSync(join(layout.models, 'o', 'r', 'sub'), { recursive: true });
      changed('o', 'r');
      expect(await ids()).toEqual([]);
      put('p/q/new.gguf');
      changed();
      expect(await ids()).toEqual(['new.gguf']);
    });

    it('reads folders again that changed very recently or have a modification time in the future', async () => {
      put('o/r/one.gguf');
      for (const now of [Date.now, () => 0]) {
        const listing = new ModelListing(layout, now);
        const first = await listing.list();
        const second = await listing.list();
        expect(second).not.toBe(first);
        expect(second).toEqual(first);
      }
    });

    it('shows each concurrent caller the models at the time of its call', async () => {
      const listing = new ModelListing(layout);
      for (let at = 0; at < 20; at += 1) {
        put(`o/r/m-${at}.gguf`);
        void listing.list();
        put(`o/r/n-${at}.gguf`);
        expect(await listing.list()).toHaveLength(2 * at + 2);
      }
    });
  });

  it('uses different paths for partial files and locks of different models', () => {
    const names = ['o/r/a.gguf', 'o/r/b.gguf', 'o/r@v1/a.gguf', 'o/r2/a.gguf'].map((modelId) =>
      readModelName({ modelId }),
    );
    const paths = names.map((name) => new ModelFolder(layout, name).partialPath(name.file));
    expect(new Set(paths).size).toBe(paths.length);
    expect(new Set(names.map((name) => layout.lockPath(name))).size).toBe(names.length);
    for (const path of paths) expect(path).toMatch(/[0-9a-f]{32}\.partial$/);
  });
});
