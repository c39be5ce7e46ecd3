import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { findContainment } from '../../../../host/engine/sandbox/containment.ts';
import { gpuDevices } from '../../../../host/engine/sandbox/gpu-devices.ts';
import { filesOf, VisibleFolders } from '../../../../host/engine/sandbox/visible-files.ts';
import { describeOnPosix } from '../../../support/describe-on-posix.ts';
import { tempFolder } from '../../../support/gguf/temp-folder.ts';

const folder = tempFolder('visible');
afterAll(() => folder.remove());

/** A data folder with a linked models folder, and a hub cache with a linked file. */
function computer(name: string) {
  const root = join(folder.path, name);
  const [home, disk, cache] = [join(root, 'home/data'), join(root, 'disk/models'), join(root, 'cache')];
  for (const path of [home, join(disk, 'a'), join(cache, 'snapshots'), join(cache, 'blobs')]) {
    mkdirSync(path, { recursive: true });
  }
  symlinkSync(disk, join(home, 'models'));
  writeFileSync(join(disk, 'a', 'm.gguf'), '');
  writeFileSync(join(cache, 'blobs', '1'), '');
  symlinkSync('../blobs/1', join(cache, 'snapshots', 'm.gguf'));
  return { root, home, disk, cache };
}

describeOnPosix('files of a model', () => {
  it('keep their names, in folders with resolved links', async () => {
    const { home, disk, cache } = computer('names');
    expect(await filesOf([join(home, 'models/a/m.gguf'), join(cache, 'snapshots/m.gguf')])).toEqual([
      { path: join(disk, 'a/m.gguf'), target: join(disk, 'a/m.gguf') },
      { path: join(cache, 'snapshots/m.gguf'), target: join(cache, 'blobs/1') },
    ]);
  });
});

describeOnPosix('the folders that a warm runner sees', () => {
  it('contain files through links within and to them, and no others', async () => {
    const { home, root, cache } = computer('shows');
    const seen = new VisibleFolders([join(home, 'models'), cache, join(root, 'missing')], [home]);
    const shows = async (...path: string[]) => seen.shows(await filesOf([join(...path)]));
    expect(await shows(home, 'models/a/m.gguf')).toBe(true);
    expect(await shows(cache, 'snapshots/m.gguf')).toBe(true);
    const only = new VisibleFolders([join(cache, 'snapshots')], [home]);
    expect(await only.shows(await filesOf([join(cache, 'snapshots/m.gguf')]))).toBe(false);
    writeFileSync(join(root, 'cache-of-another.gguf'), '');
    expect(await shows(root, 'cache-of-another.gguf')).toBe(false);
  });

  it('do not include one that contains the data folder', () => {
    const { home, root, disk } = computer('hidden');
    expect(new VisibleFolders([root, join(home, '..'), home, disk, '/'], [home]).visible.folders).toEqual([disk]);
  });

  it('are fixed at the start: a folder that replaces one later is not visible', async () => {
    const { home, root, disk } = computer('replaced');
    const seen = new VisibleFolders([disk], [home]);
    renameSync(disk, join(root, 'old'));
    mkdirSync(join(disk, 'a'), { recursive: true });
    writeFileSync(join(disk, 'a', 'm.gguf'), '');
    expect(await seen.shows(await filesOf([join(disk, 'a/m.gguf')]))).toBe(false);
  });
});

describeOnPosix('GPU devices', () => {
  it('are those of GPU drivers, and no others', () => {
    const dev = join(folder.path, 'dev');
    mkdirSync(dev);
    for (const name of ['dri', 'nvidia0', 'nvidiactl', 'nvidia-uvm', 'kfd', 'dxg', 'video0', 'snd', 'sda', 'mem']) {
      writeFileSync(join(dev, name), '');
    }
    expect(gpuDevices(dev).map((path) => path.slice(dev.length + 1))).toEqual([
      ...['dri', 'dxg', 'kfd', 'nvidia-uvm', 'nvidia0', 'nvidiactl'],
    ]);
    expect(gpuDevices(join(folder.path, 'missing'))).toEqual([]);
  });
});

describeOnPosix('the containment of runners', () => {
  const find = (env: NodeJS.ProcessEnv, platform: NodeJS.Platform) =>
    findContainment({ env, platform, entry: new URL('../../../../host/main.ts', import.meta.url), home: folder.path });

  it.each<[string, NodeJS.ProcessEnv, NodeJS.Platform, object]>([
    ['nothing on Windows', {}, 'win32', { kind: undefined, reason: expect.stringMatching(/offers no sandbox/) }],
    ['what macOS has', { TMPDIR: '/var/folders/a/T/' }, 'darwin', { kind: 'sandbox-exec', reason: undefined }],
    [
      'nothing without bubblewrap',
      { PATH: folder.path },
      'linux',
      { kind: undefined, reason: 'bubblewrap is not installed' },
    ],
    [
      'nothing if it is off',
      { TABAGENT_SANDBOX: 'OFF' },
      'darwin',
      { kind: undefined, reason: 'TABAGENT_SANDBOX is off' },
    ],
  ])('is %s', async (_what, env, platform, status) => {
    expect((await find(env, platform)).status).toEqual(status);
  });
});
