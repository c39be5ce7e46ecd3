import { isHostError } from '../common/errors.ts';
import { ChunkGrid } from '../download/chunks.ts';
import type { DownloadIndex, FileRecord, StoredChecksum } from '../download/download-index.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import { type CacheLayout, fileKey } from './layout.ts';
import { ModelFolder } from './model-folder.ts';
import { type FileSums, sumsOf } from './verify-file.ts';

/**
 * What a file was compared with: `index`, what was recorded while it was downloaded; `hub`, what the hub announces now,
 * the record being lost; `firstCheck`, what an earlier check found while no hub could be asked; `nothing`: neither was
 * to be had, and what was found is recorded for the next check.
 */
export type CheckBasis = 'index' | 'hub' | 'firstCheck' | 'nothing';

/**
 * What came of it: `good`, what the hub announced; `bad`; `missing`, not there; `unchanged` since its first check, and
 * `recorded` at this one, which both say nothing of the hub.
 */
export type CheckState = 'good' | 'bad' | 'missing' | 'unchanged' | 'recorded';

/** A chunk that is not what it should be; bytes. */
export interface BadChunk {
  readonly index: number;
  readonly offset: number;
  readonly length: number;
}

/** What came of checking one file of a model. */
export interface VerifiedFile {
  /** Path in the repository. */
  readonly file: string;
  readonly state: CheckState;
  readonly basis: CheckBasis;
  /** Bytes there should be, as far as anybody knows. */
  readonly expectedSize: number | undefined;
  /** Bytes there are. */
  readonly size: number;
  /** Of a bad file. Empty where no chunk can be told from another: then all of it is to be fetched anew. */
  readonly badChunks: readonly BadChunk[];
  /** What it is held against; undefined where nothing is known. */
  readonly record: FileRecord | undefined;
}

/** What a check is made with. */
export interface CheckOptions {
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly hub: () => Promise<HubClient>;
  /** Bytes of a chunk, where none is recorded. */
  readonly chunkBytes: number;
  readonly signal: AbortSignal;
  /** Hears how many more bytes have been read. */
  readonly onBytes: (bytes: number) => void;
}

/** Checks every file of a model. Throws `CACHE_ERROR` where one cannot be read, the signal's reason when aborted. */
export async function verifyModel(name: ModelName, options: CheckOptions): Promise<VerifiedFile[]> {
  const checked: VerifiedFile[] = [];
  for (const file of shardFiles(name.file)) checked.push(await checkFile(name, file, options));
  return checked;
}

async function checkFile(name: ModelName, file: string, options: CheckOptions): Promise<VerifiedFile> {
  const { layout, index, signal, onBytes } = options;
  const key = fileKey(name, file);
  const known = await index.file(key);
  const path = (await ModelFolder.find(layout, name)?.statsOf(file))?.path;
  if (path === undefined) {
    const state = { state: 'missing', basis: known === undefined ? 'nothing' : 'index' } as const;
    return { file, ...state, expectedSize: known?.size, size: 0, badChunks: [], record: known };
  }
  const { record, basis } = await whatItShouldBe(name, file, known, options);
  const sums = await sumsOf(path, {
    chunkBytes: record?.chunkBytes ?? options.chunkBytes,
    algorithm: record?.checksum.algorithm ?? 'sha256',
    signal,
    onBytes,
  });
  const found = { file, basis, size: sums.size, badChunks: [] };
  if (record === undefined) {
    const seen = firstRecord(sums, options.chunkBytes);
    await remember(index, key, seen, sums.chunks);
    return { ...found, state: 'recorded', expectedSize: sums.size, record: seen };
  }
  const expected = { ...found, expectedSize: record.size, record };
  if (sums.size === record.size && sums.checksum === record.checksum.hex) {
    await remember(index, key, record, sums.chunks);
    return { ...expected, state: record.firstCheck === true ? 'unchanged' : 'good' };
  }
  return { ...expected, state: 'bad', badChunks: await badChunks(index, key, record, sums) };
}

/** What the file is held against: the record of its download; else what the hub says now; else an earlier check's. */
async function whatItShouldBe(
  name: ModelName,
  file: string,
  known: FileRecord | undefined,
  { hub, chunkBytes, signal }: CheckOptions,
): Promise<{ record: FileRecord | undefined; basis: CheckBasis }> {
  if (known !== undefined && known.firstCheck !== true) return { record: known, basis: 'index' };
  try {
    const remote = await (await hub()).fileInfo(name, file, { signal });
    return { record: recordOf(remote, chunkBytes), basis: 'hub' };
  } catch (error) {
    signal.throwIfAborted();
    // No hub to ask, or one that no longer has the file: what was seen first has to do.
    if (!isHostError(error)) throw error;
    return { record: known, basis: known === undefined ? 'nothing' : 'firstCheck' };
  }
}

/** The chunks that are not what was recorded of them. Without any record of chunks: none. */
async function badChunks(
  index: DownloadIndex,
  key: string,
  { size, chunkBytes }: FileRecord,
  { size: found, chunks }: FileSums,
): Promise<BadChunk[]> {
  const grid = new ChunkGrid(size, chunkBytes);
  const recorded = (await index.chunks(key, grid.count)).map(sumOfWhole);
  if (recorded.every((sum) => sum === undefined)) return [];
  const bad: BadChunk[] = [];
  for (let chunk = 0; chunk < grid.count; chunk += 1) {
    const isWhole = grid.endOf(chunk) <= found;
    // The last chunk of a file that grew was read with bytes that are not its own: only its beginning can be judged.
    const isLastOfGrown = found > size && chunk === grid.count - 1;
    if (isWhole && recorded[chunk] !== undefined && (recorded[chunk] === chunks[chunk] || isLastOfGrown)) continue;
    bad.push({ index: chunk, offset: grid.startOf(chunk), length: grid.bytesOf(chunk) });
  }
  return bad;
}

/** Enters what was found to be right, where it is not in the index, so that the next check can name chunks. */
async function remember(index: DownloadIndex, key: string, record: FileRecord, chunks: readonly string[]) {
  const recorded = (await index.chunks(key, chunks.length)).map(sumOfWhole);
  await index.setFile(key, record);
  for (const [chunk, sum] of chunks.entries()) {
    if (recorded[chunk] !== sum) await index.setChunk(key, chunk, { sum, partialBytes: undefined });
  }
}

function sumOfWhole(stored: StoredChecksum | undefined): string | undefined {
  return stored?.partialBytes === undefined ? stored?.sum : undefined;
}

/** What is kept of a file the hub announced. */
export function recordOf({ size, checksum, etag, commit }: RemoteFile, chunkBytes: number): FileRecord {
  return { size, checksum, etag, commit, chunkBytes };
}

function firstRecord({ size, checksum }: FileSums, chunkBytes: number): FileRecord {
  const hex = checksum;
  return { size, checksum: { algorithm: 'sha256', hex }, etag: hex, commit: null, chunkBytes, firstCheck: true };
}
