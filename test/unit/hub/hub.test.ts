import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Hub } from '../../../host/hub/hub.ts';
import type { RemoteFile } from '../../../host/hub/types.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
import { QUICK_LIMITS, seededBytes } from '../../support/cache/cache-fixture.ts';
import { type HubOptions, type HubRequest, startHub, type TestHub } from '../../support/hub/hub.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const SEED = 17;
const CONTENT = seededBytes(700_000, SEED);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const REPO = 'maker/model-GGUF';
const FILE = 'sub dir/a+b #1%.gguf';
const NAME = readModelName({ modelPath: REPO, modelFile: FILE });

let served: TestHub | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

async function serve(options: Partial<HubOptions> = {}): Promise<{ hub: Hub; server: TestHub }> {
  const server = await startHub({ repos: { [REPO]: { files: { [FILE]: CONTENT } } }, ...options });
  served = server;
  return { hub: hubAt(server.url), server };
}

function hubAt(endpoint: string, env: NodeJS.ProcessEnv = {}): Hub {
  const limits = { ...QUICK_LIMITS, stallTimeoutMs: 500 };
  return new Hub({ endpoint, env: { HOME: '/nowhere', ...env }, limits, log: new RecordedLog() });
}

async function read(hub: Hub, remote: RemoteFile, start: number, end: number): Promise<Buffer> {
  const { body } = await hub.openRange(remote, { start, end }, {});
  return Buffer.concat(await Array.fromAsync(body));
}

const isResolve = ({ server, url }: HubRequest) => server === 'hub' && url.includes('/resolve/');
const isListing = ({ url }: HubRequest) => url.startsWith('/api/');
const isTree = ({ url }: HubRequest) => url.includes('/tree/');
const byCommit = ({ url }: HubRequest) => /\/resolve\/[0-9a-f]{40}\//.test(url);

describe('fileInfo', () => {
  it('returns size, checksum and commit with one request and without following the redirect to the CDN', async () => {
    const { hub, server } = await serve();
    expect(await hub.fileInfo(NAME, FILE, {})).toEqual({
      name: NAME,
      file: FILE,
      size: CONTENT.length,
      checksum: { algorithm: 'sha256', hex: SHA256 },
      etag: SHA256,
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    expect(server.requests.map(({ server, method, url }) => [server, method, url])).toEqual([
      ['hub', 'HEAD', `/${REPO}/resolve/main/sub%20dir/a%2Bb%20%231%25.gguf`],
    ]);
  });

  it.each([
    ['the tree', []],
    ["the model's page if there is no tree", [{ kind: 'status' as const, status: 404, match: isTree }]],
    [
      'the tree after a temporary error',
      [{ kind: 'status' as const, status: 503, match: isListing, times: 2, headers: { 'retry-after': '0' } }],
    ],
  ])('takes the checksum from %s if the ETag is not a checksum', async (_what, faults) => {
    const { hub, server } = await serve();
    for (const fault of faults) server.fault(fault);
    server.fault({ kind: 'tag', announced: '"v1-700000"', match: isResolve });
    const remote = await hub.fileInfo(NAME, FILE, {});
    expect(remote).toMatchObject({ checksum: { algorithm: 'sha256', hex: SHA256 }, etag: 'v1-700000' });
    expect(await read(hub, remote, 10, 20)).toEqual(CONTENT.subarray(10, 20));
  });

  it("prefers the listing's SHA-256 to an ETag that looks like git's SHA-1", async () => {
    const { hub, server } = await serve();
    server.fault({ kind: 'tag', announced: `"${'ab'.repeat(20)}"`, match: isResolve });
    expect((await hub.fileInfo(NAME, FILE, {})).checksum).toEqual({ algorithm: 'sha256', hex: SHA256 });
  });

  it("uses git's SHA-1 if there is no SHA-256", async () => {
    const { hub, server } = await serve();
    server.fault({ kind: 'tag', announced: `W/"${'ab'.repeat(20)}"`, match: isResolve });
    server.fault({ kind: 'status', status: 404, match: isListing });
    expect((await hub.fileInfo(NAME, FILE, {})).checksum).toEqual({ algorithm: 'git-sha1', hex: 'ab'.repeat(20) });
  });

  it.each([
    ['a listing that is not JSON', { kind: 'html' as const, match: isListing }, 'HUB_ERROR'],
    ['no listing at all', { kind: 'status' as const, status: 404, match: isListing }, 'CHECKSUM_MISSING'],
  ])('fails without a checksum from %s', async (_what, fault, code) => {
    const { hub, server } = await serve();
    server.fault({ kind: 'tag', announced: '"v1"', match: isResolve });
    server.fault(fault);
    await expect(hub.fileInfo(NAME, FILE, {})).rejects.toMatchObject({ code });
  });

  it('fails immediately if the hub requests a very long delay, and reports when to try again', async () => {
    const { hub, server } = await serve();
    server.fault({ kind: 'status', status: 429, headers: { 'retry-after': '86400' } });
    await expect(hub.fileInfo(NAME, FILE, {})).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      message: expect.stringContaining('86400 seconds'),
      details: { retryAfterSeconds: 86_400 },
    });
    expect(server.requests).toHaveLength(1);
  });

  it('stops when aborted between two attempts', async () => {
    const { hub, server } = await serve();
    server.fault({ kind: 'status', status: 503, headers: { 'retry-after': '50' } });
    const controller = new AbortController();
    const pending = hub.fileInfo(NAME, FILE, { signal: controller.signal });
    pending.catch(() => {});
    while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error('aborted'));
    await expect(pending).rejects.toThrow('aborted');
  });
});

describe('openRange', () => {
  it('downloads from the resolved commit, so that a moving branch cannot mix two files', async () => {
    const { hub, server } = await serve();
    const remote = await hub.fileInfo(NAME, FILE, {});
    expect(await read(hub, remote, 0, 100)).toEqual(CONTENT.subarray(0, 100));
    expect(server.requests.filter(isResolve).at(-1)?.url).toContain(`/resolve/${remote.commit}/`);
  });

  it('asks the hub once where the bytes are, and again when they are no longer there', async () => {
    const { hub, server } = await serve();
    const remote = await hub.fileInfo(NAME, FILE, {});
    const asked = () => server.requests.filter((request) => isResolve(request) && request.method === 'GET').length;
    for (const start of [0, 1000, 2000]) {
      expect(await read(hub, remote, start, start + 9)).toEqual(CONTENT.subarray(start, start + 9));
    }
    expect(asked()).toBe(1);
    const isCdn = ({ server: which }: HubRequest) => which === 'cdn';
    const expired = [401, 403, 410];
    for (const [i, status] of expired.entries()) {
      server.fault({ kind: 'status', status, match: isCdn, times: 1 });
      expect(await read(hub, remote, 5, 25)).toEqual(CONTENT.subarray(5, 25));
      expect(asked()).toBe(i + 2);
    }
    // A server that limits requests is not asked for by another name.
    server.fault({ kind: 'status', status: 429, match: isCdn, times: 1 });
    await expect(read(hub, remote, 0, 9)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(await read(hub, remote, 0, 9)).toEqual(CONTENT.subarray(0, 9));
    expect(asked()).toBe(expired.length + 1);
  });

  it('downloads from the named revision if the hub does not accept its own commit, which it tries only once', async () => {
    const { hub, server } = await serve();
    server.fault({ kind: 'status', status: 404, match: byCommit });
    const remote = await hub.fileInfo(NAME, FILE, {});
    for (const start of [0, 1000]) {
      expect(await read(hub, remote, start, start + 9)).toEqual(CONTENT.subarray(start, start + 9));
    }
    expect(server.requests.filter(byCommit)).toHaveLength(1);
  });

  it.each([
    ['another checksum', SHA256, 'cd'.repeat(32), true],
    ['another tag that is no checksum', 'v1', 'v2', true],
    ['the same tag', 'v1', 'v1', false],
    ['a tag of another kind', SHA256, 'v1', false],
  ])('detects from %s whether the file has changed', async (_what, before, after, isChange) => {
    const { hub, server } = await serve();
    server.fault({ kind: 'tag', announced: `"${before}"`, match: isResolve, times: 1 });
    server.fault({ kind: 'tag', announced: `W/"${after}"`, match: isResolve });
    const remote = await hub.fileInfo(NAME, FILE, {});
    const reading = read(hub, remote, 0, 10);
    if (isChange) await expect(reading).rejects.toMatchObject({ code: 'REMOTE_CHANGED' });
    else expect(await reading).toHaveLength(10);
  });
});

describe('byteSource', () => {
  it('reads at any offset, in windows, with few requests', async () => {
    const { hub, server } = await serve();
    const source = await hub.byteSource(NAME, FILE, {});
    expect(source.size).toBe(CONTENT.length);
    for (const [offset, length] of [
      [0, 4],
      [4, 1000],
      [200_000, 100_000],
      [699_990, 100],
      [100, 8],
      [700_000, 5],
    ] as const) {
      expect(Buffer.from(await source.read(offset, length))).toEqual(CONTENT.subarray(offset, offset + length));
    }
    expect(server.requests.filter(({ server }) => server === 'cdn').length).toBeLessThanOrEqual(4);
    await source.close();
  });

  it.each([
    ['interrupted in the middle', { kind: 'cut' as const, after: 1000 }],
    ['stalled in the middle', { kind: 'stall' as const, after: 1000 }],
  ])('continues after a connection was %s', async (_what, fault) => {
    const { hub, server } = await serve();
    server.fault({ ...fault, match: ({ server }) => server === 'cdn', times: 2 });
    const source = await hub.byteSource(NAME, FILE, {});
    expect(Buffer.from(await source.read(0, 50_000))).toEqual(CONTENT.subarray(0, 50_000));
  });

  it('reads from a hub that does not support ranges', async () => {
    const { hub, server } = await serve();
    server.fault({ kind: 'ignoreRange' });
    const source = await hub.byteSource(NAME, FILE, {});
    expect(Buffer.from(await source.read(300_000, 10))).toEqual(CONTENT.subarray(300_000, 300_010));
  });
});
