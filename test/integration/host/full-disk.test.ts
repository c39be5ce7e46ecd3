import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { seededBytes } from '../../support/cache/cache-bench.ts';
import { promised } from '../../support/host/promised.ts';
import { Workshop } from '../../support/host/workshop.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const MB = 1e6;
const REPO = 'maker/large-GGUF';

/** A disk of 20 MB: a tmpfs, which only root can mount. */
function mountSmallDisk(folder: string): boolean {
  mkdirSync(folder);
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', folder]).status === 0;
}

const canMount = process.platform === 'linux' && process.getuid?.() === 0;
const whereDisksCanBeMounted = canMount ? describe : describe.skip;

whereDisksCanBeMounted('a host on a full disk', () => {
  let shop: Workshop;
  let hub: TestHub;
  let disk: string;
  let mounted: boolean;
  beforeEach(async () => {
    shop = await Workshop.open();
    disk = join(shop.home, 'disk');
    mounted = mountSmallDisk(disk);
    const files = { 'large.gguf': seededBytes(30 * MB, 1), 'small.gguf': seededBytes(12 * MB, 2) };
    hub = shop.use(await startHub({ repos: { [REPO]: { files } } }));
  });
  afterEach(async () => {
    spawnSync('umount', ['--lazy', disk]);
    await shop.close();
  });

  it('refuses what cannot fit before a byte is fetched; keeps what came when space runs out; goes on when there is some', async () => {
    if (!mounted) {
      return;
    }
    const host = shop.host({
      home: join(disk, 'home'),
      env: { HF_ENDPOINT: hub.url, TABAGENT_STALL_TIMEOUT_MS: '300' },
    });
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: `${REPO}/large.gguf` })).toMatchObject({
      code: 'DISK_FULL',
      details: { needed: 30 * MB },
    });
    expect(hub.requests.some(({ server }) => server === 'cdn')).toBe(false);

    hub.fault({ kind: 'stall', after: 3 * MB, match: ({ server, method }) => server === 'cdn' && method === 'GET' });
    const download = host.request('DOWNLOAD_MODEL', { modelPath: `${REPO}/small.gguf` });
    await host.next(({ type, payload }) => type === 'MODEL_DOWNLOAD_PROGRESS' && payload.loaded > 6 * MB);
    expect(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(20 * MB))).toThrow('ENOSPC');
    hub.heal();
    expect(await download).toMatchObject({ code: 'DISK_FULL' });
    expect(await host.request('PING')).toMatchObject({ response: 'pong' });
    const { downloads } = promised('GET_ACTIVE_DOWNLOADS', await host.request('GET_ACTIVE_DOWNLOADS'));
    expect(downloads.find(({ file_path }) => file_path === 'small.gguf')).toMatchObject({
      status: 'failed',
      error: { code: 'DISK_FULL' },
    });

    rmSync(join(disk, 'filler'));
    expect(
      promised('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', { modelPath: `${REPO}/small.gguf` })).size,
    ).toBe(12 * MB);
    await host.close();
  });
});
