import { existsSync, statSync } from 'node:fs';
import {
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { relocateCache } from '../../../host/cache/relocation/relocate-cache.ts';
import { removeData } from '../../../host/cli/remove-data.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
import { CacheFixture, FILE, NAME, QUICK_LIMITS, REPO, seededBytes } from '../../support/cache/cache-fixture.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const CHUNK = QUICK_LIMITS.chunkBytes;
const CONTENT = seededBytes(3 * CHUNK + 5, 81);
const [OWNER = '', REPO_FOLDER = ''] = REPO.split('/');
/** A file that belongs to the user, in the target of a link. */
const MINE = readModelName({ modelPath: REPO, modelFile: 'mine.gguf' });
const DAY_MS = 24 * 60 * 60 * 1000;

let fixture: CacheFixture;
const made: string[] = [];
afterEach(async () => {
  await fixture.close();
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** Creates a folder outside the data folder, on another file system if this machine has one. */
async function outside(parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, 'tabagent-linked-'));
  made.push(folder);
  return folder;
}

const at = (...path: string[]) => join(fixture.home, 'models', ...path);
const ids = async () => (await fixture.cache.list()).map(({ name }) => name.id);
const remove = (name: Parameters<CacheFixture['cache']['delete']>[0] = NAME) => fixture.cache.delete(name);
const quietly = () => ({ signal: new AbortController().signal, onProgress: () => {} });

/**
 * Links `models/` or the owner folder, and writes a file of the user to the target. Returns the repository's folder in
 * the target.
 */
async function linkTo(target: string, which: 'models' | 'owner'): Promise<string> {
  const repo = which === 'models' ? join(target, OWNER, REPO_FOLDER) : join(target, REPO_FOLDER);
  await mkdir(repo, { recursive: true });
  await writeFile(join(repo, MINE.file), CONTENT);
  await mkdir(which === 'models' ? fixture.home : at(), { recursive: true });
  await symlink(target, which === 'models' ? at() : at(OWNER));
  return repo;
}

const otherDisk = '/dev/shm';
const disks: [string, string][] = [['the same disk', tmpdir()]];
if (existsSync(otherDisk) && statSync(otherDisk).dev !== statSync(tmpdir()).dev)
  disks.push(['another disk', otherDisk]);

describe.each(disks)('a folder linked to %s', (_disk, parent) => {
  describe.each(['models', 'owner'] as const)('in the place of the folder "%s"', (which) => {
    async function linked(options: Parameters<typeof CacheFixture.open>[1] = {}): Promise<string> {
      const files = { [FILE]: CONTENT, [MINE.file]: CONTENT };
      fixture = await CacheFixture.open(CONTENT, { hub: { repos: { [REPO]: { files } } }, ...options });
      return linkTo(await outside(parent), which);
    }

    it('supports downloading, listing, finding, verifying and deleting, and keeps the link', async () => {
      const repo = await linked();
      await fixture.cache.download(NAME);
      expect(await readFile(join(repo, FILE))).toEqual(CONTENT);
      expect(await ids()).toEqual([MINE.id, NAME.id]);
      expect(await fixture.cache.find(NAME)).toMatchObject({ files: [at(OWNER, REPO_FOLDER, FILE)] });
      expect(await fixture.cache.verifier.verify(undefined, quietly())).toMatchObject([
        { name: { id: MINE.id }, state: 'good' },
        { name: { id: NAME.id }, state: 'good' },
      ]);
      await remove();
      expect(await readdir(repo)).toEqual([MINE.file]);
      expect((await lstat(which === 'models' ? at() : at(OWNER))).isSymbolicLink()).toBe(true);
    });

    it('never changes the user’s own files, even after they were verified', async () => {
      const repo = await linked({ cacheLimit: 1 });
      const { eviction } = fixture.cache;
      for (let time = 0; time < 2; time += 1) {
        await expect(remove(MINE)).rejects.toMatchObject({ code: 'NOT_OURS' });
        const wish = { partialDays: 0, orphans: true, limit: 0 };
        expect(await eviction.prune(wish, { dryRun: false })).toEqual({ removed: [], kept: [] });
        await expect(eviction.evictFor(NAME, 1)).resolves.toBeUndefined();
        await fixture.cache.verifier.verify(MINE, quietly());
      }
      await writeFile(join(repo, MINE.file), 'changed by its user');
      await expect(fixture.cache.verifier.repair(MINE, quietly())).rejects.toMatchObject({ code: 'NOT_OURS' });
      expect(await readFile(join(repo, MINE.file), 'utf8')).toBe('changed by its user');
      await fixture.cache.cancel(MINE);
      expect(await readdir(repo)).toEqual([MINE.file]);
    });

    it('deletes nothing if one file of a repository is the user’s', async () => {
      const repo = await linked();
      await fixture.cache.download(NAME);
      const { owner, repo: name, repoId, revision } = NAME;
      await expect(remove({ owner, repo: name, repoId, revision })).rejects.toMatchObject({ code: 'NOT_OURS' });
      expect((await readdir(repo)).sort()).toEqual([MINE.file, FILE].sort());
    });

    it('keeps a downloaded file that the user has changed', async () => {
      const repo = await linked();
      await fixture.cache.download(NAME);
      await writeFile(join(repo, FILE), 'a model of my own');
      await expect(remove()).rejects.toMatchObject({ code: 'NOT_OURS' });
      expect(await readFile(join(repo, FILE), 'utf8')).toBe('a model of my own');
    });

    it('repairs a missing download and a damaged one', async () => {
      const repo = await linked();
      await fixture.cache.download(NAME);
      await rm(join(repo, FILE));
      expect(await fixture.cache.verifier.repair(NAME, quietly())).toMatchObject([{ state: 'missing' }]);
      const damaged = Buffer.from(CONTENT);
      damaged[CHUNK + 1] = (damaged[CHUNK + 1] ?? 0) ^ 1;
      await writeFile(join(repo, FILE), damaged);
      expect(await fixture.cache.verifier.repair(NAME, quietly())).toMatchObject([{ state: 'bad' }]);
      expect(await readFile(join(repo, FILE))).toEqual(CONTENT);
    });

    it('evicts downloads to stay within the limit', async () => {
      const repo = await linked();
      await fixture.cache.download(NAME);
      const { removed } = await fixture.cache.eviction.prune(
        { partialDays: undefined, orphans: false, limit: 0 },
        { dryRun: false },
      );
      expect(removed).toMatchObject([{ kind: 'model', model: { name: NAME } }]);
      expect(await readdir(repo)).toEqual([MINE.file]);
    });

    it('stores an unfinished download, which can be resumed or removed', async () => {
      const repo = await linked();
      const unfinished = async () => {
        fixture.hub.fault({
          kind: 'stall',
          after: 10,
          match: ({ server, range }) => server === 'cdn' && range !== undefined && !range.startsWith('bytes=0-'),
        });
        const controller = new AbortController();
        const onProgress = ({ downloaded }: { downloaded: number }) =>
          downloaded >= CHUNK && controller.abort('enough');
        await fixture.cache.download(NAME, { signal: controller.signal, onProgress }).catch(() => {});
        await fixture.cache.pause(NAME).catch(() => {});
        fixture.hub.clearFaults();
        return (await fixture.cache.eviction.usage()).partials;
      };
      const [partial] = await unfinished();
      expect(statSync(partial?.path ?? '').dev).toBe(statSync(repo).dev);
      await fixture.cache.download(NAME);
      expect(await readFile(join(repo, FILE))).toEqual(CONTENT);
      await remove();
      expect(await unfinished()).toMatchObject([{ name: { id: NAME.id } }]);
      await fixture.cache.cancel(NAME);
      expect((await fixture.cache.eviction.usage()).partials).toEqual([]);
    });

    it('is not moved, and its target is kept when the host is uninstalled', async () => {
      const repo = await linked();
      await fixture.cache.download(NAME);
      await fixture.closeCache();
      const to = await outside();
      const move = relocateCache({
        paths: fixture.config.paths,
        to,
        log: new RecordedLog(),
        ...quietly(),
        method: 'copy',
      });
      await expect(move).rejects.toMatchObject({ code: 'CACHE_ERROR' });
      await removeData(fixture.config.paths, async () => {});
      expect((await readdir(repo)).sort()).toEqual([MINE.file, FILE].sort());
      expect(existsSync(at())).toBe(false);
    });
  });
});

describe('a link that is not followed', () => {
  /** Creates a folder of another user. */
  async function foreign(): Promise<string> {
    if (process.getuid?.() !== 0) return '/usr';
    const folder = await outside();
    await chown(folder, 12_345, 12_345);
    return folder;
  }

  const links: [string, () => Promise<{ link: string; target: string }>][] = [
    ['to a folder of another user', async () => ({ link: at(OWNER), target: await foreign() })],
    ['in the place of all models, to a folder of another user', async () => ({ link: at(), target: await foreign() })],
    ['to nothing', async () => ({ link: at(OWNER), target: join(await outside(), 'gone') })],
    ['to itself', async () => ({ link: at(OWNER), target: at(OWNER) })],
    ['to the folder it is in', async () => ({ link: at(OWNER), target: at() })],
    ['around the data folder', async () => ({ link: at(OWNER), target: dirname(fixture.home) })],
    ['to another owner', async () => ({ link: at(OWNER), target: at('other') })],
    ['in the place of a repository', async () => ({ link: at(OWNER, REPO_FOLDER), target: await outside() })],
    [
      'in the place of a folder in a repository',
      async () => ({ link: at(OWNER, REPO_FOLDER, 'sub'), target: await outside() }),
    ],
    [
      'in the place of a file',
      async () => ({ link: at(OWNER, REPO_FOLDER, 'sub', FILE), target: join(await outside(), FILE) }),
    ],
  ];

  it.each(links)('%s: nothing is listed, loaded, deleted or written through it', async (_what, make) => {
    const file = `sub/${FILE}`;
    const name = readModelName({ modelPath: REPO, modelFile: file });
    fixture = await CacheFixture.open(CONTENT, { hub: { repos: { [REPO]: { files: { [file]: CONTENT } } } } });
    const { link, target } = await make();
    await mkdir(at('other', REPO_FOLDER, 'sub'), { recursive: true });
    await rm(link, { recursive: true, force: true });
    await mkdir(dirname(link), { recursive: true });
    await symlink(target, link);
    // The path behind the link.
    const precious = at(OWNER, REPO_FOLDER, file);
    await mkdir(dirname(precious), { recursive: true }).catch(() => {});
    await writeFile(precious, 'precious').catch(() => {});
    const isThrough = existsSync(precious);
    expect((await ids()).filter((id) => id.startsWith(OWNER))).toEqual([]);
    expect(await fixture.cache.find(name)).toBeUndefined();
    await expect(remove(name)).rejects.toMatchObject({ code: 'MODEL_NOT_DOWNLOADED' });
    await expect(fixture.cache.verifier.repair(name, quietly())).rejects.toMatchObject({
      code: 'MODEL_NOT_DOWNLOADED',
    });
    await expect(fixture.cache.download(name)).rejects.toMatchObject({ code: 'CACHE_ERROR' });
    expect(fixture.requestedBytes()).toBe(0);
    if (isThrough) expect(await readFile(precious, 'utf8')).toBe('precious');
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
  });

  it('is not written through if it replaces a folder during a download', async () => {
    fixture = await CacheFixture.open(CONTENT);
    const target = await outside();
    let swapped: Promise<void> | undefined;
    const swap = async () => {
      await mkdir(at(OWNER), { recursive: true });
      await symlink(target, at(OWNER, REPO_FOLDER));
    };
    const download = fixture.cache.download(NAME, {
      onProgress: () => {
        swapped ??= swap();
      },
    });
    await expect(download).rejects.toMatchObject({ code: 'CACHE_ERROR' });
    await swapped;
    expect(await readdir(target)).toEqual([]);
  });

  it('is rejected in the destination of a cache, and its target is kept', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    await fixture.closeCache();
    const [to, target] = [await outside(), await outside()];
    await mkdir(join(target, 'empty', 'too'), { recursive: true });
    await symlink(target, join(to, 'models'));
    const move = relocateCache({ paths: fixture.config.paths, to, log: new RecordedLog(), ...quietly() });
    await expect(move).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    expect(existsSync(join(target, 'empty', 'too'))).toBe(true);
  });

  it('at the path of the partial folder does not affect other files', async () => {
    fixture = await CacheFixture.open(CONTENT);
    const target = await outside();
    const old = (Date.now() - DAY_MS) / 1000;
    for (const file of ['notes.txt', 'mine.partial']) {
      await writeFile(join(target, file), 'precious');
      await utimes(join(target, file), old, old);
    }
    await symlink(target, join(fixture.home, 'partial'));
    await fixture.cache.eviction.prune({ partialDays: 0, orphans: true, limit: 0 }, { dryRun: false });
    expect((await readdir(target)).sort()).toEqual(['mine.partial', 'notes.txt']);
    await fixture.cache.download(NAME);
    expect(await readFile(at(OWNER, REPO_FOLDER, FILE))).toEqual(CONTENT);
  });
});

it('models that the user moved to another disk with their modification times still belong to the host', async () => {
  fixture = await CacheFixture.open(CONTENT);
  await fixture.cache.download(NAME);
  const bigger = await outside();
  await rename(at(OWNER), join(bigger, OWNER));
  await symlink(join(bigger, OWNER), at(OWNER));
  expect(await ids()).toEqual([NAME.id]);
  expect(await remove()).toMatchObject({ deleted: [NAME.id] });
  expect(await readdir(join(bigger, OWNER))).toEqual([]);
});
