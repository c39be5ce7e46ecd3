import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { seededBytes } from '../../support/cache/cache-fixture.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess, Message } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';
import { LossyNetwork } from '../../support/hub/lossy-network.ts';

const MiB = 1024 * 1024;
const CHUNK = 5 * MiB;
/** The number of connections that a host uses by default: `connections` in `host/config.ts`. */
const CONNECTIONS = 4;
const SEED = 3;
const CONTENT = seededBytes(61 * MiB + 5, SEED);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const REPO = 'maker/large-GGUF';
const MODEL = { modelPath: REPO, modelFile: 'large.gguf' };

describe(`downloads of real hosts (content of seed ${SEED})`, () => {
  let fixture: HostFixture;
  let hub: TestHub;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(
      await startHub({ repos: { [REPO]: { files: { 'large.gguf': CONTENT } } }, bytesPerSecond: 20 * MiB }),
    );
  });
  afterEach(() => fixture.close());

  const start = () => fixture.host({ env: { HF_ENDPOINT: hub.url, TABAGENT_MAX_CONNECTIONS: String(CONNECTIONS) } });

  /** Starts a download and resolves when this many bytes were received. */
  async function downloadUntil(host: HostProcess, bytes: number): Promise<void> {
    const reached = host.next(({ type, payload }) => type === 'MODEL_DOWNLOAD_PROGRESS' && payload.loaded >= bytes);
    host.send({ action: 'DOWNLOAD_MODEL', requestId: 'download', ...MODEL });
    await reached;
  }

  async function sha256OnDisk(): Promise<string> {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(fixture.home, 'models', ...REPO.split('/'), 'large.gguf')), hash);
    return hash.digest('hex');
  }

  // Idle connections are reused for a few seconds. A request over a lost one would wait for its timeout.
  it.each(['PAUSE_DOWNLOAD', 'CANCEL_DOWNLOAD'])(
    'continue over new connections after the network was lost: %s',
    async (stop) => {
      const options = {
        repos: { [REPO]: { files: { 'large.gguf': CONTENT } } },
        bytesPerSecond: 20 * MiB,
        noRedirect: true,
      };
      const network = fixture.use(await LossyNetwork.open(fixture.use(await startHub(options)).url));
      const host = fixture.host({ env: { HF_ENDPOINT: network.url } });
      await downloadUntil(host, 1);
      network.lose();
      const again = stop === 'PAUSE_DOWNLOAD' ? 'RESUME_DOWNLOAD' : 'DOWNLOAD_MODEL';
      expect(await host.request(stop, MODEL)).toMatchObject({ status: 'success' });
      network.lostBytes = 0;
      expect(await host.request(again, MODEL)).toMatchObject({ status: 'success' });
      expect(await host.request('DOWNLOAD_MODEL', MODEL)).toMatchObject({ status: 'success' });
      expect(network.lostBytes).toBe(0);
    },
  );

  it('resume after kill -9, repeatedly, from the stored chunks', async () => {
    for (const bytes of [8 * MiB, 24 * MiB, 45 * MiB]) {
      const host = start();
      await downloadUntil(host, bytes);
      await host.kill('SIGKILL');
    }
    const host = start();
    const { downloads } = payloadOf('GET_ACTIVE_DOWNLOADS', await host.request('GET_ACTIVE_DOWNLOADS'));
    expect(downloads).toEqual([expect.objectContaining({ repo_id: REPO, status: 'paused', total: CONTENT.length })]);
    // At most the unfinished chunk of each connection is lost.
    expect(downloads[0]?.downloaded).toBeGreaterThanOrEqual(45 * MiB - CONNECTIONS * CHUNK);
    expect((downloads[0]?.downloaded ?? 0) % CHUNK).toBe(0);
    payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', MODEL));
    expect(await sha256OnDisk()).toBe(SHA256);
  });

  it('continue after the clock was set back', async () => {
    const first = start();
    await downloadUntil(first, 24 * MiB);
    await first.kill('SIGKILL');
    // A test cannot set the system's clock, so it shifts the clock of the host's process.
    const yearsBack = 'const now = Date.now; Date.now = () => now() - 3e11;';
    const env = {
      HF_ENDPOINT: hub.url,
      TABAGENT_MAX_CONNECTIONS: String(CONNECTIONS),
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(yearsBack)}`,
    };
    const host = fixture.host({ env });
    const { downloads } = payloadOf('GET_ACTIVE_DOWNLOADS', await host.request('GET_ACTIVE_DOWNLOADS'));
    expect(downloads[0]?.downloaded).toBeGreaterThanOrEqual(24 * MiB - CONNECTIONS * CHUNK);
    expect(payloadOf('PRUNE_CACHE', await host.request('PRUNE_CACHE', { dryRun: false }))).toMatchObject({
      removedCount: 0,
    });
    payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', MODEL));
    expect(await sha256OnDisk()).toBe(SHA256);
    expect(payloadOf('VERIFY_MODEL', await host.request('VERIFY_MODEL', MODEL)).models).toMatchObject([
      { state: 'good' },
    ]);
  });

  it('of the same model by two hosts are one download, reported and completed by both', async () => {
    const [one, other] = [start(), start()];
    const replies = await Promise.all([one, other].map((host) => host.request('DOWNLOAD_MODEL', MODEL)));
    for (const reply of replies) expect(payloadOf('DOWNLOAD_MODEL', reply).size).toBe(CONTENT.length);
    for (const host of [one, other]) {
      const told = host.received.filter((message: Message) => message.type === 'MODEL_DOWNLOAD_PROGRESS');
      expect(told.some(({ payload }) => payload.loaded > 0 && payload.loaded < CONTENT.length)).toBe(true);
      expect(told.at(-1)?.payload.progress).toBe(100);
    }
    const fetched = hub.requests
      // The header is read before the file is downloaded.
      .filter(({ range }) => range !== 'bytes=0-65535')
      .map(({ server, range }) => (server === 'cdn' ? /^bytes=(\d+)-(\d+)$/.exec(range ?? '') : null))
      .reduce((sum, match) => sum + (match === null ? 0 : Number(match[2]) - Number(match[1]) + 1), 0);
    expect(fetched).toBe(CONTENT.length);
    expect(await sha256OnDisk()).toBe(SHA256);
  });

  it('are taken over by the other host when the downloading host is killed', async () => {
    const [leader, follower] = [start(), start()];
    await downloadUntil(leader, 6 * MiB);
    const reply = follower.request('DOWNLOAD_MODEL', MODEL);
    await follower.next(({ type, payload }) => type === 'MODEL_DOWNLOAD_PROGRESS' && payload.loaded > 0);
    await leader.kill('SIGKILL');
    expect(payloadOf('DOWNLOAD_MODEL', await reply).size).toBe(CONTENT.length);
    expect(await sha256OnDisk()).toBe(SHA256);
  });

  it('can be paused and cancelled from another host', async () => {
    const [leader, other] = [start(), start()];
    payloadOf('GET_ACTIVE_DOWNLOADS', await other.request('GET_ACTIVE_DOWNLOADS'));
    await downloadUntil(leader, 6 * MiB);
    const paused = leader.next(({ requestId, status }) => requestId === 'download' && status === 'error');
    payloadOf('PAUSE_DOWNLOAD', await other.request('PAUSE_DOWNLOAD', MODEL));
    expect(await paused).toMatchObject({ code: 'DOWNLOAD_PAUSED' });
    expect(payloadOf('CANCEL_DOWNLOAD', await other.request('CANCEL_DOWNLOAD', MODEL)).status).toBe('cancelled');
    expect(payloadOf('GET_DOWNLOAD_STATUS', await leader.request('GET_DOWNLOAD_STATUS', MODEL)).status).toBe(
      'cancelled',
    );
  });

  it('are listed with their progress, and can be deleted like models', async () => {
    const host = start();
    await downloadUntil(host, 12 * MiB);
    payloadOf('PAUSE_DOWNLOAD', await host.request('PAUSE_DOWNLOAD', MODEL));
    expect(payloadOf('GET_DOWNLOADED_MODELS', await host.request('GET_DOWNLOADED_MODELS')).models).toEqual([]);
    const listed = await host.request('GET_DOWNLOADED_MODELS', { partial: true });
    const [entry] = payloadOf('GET_DOWNLOADED_MODELS', listed).models;
    expect(entry).toMatchObject({
      downloaded: false,
      size: entry?.partial?.downloaded,
      partial: { status: 'paused', total: CONTENT.length },
    });
    expect(entry?.size).toBeGreaterThanOrEqual(12 * MiB - CONNECTIONS * CHUNK);
    const { freed } = payloadOf('DELETE_MODEL', await host.request('DELETE_MODEL', MODEL));
    expect(freed).toBeGreaterThanOrEqual(entry?.size ?? Number.NaN);
    expect(readdirSync(join(fixture.home, 'partial'))).toEqual([]);
    const after = await host.request('GET_DOWNLOADED_MODELS', { partial: true });
    expect(payloadOf('GET_DOWNLOADED_MODELS', after).models).toEqual([]);
    expect(await host.request('DELETE_MODEL', MODEL)).toMatchObject({ code: 'MODEL_NOT_DOWNLOADED' });
  });

  it.each([
    ['removed', (path: string) => rmSync(path)],
    ['cut', (path: string) => truncateSync(path, MiB)],
  ])('immediately detect that their file was %s', async (_what, change) => {
    const host = start();
    await downloadUntil(host, 6 * MiB);
    const failed = host.next(({ requestId, status }) => requestId === 'download' && status === 'error');
    const partials = join(fixture.home, 'partial');
    change(join(partials, readdirSync(partials)[0] ?? ''));
    expect(await failed).toMatchObject({ code: 'CACHE_ERROR', message: expect.stringMatching(/removed or truncated/) });
    expect(
      host.received.filter(({ type, payload }) => type === 'MODEL_DOWNLOAD_PROGRESS' && payload.progress === 100),
    ).toEqual([]);
  });

  it('whose file was deleted are listed as empty, and start again', async () => {
    const host = start();
    await downloadUntil(host, 12 * MiB);
    payloadOf('PAUSE_DOWNLOAD', await host.request('PAUSE_DOWNLOAD', MODEL));
    rmSync(join(fixture.home, 'partial'), { recursive: true });
    const { downloads } = payloadOf('GET_ACTIVE_DOWNLOADS', await host.request('GET_ACTIVE_DOWNLOADS'));
    expect(downloads).toMatchObject([{ status: 'paused', downloaded: 0, progress: 0 }]);
    payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', MODEL));
    expect(await sha256OnDisk()).toBe(SHA256);
  });

  it('end when the port closes: partial data is kept, and the host exits', async () => {
    // Slow enough that the download does not finish within the grace period.
    const slow = fixture.use(
      await startHub({ repos: { [REPO]: { files: { 'large.gguf': CONTENT } } }, bytesPerSecond: 3 * MiB }),
    );
    const host = fixture.host({ env: { HF_ENDPOINT: slow.url, TABAGENT_MAX_CONNECTIONS: String(CONNECTIONS) } });
    await downloadUntil(host, 21 * MiB);
    expect(await host.close()).toEqual({ code: 0, signal: null });
    const next = start();
    const status = payloadOf('GET_DOWNLOAD_STATUS', await next.request('GET_DOWNLOAD_STATUS', MODEL));
    expect(status.status).toBe('paused');
    expect(status.downloaded).toBeGreaterThan(0);
  });
});
