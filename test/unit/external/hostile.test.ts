import { execFile } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeEach, expect, it } from '@jest/globals';
import { BoundedFolder, ScanBudget } from '../../../host/external/bounded-folder.ts';
import { ExternalModels } from '../../../host/external/external-models.ts';
import { scan } from '../../../host/external/scan.ts';
import { describeOnPosix } from '../../support/describe-on-posix.ts';
import { put, putHubCache, putOllama, sha256 } from '../../support/external/programs.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { tinyGguf } from '../../support/gguf/tiny-gguf.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const folder = tempFolder('hostile');
afterAll(() => folder.remove());

const MODEL = tinyGguf();

const ANOTHER_USER = 65_533;

const JAN_MODELS = '.local/share/Jan/data/llamacpp/models';

let home: string;
/** A file of another user. */
let outside: string;
/** A file of this user. */
let moved: string;
let made = 0;
beforeEach(() => {
  const place = join(folder.path, `${made++}`);
  home = join(place, 'home');
  moved = put(MODEL, place, 'disk', 'moved.gguf');
  outside = put(MODEL, place, 'outside', 'secret.gguf');
  mkdirSync(home);
  if (process.getuid?.() !== 0) {
    // Only root can change the owner of files. This file and its folder belong to root.
    outside = '/usr/bin/env';
    return;
  }
  chownSync(outside, ANOTHER_USER, ANOTHER_USER);
  chownSync(dirname(outside), ANOTHER_USER, ANOTHER_USER);
});

async function look(signal = new AbortController().signal) {
  const env = { HOME: home, OLLAMA_MODELS: join(home, '.ollama/models') };
  return scan({ platform: 'linux', env, configFile: join(home, 'config.json'), signal });
}
const paths = async () => (await look()).models.flatMap(({ files }) => files.map(({ path }) => path));

describeOnPosix('a scan', () => {
  it('reports skipped files with the reason', async () => {
    const lmStudio = join(home, '.lmstudio/models/owner/repo');
    mkdirSync(lmStudio, { recursive: true });
    symlinkSync(outside, join(lmStudio, 'out.gguf'));
    symlinkSync(join(home, 'gone.gguf'), join(lmStudio, 'dangling.gguf'));
    put(MODEL, home, '.lmstudio/models', ...'abcdefghij', 'deep.gguf');
    put(MODEL, home, '.lmstudio/models/owner/repo/good.gguf');
    put(MODEL, lmStudio, 'split-00001-of-00002.gguf');
    put(MODEL, lmStudio, 'late-00002-of-00002.gguf');
    put(JSON.stringify({ modelFolders: [join(home, 'absent')] }), home, 'config.json');
    put(`model_path: ${outside}\n`, home, JAN_MODELS, 'import/model.yml');
    const blob = putOllama(join(home, '.ollama/models'), 'lost', 'latest', [{ content: MODEL }]);
    rmSync(blob);
    const { models, problems } = await look();
    expect(models.map(({ title }) => title)).toEqual(['owner/repo/good.gguf']);
    expect(problems).toHaveLength(8);
    const all = problems.join('\n');
    for (const text of [
      'absent, listed in',
      'was not searched: it is more than 8 folders deep',
      'dangling.gguf is a link',
      'out.gguf is a link',
      'split-00001-of-00002.gguf is not complete: some of its 2 parts are missing',
      'late-00001-of-00002.gguf is not complete',
      'lost:latest',
      `${outside} (listed in`,
    ]) {
      expect(all).toContain(text);
    }
  });
});

describeOnPosix('files in the folders of other programs', () => {
  it.each([
    ['a digest with a path', `sha256:${'../'.repeat(8)}${'a'.repeat(40)}`],
    ['a digest of another kind', `md5:${'a'.repeat(64)}`],
    ['a digest in capitals', `sha256:${'A'.repeat(64)}`],
    ['a digest that is a file name', 'sha256:../../../../../outside/secret.gguf'],
    ['a digest that is another file of the store', 'sha256:/../../own.gguf'],
    ['a number', 7],
    ['nothing', null],
  ])('are not followed from a manifest with %s', async (_what, digest) => {
    const manifest = { layers: [{ mediaType: 'application/vnd.ollama.image.model', digest }] };
    put(JSON.stringify(manifest), home, '.ollama/models/manifests/registry.ollama.ai/library/evil/latest');
    put(MODEL, home, '.ollama/models/own.gguf');
    putOllama(join(home, '.ollama/models'), 'good', 'latest', [{ content: MODEL }]);
    expect(await paths()).toEqual([join(home, '.ollama/models/blobs', `sha256-${sha256(MODEL)}`)]);
  });

  it.each(['', 'null', '[]', '7', '"x"', '{"layers": {}}', '{"layers": [null]}', '[['.repeat(100_000)])(
    'are skipped if a manifest is invalid (%#)',
    async (text) => {
      put(text, home, '.ollama/models/manifests/registry.ollama.ai/library/evil/latest');
      put(text, home, '.cache/llama.cpp/manifest=a=b=c.json');
      put(text, home, '.cache/llama.cpp/x.gguf.json');
      put(MODEL, home, '.cache/llama.cpp/x.gguf');
      expect(await paths()).toEqual([join(home, '.cache/llama.cpp/x.gguf')]);
    },
  );

  it('are not read if a manifest is as large as a model', async () => {
    const store = join(home, '.ollama/models');
    putOllama(store, 'large', 'latest', [{ content: MODEL }]);
    const manifest = join(store, 'manifests/registry.ollama.ai/library/large/latest');
    appendFileSync(manifest, ' '.repeat(2 ** 20));
    expect(await paths()).toEqual([]);
    truncateSync(manifest, 2 ** 40);
    expect(await paths()).toEqual([]);
  });

  it('are not followed through links out of the folder or in cycles', async () => {
    const models = join(home, '.lmstudio/models');
    mkdirSync(join(models, 'maker/model'), { recursive: true });
    symlinkSync(outside, join(models, 'maker/model/link.gguf'));
    symlinkSync(join(outside, '..'), join(models, 'maker/outside'));
    symlinkSync('..', join(models, 'maker/model/up'));
    symlinkSync('loop.gguf', join(models, 'maker/model/loop.gguf'));
    symlinkSync('gone.gguf', join(models, 'maker/model/dangling.gguf'));
    put(MODEL, models, 'maker/model/own.gguf');
    symlinkSync('own.gguf', join(models, 'maker/model/also.gguf'));
    expect(await paths()).toEqual([join(models, 'maker/model/also.gguf'), join(models, 'maker/model/own.gguf')]);
  });

  it('are not followed out of the hub cache through a snapshot or a blob', async () => {
    const cache = join(home, '.cache/huggingface/hub');
    const snapshot = join(cache, 'models--a--b/snapshots', 'a'.repeat(40));
    mkdirSync(snapshot, { recursive: true });
    symlinkSync(outside, join(snapshot, 'evil.gguf'));
    put('../../../../../../outside/secret', cache, 'models--a--b/refs/main');
    mkdirSync(join(home, '.ollama/models/blobs'), { recursive: true });
    symlinkSync(outside, join(home, '.ollama/models/blobs', `sha256-${sha256(MODEL)}`));
    const digest = `sha256:${sha256(MODEL)}`;
    const manifest = { layers: [{ mediaType: 'application/vnd.ollama.image.model', digest }] };
    put(JSON.stringify(manifest), home, '.ollama/models/manifests/registry.ollama.ai/library/evil/latest');
    expect(await paths()).toEqual([]);
  });

  it('are found through links that the user created to their own files and folders', async () => {
    const models = join(home, '.lmstudio/models');
    const disk = dirname(moved);
    mkdirSync(join(models, 'maker/model'), { recursive: true });
    symlinkSync(moved, join(models, 'maker/model/link.gguf'));
    put(MODEL, disk, 'other/model/far.gguf');
    symlinkSync(join(disk, 'other'), join(models, 'other'));
    symlinkSync(disk, join(disk, 'other/model/loop'));
    const store = join(home, '.ollama/models');
    putOllama(store, 'far', 'latest', [{ content: MODEL }]);
    renameSync(join(store, 'blobs'), join(disk, 'blobs'));
    symlinkSync(join(disk, 'blobs'), join(store, 'blobs'));
    const yml = put(`name: x\nmodel_path: ${moved}\nsize_bytes: 1\n`, home, JAN_MODELS, 'import/model.yml');
    expect(await paths()).toEqual([
      join(models, 'maker/model/link.gguf'),
      join(models, 'other/model/far.gguf'),
      join(store, 'blobs', `sha256-${sha256(MODEL)}`),
      moved,
    ]);
    expect((await look()).models.at(-1)?.title).toBe(basename(dirname(yml)));
  });

  it('are not followed through links in a folder in which everyone can create them', async () => {
    const models = join(home, '.lmstudio/models');
    mkdirSync(join(models, 'maker/model'), { recursive: true });
    symlinkSync(moved, join(models, 'maker/model/link.gguf'));
    chmodSync(models, 0o777);
    expect(await paths()).toEqual([]);
  });

  it('are found if the program folder itself is a link', async () => {
    put(MODEL, folder.path, `big-${made}`, 'maker/model/own.gguf');
    mkdirSync(join(home, '.lmstudio'), { recursive: true });
    symlinkSync(join(folder.path, `big-${made}`), join(home, '.lmstudio/models'));
    expect(await paths()).toEqual([join(home, '.lmstudio/models/maker/model/own.gguf')]);
  });

  it('have valid IDs for any names', async () => {
    const models = join(home, '.lmstudio/models');
    for (const name of ['a:b.gguf', 'con.gguf', ' lead.gguf', 'tab\t.gguf', '‮fed.gguf', `${'x'.repeat(240)}.gguf`]) {
      put(MODEL, models, 'maker/model', name);
    }
    put(MODEL, home, '.cache/huggingface/hub/models--..--..', 'snapshots', 'x', 'm.gguf');
    const { models: found } = await look();
    expect(found).toHaveLength(7);
    expect(new Set(found.map(({ name }) => name.id)).size).toBe(7);
    for (const { name } of found) expect(name.id).toMatch(/^local\/(lmstudio|huggingface)\/[\w./-]+$/);
  });

  it('are read up to the limit of entries', async () => {
    for (let i = 0; i < 20; i++) put(MODEL, home, 'many', `${i}.gguf`);
    const budget = new ScanBudget(new AbortController().signal, 10);
    const open = await BoundedFolder.open(join(home, 'many'), budget);
    expect((await open?.names())?.files).toHaveLength(10);
    expect(budget.hasCapacity).toBe(false);
    await open?.file('0.gguf');
    await open?.referenced(join(home, 'many/0.gguf'));
    expect(budget.skipped).toEqual([]);
  });

  it('are read up to the limit of depth', async () => {
    const models = join(home, '.lmstudio/models/maker/model');
    const deep = join(models, ...Array.from({ length: 40 }, () => 'd'));
    put(MODEL, deep, 'deep.gguf');
    put(MODEL, models, 'own.gguf');
    expect(await paths()).toEqual([join(models, 'own.gguf')]);
  });

  it('cost little if file names claim a thousand parts', async () => {
    const models = join(home, '.lmstudio/models/maker/model');
    for (let i = 0; i < 500; i++) put('', models, `m${i}-00001-of-01000.gguf`);
    expect(await paths()).toEqual([]);
  });

  it('are reported as far as found when the time limit is reached', async () => {
    putHubCache(join(home, '.cache/huggingface/hub'), { repo: 'a/b', file: 'm.gguf', content: MODEL });
    expect(await look(AbortSignal.abort())).toMatchObject({ models: [], complete: false });
  });

  const withModes = process.platform === 'win32' ? it.skip : it;
  withModes('are skipped if a folder or file is not readable', async () => {
    const models = join(home, '.lmstudio/models');
    const closed = put(MODEL, models, 'maker/closed/a.gguf');
    const open = put(MODEL, models, 'maker/open/b.gguf');
    const unreadable = put(MODEL, models, 'maker/open/c.gguf');
    // Another user than root, who runs the test, must be able to read it.
    for (let path = home; path.length >= folder.path.length; path = dirname(path)) chmodSync(path, 0o755);
    chmodSync(dirname(closed), 0);
    chmodSync(unreadable, 0);
    try {
      const child = fileURLToPath(new URL('../../support/external/list-child.ts', import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, [child, home]);
      expect(JSON.parse(stdout)).toEqual({
        models: [open],
        rejected: [[unreadable, expect.stringContaining('cannot be read (EACCES)')]],
      });
    } finally {
      chmodSync(dirname(closed), 0o700);
    }
  });

  it('are listed, loaded and rejected without a database', async () => {
    const log = new RecordedLog();
    const env = { HOME: home, OLLAMA_MODELS: join(home, '.ollama/models') };
    const local = new ExternalModels({
      config: { env, paths: { home, locks: join(home, 'locks') } },
      store: () => Promise.reject(new Error('no database')),
      log,
    });
    const blob = putOllama(join(home, '.ollama/models'), 'tiny', '1', [{ content: MODEL }]);
    const [model] = (await local.list()).models;
    expect(model).toMatchObject({ offered: { id: 'local/ollama/tiny/1' }, verified: false });
    if (model === undefined) throw new Error('No model');
    await local.verify(model);
    expect((await local.list()).models[0]?.verified).toBe(true);
    expect(model.files[0]?.path).toBe(blob);
    expect(log.lines.some(({ event }) => event === 'external.cache-not-saved')).toBe(true);
  });
});
