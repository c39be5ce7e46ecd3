import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { seededBytes } from '../../support/cache/cache-fixture.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
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
  let fixture: HostFixture;
  let hub: TestHub;
  let disk: string;
  let mounted: boolean;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    disk = join(fixture.home, 'disk');
    mounted = mountSmallDisk(disk);
    const files = { 'large.gguf': seededBytes(30 * MB, 1), 'small.gguf': seededBytes(12 * MB, 2) };
    hub = fixture.use(await startHub({ repos: { [REPO]: { files } } }));
  });
  afterEach(async () => {
    spawnSync('umount', ['--lazy', disk]);
    await fixture.close();
  });

  it('rejects a download that cannot fit, keeps partial data when the disk is full, and resumes when there is space', async () => {
    if (!mounted) {
      return;
    }
    const host = fixture.host({
      home: join(disk, 'home'),
      env: { HF_ENDPOINT: hub.url, TABAGENT_STALL_TIMEOUT_MS: '300' },
    });
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: `${REPO}/large.gguf` })).toMatchObject({
      code: 'DISK_FULL',
      details: { needed: 30 * MB },
    });
    // Only the header was requested, to detect the kind of the file.
    expect(hub.requests.filter(({ server, range }) => server === 'cdn' && range !== 'bytes=0-65535')).toEqual([]);

    hub.fault({ kind: 'stall', after: 3 * MB, match: ({ server, method }) => server === 'cdn' && method === 'GET' });
    const download = host.request('DOWNLOAD_MODEL', { modelPath: `${REPO}/small.gguf` });
    await host.next(({ type, payload }) => type === 'MODEL_DOWNLOAD_PROGRESS' && payload.loaded > 6 * MB);
    expect(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(20 * MB))).toThrow('ENOSPC');
    hub.clearFaults();
    expect(await download).toMatchObject({ code: 'DISK_FULL' });
    expect(await host.request('PING')).toMatchObject({ response: 'pong' });
    const { downloads } = payloadOf('GET_ACTIVE_DOWNLOADS', await host.request('GET_ACTIVE_DOWNLOADS'));
    expect(downloads.find(({ file_path }) => file_path === 'small.gguf')).toMatchObject({
      status: 'failed',
      error: { code: 'DISK_FULL' },
    });

    rmSync(join(disk, 'filler'));
    expect(
      payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', { modelPath: `${REPO}/small.gguf` })).size,
    ).toBe(12 * MB);
    await host.close();
  });

  const token = ['hf', 'TestTokenTestToken'].join('_');

  it('works again when there is space, and until then for requests that need none', async () => {
    if (!mounted) return;
    const filler = join(disk, 'filler');
    expect(() => writeFileSync(filler, Buffer.alloc(30 * MB))).toThrow('ENOSPC');
    const host = fixture.host({ home: join(disk, 'home'), env: { HF_ENDPOINT: hub.url, TABAGENT_KEYCHAIN: 'off' } });
    const writing = [
      ['SET_PARAMS', { params: { temperature: 0.5 } }],
      ['CREATE_CONVERSATION', { id: 'a', title: 'A' }],
      ['SET_HF_TOKEN', { token }],
      ['DOWNLOAD_MODEL', { modelPath: `${REPO}/small.gguf` }],
    ] as const;
    for (const [action, fields] of writing) {
      expect(await host.request(action, fields)).toMatchObject({ action, code: 'DISK_FULL' });
    }
    for (const action of ['PING', 'GET_SYSTEM_RESOURCES']) {
      expect(await host.request(action)).toMatchObject({ action, status: 'success' });
    }
    rmSync(filler);
    for (const [action, fields] of writing) {
      expect(await host.request(action, fields)).toMatchObject({ action, status: 'success' });
    }
    await host.close();
  });

  it('is reported if it cannot be written at all', async () => {
    if (!mounted) return;
    const home = join(disk, 'home');
    const env = { HF_ENDPOINT: hub.url, TABAGENT_KEYCHAIN: 'off' };
    const modelPath = `${REPO}/small.gguf`;
    const first = fixture.host({ home, env });
    expect(await first.request('DOWNLOAD_MODEL', { modelPath })).toMatchObject({ status: 'success' });
    await first.request('SET_PARAMS', { params: { temperature: 0.5 } });
    await first.close();
    expect(spawnSync('mount', ['-o', 'remount,ro', disk]).status).toBe(0);
    const host = fixture.host({ home, env });
    for (const [action, fields] of [
      ['SET_PARAMS', { params: { temperature: 0.6 } }],
      ['CREATE_CONVERSATION', { id: 'a', title: 'A' }],
      ['SET_HF_TOKEN', { token }],
      ['DELETE_MODEL', { modelPath }],
      ['PIN_MODEL', { modelPath }],
    ] as const) {
      expect(await host.request(action, fields)).toMatchObject({ action, code: 'CACHE_NOT_WRITABLE' });
    }
    await host.close();
  });
});

/** Limits of open files: from the number with which the host can only reply, to a few more. */
const FEW_FILES = [24, 28, 32, 36, 44];

const onPosix = process.platform === 'win32' ? describe.skip : describe;
onPosix('a host with a limit of open files', () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
  });
  afterEach(() => fixture.close());

  it.each(FEW_FILES)('(%i) reports it, and continues', async (files) => {
    const command = ['/bin/sh', '-c', `ulimit -n ${files}; exec "$0" "$@"`, process.execPath, HOST_MAIN] as const;
    const host = fixture.host({ command, env: { TABAGENT_KEYCHAIN: 'off', HF_HUB_OFFLINE: '1' } });
    const requests = [
      ['SET_PARAMS', { params: { temperature: 0.5 } }],
      ['LIST_CONVERSATIONS', {}],
      ['GET_DOWNLOADED_MODELS', {}],
      ['SET_HF_TOKEN', { token: ['hf', 'TestTokenTestToken'].join('_') }],
      ['GET_SYSTEM_RESOURCES', {}],
      ['LOAD_MODEL', { modelId: 'a/b/c.gguf' }],
    ] as const;
    const replies = await Promise.all(requests.map(([action, fields]) => host.request(action, fields)));
    for (const { action, status, code } of replies) {
      const isNamed = status === 'success' || ['TOO_MANY_FILES', 'OFFLINE'].includes(code);
      expect({ action, code, isNamed }).toEqual({ action, code, isNamed: true });
    }
    expect(await host.request('PING')).toMatchObject({ status: 'success' });
  });
});
