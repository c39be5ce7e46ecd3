import { isHostError } from '../common/errors.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import { ChunkGrid } from '../model-files/chunks.ts';
import type { DownloadIndex, FileRecord, StoredChecksum } from '../model-files/download-index.ts';
import { type CacheLayout, fileKey } from '../model-files/layout.ts';
import { ModelFolder } from '../model-files/model-folder.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import { computeChecksums, type FileChecksums } from './verify-file.ts';

/**
 * The checksums that a file was compared with: `index`, those recorded by the download; `hub`, those that the hub
 * reports now, because the record was lost; `firstCheck`, those recorded by an earlier check while the hub was not
 * available; `nothing`, if none are available (the computed checksums are recorded for the next check).
 */
export type CheckBasis = 'index' | 'hub' | 'firstCheck' | 'nothing';

/**
 * The result for a file: `good`, it matches the hub's checksum; `bad`, it is damaged; `missing`; `unchanged` since its
 * first check; `recorded`, this is its first check. The last two were not compared with the hub.
 */
export type CheckState = 'good' | 'bad' | 'missing' | 'unchanged' | 'recorded';

/** A damaged chunk. Offset and length are in bytes. */
export interface BadChunk {
  readonly index: number;
  readonly offset: number;
  readonly length: number;
}

/** The result of verifying one file of a model. */
export interface VerifiedFile {
  /** Path in the repository. */
  readonly file: string;
  readonly state: CheckState;
  readonly basis: CheckBasis;
  /** Expected size in bytes, if recorded. */
  readonly expectedSize: number | undefined;
  /** Actual size in bytes. */
  readonly size: number;
  /**
   * Damaged chunks of a bad file. Empty if no chunk checksums are recorded; the whole file must then be fetched again.
   */
  readonly badChunks: readonly BadChunk[];
  /** The record that the file was compared with; undefined if there is none. */
  readonly record: FileRecord | undefined;
}

/** Options for {@link verifyModel}. */
export interface VerifyOptions {
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly hub: () => Promise<HubClient>;
  /** Chunk size in bytes if none is recorded. */
  readonly chunkBytes: number;
  readonly signal: AbortSignal;
  /** Called with the number of bytes read since the last call. */
  readonly onBytes: (bytes: number) => void;
}

/** Verifies every file of a model. @throws HostError `CACHE_ERROR`; the signal's reason when aborted. */
export async function verifyModel(name: ModelName, options: VerifyOptions): Promise<VerifiedFile[]> {
  const verified: VerifiedFile[] = [];
  for (const file of shardFiles(name.file)) verified.push(await verifyFile(name, file, options));
  return verified;
}

async function verifyFile(name: ModelName, file: string, options: VerifyOptions): Promise<VerifiedFile> {
  const { layout, index, signal, onBytes } = options;
  const key = fileKey(name, file);
  const recorded = await index.file(key);
  const path = (await ModelFolder.find(layout, name)?.statsOf(file))?.path;
  if (path === undefined) {
    const state = { state: 'missing', basis: recorded === undefined ? 'nothing' : 'index' } as const;
    return { file, ...state, expectedSize: recorded?.size, size: 0, badChunks: [], record: recorded };
  }
  const { record, basis } = await expectedRecord(name, file, recorded, options);
  const sums = await computeChecksums(path, {
    chunkBytes: record?.chunkBytes ?? options.chunkBytes,
    algorithm: record?.checksum.algorithm ?? 'sha256',
    signal,
    onBytes,
  });
  const found = { file, basis, size: sums.size, badChunks: [] };
  if (record === undefined) {
    const firstCheck = firstRecord(sums, options.chunkBytes);
    await recordChecksums(index, key, firstCheck, sums.chunks);
    return { ...found, state: 'recorded', expectedSize: sums.size, record: firstCheck };
  }
  const expected = { ...found, expectedSize: record.size, record };
  if (sums.size === record.size && sums.checksum === record.checksum.hex) {
    await recordChecksums(index, key, record, sums.chunks);
    return { ...expected, state: record.firstCheck === true ? 'unchanged' : 'good' };
  }
  return { ...expected, state: 'bad', badChunks: await badChunks(index, key, record, sums) };
}

/**
 * Returns the record to compare a file with: that of its download, otherwise the hub's current metadata, otherwise that
 * of an earlier check.
 */
async function expectedRecord(
  name: ModelName,
  file: string,
  recorded: FileRecord | undefined,
  { hub, chunkBytes, signal }: VerifyOptions,
): Promise<{ record: FileRecord | undefined; basis: CheckBasis }> {
  if (recorded !== undefined && recorded.firstCheck !== true) return { record: recorded, basis: 'index' };
  try {
    const remote = await (await hub()).fileInfo(name, file, { signal });
    return { record: fileRecordOf(remote, chunkBytes), basis: 'hub' };
  } catch (error) {
    signal.throwIfAborted();
    // The hub is not available or no longer has the file: use the record of an earlier check.
    if (!isHostError(error)) throw error;
    return { record: recorded, basis: recorded === undefined ? 'nothing' : 'firstCheck' };
  }
}

/** Returns the chunks that differ from their recorded checksums; none if no chunk checksums are recorded. */
async function badChunks(
  index: DownloadIndex,
  key: string,
  { size, chunkBytes }: FileRecord,
  { size: found, chunks }: FileChecksums,
): Promise<BadChunk[]> {
  const grid = new ChunkGrid(size, chunkBytes);
  const recorded = (await index.chunks(key, grid.count)).map(completeChunkChecksum);
  if (recorded.every((sum) => sum === undefined)) return [];
  const bad: BadChunk[] = [];
  for (let chunk = 0; chunk < grid.count; chunk += 1) {
    const isWhole = grid.endOf(chunk) <= found;
    // If the file grew, its last chunk was hashed together with the extra bytes, so the checksum is meaningless.
    const isLastOfGrown = found > size && chunk === grid.count - 1;
    if (isWhole && recorded[chunk] !== undefined && (recorded[chunk] === chunks[chunk] || isLastOfGrown)) continue;
    bad.push({ index: chunk, offset: grid.startOf(chunk), length: grid.bytesOf(chunk) });
  }
  return bad;
}

/**
 * Records the checksums of a good file that are missing from the index. The next check can then locate damaged chunks.
 */
async function recordChecksums(index: DownloadIndex, key: string, record: FileRecord, chunks: readonly string[]) {
  const recorded = (await index.chunks(key, chunks.length)).map(completeChunkChecksum);
  await index.setFile(key, record);
  for (const [chunk, sum] of chunks.entries()) {
    if (recorded[chunk] !== sum) await index.setChunk(key, chunk, { sum, partialBytes: undefined });
  }
}

function completeChunkChecksum(stored: StoredChecksum | undefined): string | undefined {
  return stored?.partialBytes === undefined ? stored?.sum : undefined;
}

/** Returns the record of a file from the hub's metadata. */
export function fileRecordOf({ size, checksum, etag, commit }: RemoteFile, chunkBytes: number): FileRecord {
  return { size, checksum, etag, commit, chunkBytes };
}

function firstRecord({ size, checksum }: FileChecksums, chunkBytes: number): FileRecord {
  const hex = checksum;
  return { size, checksum: { algorithm: 'sha256', hex }, etag: hex, commit: null, chunkBytes, firstCheck: true };
}
