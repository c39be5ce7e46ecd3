import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { ChunkGrid } from '../../../host/download/chunks.ts';
import { ConnectionPlan } from '../../../host/download/connection-plan.ts';
import { DownloadRound } from '../../../host/download/download-round.ts';
import { FileHasher } from '../../../host/download/file-hasher.ts';
import { PartialChunks } from '../../../host/download/partial-chunks.ts';
import { PartialFile } from '../../../host/download/partial-file.ts';
import { hashingOf, PrefixHash } from '../../../host/download/prefix-hash.ts';
import { RateLimiter } from '../../../host/download/rate-limiter.ts';
import type { ChunkState } from '../../../host/download/stored-chunk.ts';
import { Hub } from '../../../host/hub/hub.ts';
import type { ByteRange, HubClient, RangeStream, RemoteFile } from '../../../host/hub/types.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
import { QUICK_LIMITS, seededBytes } from '../../support/cache/cache-bench.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';
import { KeptLog } from '../../support/logs.ts';

const REPO = 'maker/model-GGUF';
const FILE = 'm.gguf';
const CONTENT = seededBytes(6 * 1024 * 1024 + 5, 23);
const GRID = new ChunkGrid(CONTENT.length, 64 * 1024);

/** Four connections until the first sample, then one. */
class ShrinkingPlan extends ConnectionPlan {
  #target = 4;

  constructor() {
    super({ first: 4, most: 4 });
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

describe('a download round', () => {
  let server: TestHub | undefined;
  afterEach(() => server?.close());

  it('closes surplus connections after their current chunk, and downloads no byte twice', async () => {
    server = await startHub({ repos: { [REPO]: { files: { [FILE]: CONTENT } } }, bytesPerSecond: 1_250_000 });
    const log = new KeptLog();
    const real = new Hub({ endpoint: server.url, env: { HOME: '/nowhere' }, limits: QUICK_LIMITS, log });
    let open = 0;
    /** Counts the streams that are open. */
    const hub: HubClient = Object.assign(Object.create(real), {
      fileInfo: real.fileInfo.bind(real),
      async openRange(remote: RemoteFile, range: ByteRange, options: { signal?: AbortSignal }): Promise<RangeStream> {
        const { start, body } = await real.openRange(remote, range, options);
        async function* counted() {
          open += 1;
          try {
            yield* body;
          } finally {
            open -= 1;
          }
        }
        return { start, body: counted() };
      },
    });
    const remote = await hub.fileInfo(readModelName({ modelPath: REPO, modelFile: FILE }), FILE, {});
    const path = join(folder.path, 'file');
    const file = await PartialFile.open(path, GRID.size);
    const hasher = new FileHasher(file, { chunkBytes: GRID.chunkBytes, ...hashingOf(remote.checksum, GRID.size) });
    const prefix = new PrefixHash(GRID, hasher);
    const states: ChunkState[] = Array(GRID.count).fill('missing');
    const recorded: { chunk: number; open: number }[] = [];
    let written = 0;
    let recordedBefore = 0;
    const plan = new ShrinkingPlan();
    plan.onShrink = () => {
      recordedBefore = recorded.length;
    };
    const round = new DownloadRound({
      ...{
        remote,
        grid: GRID,
        states,
        partial: new PartialChunks(GRID),
        file,
        prefix,
        hub,
        limits: QUICK_LIMITS,
        log,
        plan,
      },
      rateLimiter: new RateLimiter(undefined),
      record: async (chunk) => {
        recorded.push({ chunk, open });
      },
      onBytes: (bytes) => {
        written += bytes;
      },
      ranges: true,
      signal: new AbortController().signal,
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
    expect(Math.max(...recorded.map((entry) => entry.open))).toBe(4);
    // Three complete their chunk, and the fourth may complete two meanwhile; a full run has eight chunks.
    const whileSeveral = recorded.slice(recordedBefore).filter((entry) => entry.open > 1);
    expect(recordedBefore).toBeGreaterThan(0);
    expect(whileSeveral.length).toBeLessThanOrEqual(6);
  });
});
