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

/** Four connections until the first look, then one. */
class ShrinkingPlan extends ConnectionPlan {
  #target = 4;

  constructor() {
    super({ first: 4, most: 4 });
  }

  override get target(): number {
    return this.#target;
  }

  override look(): void {
    if (this.#target === 4) this.onShrink();
    this.#target = 1;
  }

  onShrink = () => {};
}

const folder = tempFolder('round');
afterAll(() => folder.remove());

describe('a round of a download', () => {
  let server: TestHub | undefined;
  afterEach(() => server?.close());

  it('has connections that are too many leave behind the chunk they are at, with no byte fetched twice', async () => {
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
    const entered: { chunk: number; open: number }[] = [];
    let told = 0;
    let enteredBefore = 0;
    const plan = new ShrinkingPlan();
    plan.onShrink = () => {
      enteredBefore = entered.length;
    };
    const round = new DownloadRound({
      ...{
        remote,
        grid: GRID,
        states,
        begun: new PartialChunks(GRID),
        file,
        prefix,
        hub,
        limits: QUICK_LIMITS,
        log,
        plan,
      },
      allowance: new RateLimiter(undefined),
      enter: async (chunk) => {
        entered.push({ chunk, open });
      },
      onBytes: (bytes) => {
        told += bytes;
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
    expect(entered.map(({ chunk }) => chunk).sort((a, b) => a - b)).toEqual([...states.keys()]);
    expect(told).toBe(CONTENT.length);
    expect(Math.max(...entered.map((entry) => entry.open))).toBe(4);
    // Three end their chunk, and the fourth may end two meanwhile; a run that all went on with would be of eight.
    const whileSeveral = entered.slice(enteredBefore).filter((entry) => entry.open > 1);
    expect(enteredBefore).toBeGreaterThan(0);
    expect(whileSeveral.length).toBeLessThanOrEqual(6);
  });
});
