import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openLocation } from '../../../host/cache/relocation/open-location.ts';
import { type RelocationProgress, relocateCache } from '../../../host/cache/relocation/relocate-cache.ts';
import { listFiles } from '../../../host/cache/relocation/tree.ts';
import { HostError } from '../../../host/common/errors.ts';
import { type ModelName, readModelName } from '../../../host/protocol/model-name.ts';
import { CacheFixture, openCache, seededBytes } from '../../support/cache/cache-fixture.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const MiB = 1024 * 1024;
const CONTENTS: Readonly<Record<string, Buffer>> = {
  'a.gguf': seededBytes(3 * MiB + 1, 1),
  'sub/b.gguf': seededBytes(2 * MiB, 2),
  'c.gguf': Buffer.concat([seededBytes(MiB, 3), Buffer.alloc(4 * MiB), seededBytes(10, 4)]),
};
const NAMES: readonly ModelName[] = Object.keys(CONTENTS).map((file) =>
  readModelName({ modelId: `maker/many/${file}` }),
);

let fixture: CacheFixture;
afterEach(() => fixture.close());

/** Creates a home with models and an unfinished download. No host has the cache open. */
async function open(): Promise<string> {
  fixture = await CacheFixture.open(Buffer.alloc(0));
  await fixture.closeCache();
  for (const [file, content] of Object.entries(CONTENTS)) {
    const path = join(fixture.home, 'models', 'maker', 'many', file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  await mkdir(join(fixture.home, 'partial'));
  await writeFile(join(fixture.home, 'partial', 'on-its-way.partial'), seededBytes(1000, 5));
  return join(fixture.home, 'elsewhere', 'cache');
}

function move(
  to: string,
  options: { method?: 'copy'; signal?: AbortSignal; onProgress?: (p: RelocationProgress) => void } = {},
) {
  const { signal = new AbortController().signal, onProgress = () => {}, ...rest } = options;
  return relocateCache({ paths: fixture.config.paths, to, signal, onProgress, log: new RecordedLog(), ...rest });
}

/** Opens the cache like a host and asserts that everything exists exactly once. */
async function expectWhole(folder: string): Promise<void> {
  const place = await openLocation(fixture.config.paths, new RecordedLog());
  expect(place.paths.models).toBe(join(folder, 'models'));
  const { cache, close } = await openCache({ ...fixture.config, paths: place.paths });
  expect(await cache.list()).toHaveLength(NAMES.length);
  for (const name of NAMES) {
    const [file = ''] = (await cache.find(name))?.files ?? [];
    expect((await readFile(file)).equals(CONTENTS[name.file] ?? Buffer.alloc(0))).toBe(true);
  }
  expect(await readFile(join(place.paths.partial, 'on-its-way.partial'))).toEqual(seededBytes(1000, 5));
  await close();
  place.release();
}

const emptyIn = async (folder: string) =>
  [...(await listFiles(join(folder, 'models'))), ...(await listFiles(join(folder, 'partial')))].length === 0;

describe.each([
  ['by renaming', {}],
  ['by copying, as to another disk', { method: 'copy' as const }],
])('a move %s', (_how, method) => {
  it('moves everything, and back again', async () => {
    const to = await open();
    const seen: number[] = [];
    const moved = await move(to, { ...method, onProgress: (progress) => seen.push(progress.moved / progress.total) });
    expect(moved).toMatchObject({ from: fixture.home, to, files: 4 });
    expect(seen.at(-1)).toBe(1);
    await expectWhole(to);
    expect(await emptyIn(fixture.home)).toBe(true);
    await move(fixture.home, method);
    await expectWhole(fixture.home);
    expect(await emptyIn(to)).toBe(true);
  });

  it('changes nothing if it is aborted', async () => {
    const to = await open();
    const controller = new AbortController();
    const reason = new HostError('ABORTED', 'enough');
    const onProgress = () => controller.abort(reason);
    await expect(move(to, { ...method, signal: controller.signal, onProgress })).rejects.toBe(reason);
    await expectWhole(fixture.home);
    expect(await emptyIn(to)).toBe(true);
  });
});

describe('a move', () => {
  it('preserves sparse files', async () => {
    const to = await open();
    await move(to, { method: 'copy' });
    const copied = await listFiles(join(to, 'models'));
    const { size = 0, allocated = 0 } = copied.find(({ path }) => path.endsWith('c.gguf')) ?? {};
    expect(size - allocated).toBeGreaterThan(3 * MiB);
  });

  it('is rejected while a host has the cache open', async () => {
    const to = await open();
    const place = await openLocation(fixture.config.paths, new RecordedLog());
    await expect(move(to)).rejects.toMatchObject({ code: 'CACHE_MOVING' });
    place.release();
    await move(to);
    await expectWhole(to);
  });

  it.each<[string, (home: string) => Promise<string>]>([
    ['a relative path', async () => 'somewhere'],
    ['the current folder', async (home) => home],
    ['into itself', async (home) => join(home, 'models', 'inside')],
    [
      'into itself through a link',
      async (home) => {
        await symlink(join(home, 'models'), join(home, 'link'));
        return join(home, 'link', 'inside');
      },
    ],
    [
      'a folder with another cache',
      async (home) => {
        await mkdir(join(home, 'other', 'models'), { recursive: true });
        await writeFile(join(home, 'other', 'models', 'precious.gguf'), 'precious');
        return join(home, 'other');
      },
    ],
  ])('%s is rejected', async (_what, target) => {
    await open();
    await expect(move(await target(fixture.home))).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await expectWhole(fixture.home);
  });

  it('to a disk that is disconnected later is reported, and creates no empty cache', async () => {
    const to = await open();
    await move(to);
    await rename(to, `${to}-unplugged`);
    await expect(openLocation(fixture.config.paths, new RecordedLog())).rejects.toMatchObject({ code: 'CACHE_ERROR' });
    expect(existsSync(to)).toBe(false);
    await rename(`${to}-unplugged`, to);
    await expectWhole(to);
  });

  it('does not move files that do not belong to the cache', async () => {
    const to = await open();
    await symlink(join(fixture.home, 'nowhere'), join(fixture.home, 'models', 'link'));
    await move(to, { method: 'copy' });
    await expectWhole(to);
    expect(existsSync(join(to, 'models', 'link'))).toBe(false);
    await rm(join(fixture.home, 'models', 'link'));
  });
});

const CHILD = fileURLToPath(new URL('../../support/cache/move-child.ts', import.meta.url));

/** Moves the cache in a process that is killed at its n-th progress report. Returns whether it finished. */
async function moveKilledAt(line: number, to: string, method: string): Promise<boolean> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD], {
    env: { PATH: process.env.PATH, TABAGENT_HOME: fixture.home, HOME: fixture.home, MOVE_TO: to, MOVE_METHOD: method },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let lines = 0;
  let done = false;
  for await (const text of createInterface({ input: child.stdout })) {
    done ||= text === 'done';
    lines += 1;
    if (lines === line) child.kill('SIGKILL');
  }
  await exited;
  return done;
}

describe('a move that is killed', () => {
  it.each(['rename', 'copy'])('at any moment (by %s) leaves every model complete in one folder', async (method) => {
    const to = await open();
    let killed = 0;
    for (let line = 1; ; line += 3) {
      const done = await moveKilledAt(line, to, method);
      if (done) break;
      killed += 1;
      const place = await openLocation(fixture.config.paths, new RecordedLog());
      place.release();
      const folder = place.paths.models === join(to, 'models') ? to : fixture.home;
      await expectWhole(folder);
      expect(await emptyIn(folder === to ? fixture.home : to)).toBe(true);
      if (folder === to) await move(fixture.home);
    }
    expect(killed).toBeGreaterThan(0);
    await expectWhole(to);
  });

  // A moment that a kill rarely hits: between saving the new location and removing the old files.
  it('after saving the new location is completed', async () => {
    const to = await open();
    await move(to, { method: 'copy' });
    const left = join(fixture.home, 'models', 'maker', 'many', 'a.gguf');
    await mkdir(join(left, '..'), { recursive: true });
    await writeFile(left, CONTENTS['a.gguf'] ?? '');
    await writeFile(join(fixture.home, 'cache-move.json'), JSON.stringify({ from: fixture.home, to, method: 'copy' }));
    await expectWhole(to);
    expect(existsSync(left)).toBe(false);
    expect(existsSync(join(fixture.home, 'cache-move.json'))).toBe(false);
  });
});
