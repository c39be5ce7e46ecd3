import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { HostLimits } from '../../../host/config.ts';
import { CacheFixture, FILE, NAME, QUICK_LIMITS, REPO, seededBytes } from '../../support/cache/cache-fixture.ts';
import type { FaultRule } from '../../support/hub/faults.ts';
import type { HubOptions, HubRequest } from '../../support/hub/hub.ts';

const CHUNK = QUICK_LIMITS.chunkBytes;
const SEED = 21;
const CONTENT = seededBytes(12 * CHUNK + 77, SEED);
const TOKEN = ['hf', 'secretsecretsecret'].join('_');

let fixture: CacheFixture;
afterEach(() => fixture.close());

const onCdn = ({ server }: HubRequest) => server === 'cdn';
const onHub = ({ server }: HubRequest) => server === 'hub';
const aRange = ({ server, method }: HubRequest) => server === 'cdn' && method === 'GET';

async function open(
  faults: FaultRule[],
  options: { hub?: Partial<HubOptions>; limits?: Partial<HostLimits>; env?: NodeJS.ProcessEnv } = {},
): Promise<void> {
  // The stall timeout is short only in tests of stalls, because a busy machine can be slow too.
  const patience = faults.some(({ kind }) => kind === 'stall') ? { stallTimeoutMs: 200 } : {};
  fixture = await CacheFixture.open(CONTENT, { ...options, limits: { ...patience, ...options.limits } });
  for (const fault of faults) fixture.hub.fault(fault);
}

async function onDisk(): Promise<Buffer> {
  return readFile(join(fixture.home, 'models', ...REPO.split('/'), FILE));
}

describe(`a hub with temporary faults (content of seed ${SEED})`, () => {
  it.each<[string, FaultRule[]]>([
    ['closes a connection at once', [{ kind: 'cut', after: 0, match: aRange, times: 2 }]],
    ['closes a connection inside a chunk', [{ kind: 'cut', after: CHUNK + 100, match: aRange, times: 5 }]],
    ['stalls inside a chunk', [{ kind: 'stall', after: 300, match: aRange, times: 2 }]],
    [
      'answers 429 with Retry-After',
      [{ kind: 'status', status: 429, headers: { 'retry-after': '0' }, match: aRange, times: 3 }],
    ],
    ['answers 429 without Retry-After', [{ kind: 'status', status: 429, match: onHub, times: 3 }]],
    ['answers 503', [{ kind: 'status', status: 503, headers: { 'retry-after': '0' }, match: onCdn, times: 3 }]],
    ['answers 500 to metadata', [{ kind: 'status', status: 500, match: onHub, times: 2 }]],
    ['does not support ranges', [{ kind: 'ignoreRange', match: aRange }]],
    [
      'does not support ranges and closes connections',
      [
        { kind: 'cut', after: 5 * CHUNK, match: aRange, times: 1 },
        { kind: 'ignoreRange', match: aRange },
      ],
    ],
    ['sends the wrong range', [{ kind: 'wrongContentRange', match: aRange, times: 2 }]],
    ['sends no Content-Range', [{ kind: 'noContentRange', match: aRange, times: 2 }]],
    ['sends less than announced', [{ kind: 'shorter', by: 50, match: aRange, times: 2 }]],
    ['sends more than announced', [{ kind: 'longer', by: 50, match: aRange, times: 2 }]],
    ['sends a web page', [{ kind: 'html', match: aRange, times: 2 }]],
    ['compresses the body', [{ kind: 'gzip', match: aRange, times: 2 }]],
    ['lets its signed URLs expire', [{ kind: 'status', status: 403, match: aRange, times: 3 }]],
    ['does not support HEAD', [{ kind: 'status', status: 405, match: ({ method }) => method === 'HEAD' }]],
  ])('%s: the download completes', async (_what, faults) => {
    await open(faults);
    await fixture.cache.download(NAME);
    expect(await onDisk()).toEqual(CONTENT);
  });

  it('may send the file without a redirect', async () => {
    await open([], { hub: { noRedirect: true } });
    await fixture.cache.download(NAME);
    expect(await onDisk()).toEqual(CONTENT);
  });
});

describe('a hub with permanent faults', () => {
  it.each<[string, FaultRule[], string]>([
    ['closes every connection', [{ kind: 'cut', after: 0, match: aRange }], 'HUB_UNREACHABLE'],
    ['stalls every connection', [{ kind: 'stall', after: 0, match: aRange }], 'HUB_UNREACHABLE'],
    [
      'answers 429 permanently',
      [{ kind: 'status', status: 429, headers: { 'retry-after': '0' }, match: onHub }],
      'RATE_LIMITED',
    ],
    ['answers 500 permanently', [{ kind: 'status', status: 500, match: onHub }], 'HUB_ERROR'],
    ['sends a web page permanently', [{ kind: 'html', match: aRange }], 'HUB_ERROR'],
    ['sends wrong bytes', [{ kind: 'wrongBytes', at: 4 * CHUNK + 9, match: aRange }], 'CHECKSUM_MISMATCH'],
    [
      'changes the file after sending the metadata',
      [{ kind: 'changedEtag', match: ({ server, method }) => server === 'hub' && method === 'GET' }],
      'REMOTE_CHANGED',
    ],
    ['announces no checksum', [{ kind: 'noChecksum', match: onHub }], 'CHECKSUM_MISSING'],
    ['announces a size below zero', [{ kind: 'size', announced: '-5', match: onHub }], 'HUB_ERROR'],
    [
      'announces a size larger than any file',
      [{ kind: 'size', announced: String(2 ** 50), match: onHub }],
      'HUB_ERROR',
    ],
    [
      'announces a size larger than any disk',
      [{ kind: 'size', announced: String(2 ** 42), match: onHub }],
      'DISK_FULL',
    ],
    ['redirects in a loop', [{ kind: 'redirect', to: '/elsewhere', match: onHub }], 'REDIRECT_REFUSED'],
    ['redirects to a file', [{ kind: 'redirect', to: 'file:///etc/passwd', match: onHub }], 'REDIRECT_REFUSED'],
    [
      'redirects with a password',
      [{ kind: 'redirect', to: 'http://a:b@127.0.0.1:1/', match: onHub }],
      'REDIRECT_REFUSED',
    ],
  ])('%s: the download fails with a HostError and leaves no file under its name', async (_what, faults, code) => {
    await open(faults, { limits: { maxAttempts: 3 } });
    await expect(fixture.cache.download(NAME)).rejects.toMatchObject({ code });
    expect(await fixture.cache.list()).toEqual([]);
    fixture.hub.clearFaults();
    await fixture.cache.download(NAME);
    expect(await onDisk()).toEqual(CONTENT);
  });

  it('reports a corrupt file with its expected and actual checksum, and discards it', async () => {
    await open([{ kind: 'wrongBytes', at: 0, match: aRange }]);
    await expect(fixture.cache.download(NAME)).rejects.toMatchObject({
      message: expect.stringContaining(`${REPO}/${FILE}`),
      details: { expected: expect.stringMatching(/^[0-9a-f]{64}$/), found: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(await readdir(join(fixture.home, 'partial'))).toEqual([]);
    expect(await fixture.cache.status(NAME)).toMatchObject({ status: 'failed', error: { code: 'CHECKSUM_MISMATCH' } });
  });

  it('completes over a connection that breaks repeatedly: only attempts without any data count', async () => {
    const cut: FaultRule = { kind: 'cut', after: Math.ceil(CHUNK / 3), match: aRange };
    await open([cut], { limits: { maxAttempts: 2, connections: 1 } });
    await fixture.cache.download(NAME);
    expect(await onDisk()).toEqual(CONTENT);
    expect(fixture.hub.requests.filter(aRange).length).toBeGreaterThan(CONTENT.length / CHUNK);
  });

  it('keeps the data that was received before the connection was lost permanently', async () => {
    await open(
      [{ kind: 'status', status: 500, match: (request) => aRange(request) && !request.range?.startsWith('bytes=0-') }],
      {
        limits: { maxAttempts: 2, connections: 1 },
      },
    );
    await expect(fixture.cache.download(NAME)).rejects.toMatchObject({ code: 'HUB_ERROR' });
    const status = await fixture.cache.status(NAME);
    expect(status).toMatchObject({ status: 'failed', error: { code: 'HUB_ERROR' } });
    expect(status?.downloaded).toBeGreaterThan(0);
    fixture.hub.clearFaults();
    const before = fixture.hub.requests.length;
    await fixture.cache.download(NAME);
    expect(fixture.requestedBytes(before)).toBe(CONTENT.length - (status?.downloaded ?? 0));
  });
});

describe('a hub that denies access', () => {
  it.each<[string, Parameters<typeof CacheFixture.open>[1], Partial<typeof NAME>, string]>([
    [
      'a gated repository',
      { hub: { repos: { [REPO]: { files: { [FILE]: CONTENT }, gated: true } } } },
      {},
      'GATED_REPO',
    ],
    [
      'a private repository',
      { hub: { repos: { [REPO]: { files: { [FILE]: CONTENT }, private: true } } } },
      {},
      'REPO_NOT_FOUND',
    ],
    ['a missing repository', { hub: { repos: {} } }, {}, 'REPO_NOT_FOUND'],
    ['a missing revision', {}, { revision: 'v2' }, 'REVISION_NOT_FOUND'],
    ['a missing file', {}, { file: 'other.gguf' }, 'FILE_NOT_FOUND'],
  ])('%s has its own error', async (_what, options, change, code) => {
    fixture = await CacheFixture.open(CONTENT, options);
    await expect(fixture.cache.download({ ...NAME, ...change })).rejects.toMatchObject({ code });
    expect(fixture.hub.requests.filter(({ method }) => method === 'HEAD')).toHaveLength(1);
  });

  it('reports where to request access to a gated repository, and that an access token is required', async () => {
    fixture = await CacheFixture.open(CONTENT, {
      hub: { repos: { [REPO]: { files: { [FILE]: CONTENT }, gated: true } } },
    });
    await expect(fixture.cache.download(NAME)).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`${fixture.hub.url}/${REPO}.*access token`)),
    });
  });

  it('accepts a token, sends it only to the hub, and writes it to no file', async () => {
    fixture = await CacheFixture.open(CONTENT, {
      hub: { repos: { [REPO]: { files: { [FILE]: CONTENT }, gated: true, private: true } }, token: TOKEN },
      env: { HF_TOKEN: TOKEN },
    });
    await fixture.cache.download(NAME);
    expect(await onDisk()).toEqual(CONTENT);
    for (const { server, authorization } of fixture.hub.requests) {
      expect(authorization).toBe(server === 'hub' ? `Bearer ${TOKEN}` : undefined);
    }
    await fixture.closeCache();
    for (const entry of await readdir(fixture.home, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) expect((await readFile(join(entry.parentPath, entry.name))).includes(TOKEN)).toBe(false);
    }
  });

  it('receives no request with HF_HUB_OFFLINE', async () => {
    fixture = await CacheFixture.open(CONTENT, { env: { HF_HUB_OFFLINE: '1' } });
    await expect(fixture.cache.download(NAME)).rejects.toMatchObject({ code: 'OFFLINE' });
    expect(fixture.hub.requests).toEqual([]);
  });

  it('is reported as unreachable if it refuses the connection or its name is unknown', async () => {
    fixture = await CacheFixture.open(CONTENT, {
      env: { HF_ENDPOINT: 'http://127.0.0.1:1' },
      limits: { maxAttempts: 2 },
    });
    await expect(fixture.cache.download(NAME)).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      message: expect.stringContaining('refused'),
    });
    await fixture.close();
    fixture = await CacheFixture.open(CONTENT, {
      env: { HF_ENDPOINT: 'http://no-such-hub.invalid' },
      limits: { maxAttempts: 2 },
    });
    await expect(fixture.cache.download(NAME)).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
  });
});
