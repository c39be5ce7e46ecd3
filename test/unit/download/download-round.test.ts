import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { HostError } from '../../../host/common/errors.ts';
import { ConnectionPlan } from '../../../host/download/connection-plan.ts';
import { DownloadRound, type RoundOptions } from '../../../host/download/download-round.ts';
import { FileHasher } from '../../../host/download/file-hasher.ts';
import { PartialChunks } from '../../../host/download/partial-chunks.ts';
import { PartialFile } from '../../../host/download/partial-file.ts';
import { hashingOf, PrefixHash } from '../../../host/download/prefix-hash.ts';
import { RateLimiter } from '../../../host/download/rate-limiter.ts';
import type { ChunkState } from '../../../host/download/stored-chunk.ts';
import { Hub } from '../../../host/hub/hub.ts';
import type { ByteRange, HubClient, RangeStream, RemoteFile } from '../../../host/hub/types.ts';
import { ChunkGrid } from '../../../host/model-files/chunks.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
import { QUICK_LIMITS, seededBytes } from '../../support/cache/cache-fixture.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { type HubRequest, startHub, type TestHub } from '../../support/hub/hub.ts';
import { requestedRange, sendPart } from '../../support/hub/scripts.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const REPO = 'maker/model-GGUF';
const FILE = 'm.gguf';
const CONTENT = seededBytes(6 * 1024 * 1024 + 5, 23);
const GRID = new ChunkGrid(CONTENT.length, 64 * 1024);

/** Four connections until the first sample, then one. */
class ShrinkingPlan extends ConnectionPlan {
  #target = 4;

  constructor() {
    super({ initial: 4, max: 4 });
  }

  override get target(): number {
    return this.#target;
  }

  override sample(): void {
    if (this.#target === 4) this.onShrink();
    this.#target = 1;
  }

  onShrink = () => {};
}

const folder = tempFolder('round');
afterAll(() => folder.remove());

/** Prepares the first round of the download of {@link FILE}. */
async function openRound(
  hub: HubClient,
  options: Pick<RoundOptions, 'log' | 'plan' | 'record' | 'onBytes'>,
): Promise<{
  round: DownloadRound;
  file: PartialFile;
  path: string;
  states: ChunkState[];
  hasher: FileHasher;
  prefix: PrefixHash;
}> {
  const remote = await hub.fileInfo(readModelName({ modelPath: REPO, modelFile: FILE }), FILE, {});
  const path = join(folder.path, randomUUID());
  const file = await PartialFile.open(path, GRID.size);
  const hasher = new FileHasher(file, { chunkBytes: GRID.chunkBytes, ...hashingOf(remote.checksum, GRID.size) });
  const prefix = new PrefixHash(GRID, hasher);
  const states: ChunkState[] = Array(GRID.count).fill('missing');
  const round = new DownloadRound({
    ...options,
    ...{ remote, states, file, prefix, hub },
    grid: GRID,
    partial: new PartialChunks(GRID),
    limits: QUICK_LIMITS,
    rateLimiter: new RateLimiter(undefined),
    onActivity: () => {},
    onUnstated: () => {},
    ranges: true,
    signal: new AbortController().signal,
  });
  return { round, file, path, states, hasher, prefix };
}

describe('a download round', () => {
  let server: TestHub | undefined;
  afterEach(() => server?.close());

  it('closes surplus connections after their current chunk, and downloads no byte twice', async () => {
    server = await startHub({ repos: { [REPO]: { files: { [FILE]: CONTENT } } }, bytesPerSecond: 1_250_000 });
    const log = new RecordedLog();
    const real = new Hub({ endpoint: server.url, env: { HOME: '/nowhere' }, limits: QUICK_LIMITS, log });
    let open = 0;
    /** Counts the streams that are open. */
    const hub: HubClient = Object.assign(Object.create(real), {
      fileInfo: real.fileInfo.bind(real),
      async openRange(
        remote: RemoteFile,
        range: ByteRange | undefined,
        options: { signal?: AbortSignal },
      ): Promise<RangeStream> {
        const { body, ...stream } = await real.openRange(remote, range, options);
        async function* counted() {
          open += 1;
          try {
            yield* body;
          } finally {
            open -= 1;
          }
        }
        return { ...stream, body: counted() };
      },
    });
    const recorded: { chunk: number; open: number }[] = [];
    let written = 0;
    let recordedBefore = 0;
    const plan = new ShrinkingPlan();
    plan.onShrink = () => {
      recordedBefore = recorded.length;
    };
    const { round, file, path, states, hasher, prefix } = await openRound(hub, {
      log,
      plan,
      record: async (chunk) => {
        recorded.push({ chunk, open });
      },
      onBytes: (bytes) => {
        written += bytes;
      },
    });
    try {
      expect(await round.run()).toBeUndefined();
      expect(await prefix.digest()).toBe(createHash('sha256').update(CONTENT).digest('hex'));
    } finally {
      await hasher.close();
      await file.close();
    }
    expect(readFileSync(path).equals(CONTENT)).toBe(true);
    expect(recorded.map(({ chunk }) => chunk).sort((a, b) => a - b)).toEqual([...states.keys()]);
    expect(written).toBe(CONTENT.length);
    expect(Math.max(...recorded.map((entry) => entry.open))).toBeGreaterThan(1);
    // Three complete their chunk, and the fourth may complete two meanwhile; a full run has eight chunks.
    const whileSeveral = recorded.slice(recordedBefore).filter((entry) => entry.open > 1);
    expect(recordedBefore).toBeGreaterThan(0);
    expect(whileSeveral.length).toBeLessThanOrEqual(6);
  });

  it.each([403, 429, 503])('continues with the connections that the server accepts after a %d', async (status) => {
    server = await startHub({ repos: { [REPO]: { files: { [FILE]: CONTENT } } } });
    const log = new RecordedLog();
    const hub = new Hub({ endpoint: server.url, env: { HOME: '/nowhere' }, limits: QUICK_LIMITS, log });
    const plan = new ConnectionPlan({ initial: 4, max: 4 });
    const { round, file, states, hasher } = await openRound(hub, {
      log,
      plan,
      record: async () => {},
      onBytes: () => {},
    });
    // The first two receive responses after the other two were rejected.
    const waiting: (() => void)[] = [];
    let refused = 0;
    server.fault({
      kind: 'script',
      match: ({ server, method }: HubRequest) => server === 'cdn' && method === 'GET',
      answer: (response, request) => {
        if (refused < 2 && waiting.length === 2) {
          refused += 1;
          response.writeHead(status).end();
        } else waiting.push(() => sendPart(response, CONTENT, requestedRange(request, CONTENT.length)));
        if (refused === 2) for (const send of waiting.splice(0)) send();
      },
    });
    try {
      await round.run();
    } finally {
      await hasher.close();
      await file.close();
    }
    expect(new Set(states)).toEqual(new Set(['stored']));
    expect(plan.target).toBe(2);
  });

  it('fails if a chunk cannot be recorded, and does not count its bytes as progress', async () => {
    server = await startHub({ repos: { [REPO]: { files: { [FILE]: CONTENT } } } });
    const log = new RecordedLog();
    const hub = new Hub({ endpoint: server.url, env: { HOME: '/nowhere' }, limits: QUICK_LIMITS, log });
    let progress = 0;
    const { round, file, states, hasher } = await openRound(hub, {
      log,
      plan: new ConnectionPlan({ initial: 1, max: 1 }),
      record: async () => {
        throw new HostError('DISK_FULL', 'The disk is full.');
      },
      onBytes: (bytes) => {
        progress += bytes;
      },
    });
    try {
      await expect(round.run()).rejects.toMatchObject({ code: 'DISK_FULL' });
    } finally {
      await hasher.close();
      await file.close();
    }
    expect(new Set(states)).toEqual(new Set(['missing']));
    expect(progress).toBe(0);
  });
});
