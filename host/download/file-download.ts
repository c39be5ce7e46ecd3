import { lstat } from 'node:fs/promises';
import { HostError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { HostLimits } from '../config.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import { ChunkGrid, MAX_CHUNKS } from '../model-files/chunks.ts';
import type { DownloadIndex, FileRecord } from '../model-files/download-index.ts';
import type { ModelFolder } from '../model-files/model-folder.ts';
import { STAT_BLOCK_BYTES } from '../model-files/stats.ts';
import { ConnectionPlan } from './connection-plan.ts';
import { type ConnectionActivity, DownloadRound, RangesIgnored, StoredChunkDiffers } from './download-round.ts';
import { FileHasher } from './file-hasher.ts';
import { PartialChunks } from './partial-chunks.ts';
import { isComplete, modifiedError, PartialFile } from './partial-file.ts';
import { hashingOf, PrefixHash } from './prefix-hash.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { type ChunkState, StoredChunks } from './stored-chunk.ts';

/** Options for the download of one file. */
export interface FileDownloadOptions {
  readonly remote: RemoteFile;
  /** The file's key in the index. */
  readonly key: string;
  readonly folder: ModelFolder;
  readonly hub: HubClient;
  readonly index: DownloadIndex;
  readonly limits: HostLimits;
  readonly log: Logger;
  /** Rate limiter shared by all downloads of the host. */
  readonly rateLimiter: RateLimiter;
  /** Called with the number of bytes on the disk when it changes. */
  readonly onProgress: (downloaded: number) => void;
  /** Called when the number of connections, or the pause of one, changes. */
  readonly onActivity: (activity: ConnectionActivity) => void;
}

/**
 * Rate above which more connections do not help, in bytes per second: receiving, writing and hashing use most of a CPU
 * core at this rate, and each connection adds to that.
 */
const SUFFICIENT_BYTES_PER_SECOND = 400e6;

/**
 * Downloads a file, verifies it, and gives it its final name.
 *
 * Chunks are written at their offset and then recorded in the index. They are not synced individually, which would be
 * slow and have no benefit: a chunk from an earlier process is trusted only after its checksum has been compared.
 */
export class FileDownload {
  readonly #options: FileDownloadOptions;
  readonly #grid: ChunkGrid;
  /** One entry per chunk; empty before {@link restore}. */
  #states: ChunkState[] = [];
  readonly #partial: PartialChunks;
  /** Number of bytes on the disk, including partial chunks. */
  #downloaded = 0;
  /** Whether ranges are requested; otherwise one connection downloads the file from its start. */
  #ranges = true;
  /** Whether a server sent bytes without specifying their range. */
  #hasUnstated = false;
  /** Whether the complete file existed when this download started. */
  #isComplete = false;

  constructor(options: FileDownloadOptions) {
    this.#options = options;
    this.#grid = new ChunkGrid(options.remote.size, options.limits.chunkBytes);
    this.#partial = new PartialChunks(this.#grid);
  }

  get #partialPath(): string {
    return this.#options.folder.partialPath(this.#options.remote.file);
  }

  /** Not cached: a folder may have been replaced by a link, through which nothing must be written. */
  get #finalPath(): string {
    return this.#options.folder.pathOf(this.#options.remote.file);
  }

  get size(): number {
    return this.#grid.size;
  }

  get downloaded(): number {
    return this.#downloaded;
  }

  /**
   * Returns the disk space that the download still needs, in bytes, without that already allocated for the partial
   * file. Call it before {@link restore}, which allocates memory for the size that the hub claims.
   *
   * @throws HostError `SIZE_MISMATCH`, `CACHE_ERROR` if something else has the file's name.
   */
  async missingSpace(): Promise<number> {
    const { index, key } = this.#options;
    if (await isComplete(this.#finalPath, this.size)) return 0;
    const stats = await lstat(this.#partialPath).catch(() => undefined);
    // Windows does not report how much of a sparse file is allocated.
    const allocated = Math.max((stats?.blocks ?? 0) * STAT_BLOCK_BYTES, await index.storedBytes(key));
    return Math.max(0, this.size - allocated);
  }

  /**
   * Reads the state of an earlier download from the index. Call it before {@link run}.
   *
   * @throws HostError `SIZE_MISMATCH`, `CACHE_ERROR` if something else has the file's name.
   */
  async restore(): Promise<void> {
    const { index, key, remote, limits, log } = this.#options;
    if (this.#grid.count > MAX_CHUNKS) throw tooLarge(remote);
    this.#states = new Array<ChunkState>(this.#grid.count).fill('missing');
    if (await isComplete(this.#finalPath, remote.size)) {
      this.#isComplete = true;
      this.#downloaded = remote.size;
      return;
    }
    const record = await index.file(key);
    if (record === undefined) return;
    if (!isSameFile(record, remote, limits.chunkBytes)) {
      log.info('download.restarted', {
        file: remote.file,
        reason: 'the file on the hub, or the chunk size, changed',
      });
      await index.deleteFile(key);
      await PartialFile.discard(this.#partialPath);
      return;
    }
    const length = await PartialFile.lengthAt(this.#partialPath);
    for (const [chunk, stored] of (await index.chunks(key, this.#grid.count)).entries()) {
      if (stored === undefined) continue;
      const { sum, partialBytes: bytes } = stored;
      // The index may be out of date, because the file was removed or truncated.
      if (this.#grid.startOf(chunk) + (bytes ?? this.#grid.bytesOf(chunk)) > length) continue;
      if (bytes === undefined) this.#setState(chunk, { sum });
      else if (this.#partial.add(chunk, { bytes, sum })) this.#downloaded += bytes;
    }
  }

  /**
   * Downloads the file. @throws HostError the hub's error, `CHECKSUM_MISMATCH`, `DISK_FULL`, …; the signal's reason.
   */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#isComplete) return;
    const { index, key, remote, limits, log } = this.#options;
    const { size, checksum, etag, commit } = remote;
    const record = { size, checksum, etag, commit, chunkBytes: limits.chunkBytes };
    await index.setFile(key, record);
    const file = await PartialFile.open(this.#partialPath, size);
    try {
      let found = await this.#downloadAll(file, signal);
      if (found !== checksum.hex && this.#ranges && this.#hasUnstated) {
        // The server may have sent other ranges than the requested ones.
        log.warn('download.ranges-not-trusted', { file: remote.file });
        this.#ranges = false;
        await this.#discardFrom(0);
        found = await this.#downloadAll(file, signal);
      }
      if (found !== checksum.hex) {
        await this.#discard();
        throw mismatch(remote, found);
      }
      const publishedMs = await file.publish(this.#finalPath);
      // The file is complete even if the index cannot be updated, for example on a full disk.
      await index
        .setFile(key, { ...record, publishedMs })
        .catch((error: unknown) => log.warn('download.state-not-saved', { file: remote.file, error }));
    } finally {
      await file.close();
    }
  }

  /** Deletes the partial file and its index entries. */
  async #discard(): Promise<void> {
    const { index, key } = this.#options;
    await PartialFile.discard(this.#partialPath);
    await index.deleteFile(key);
    this.#states.fill('missing');
    this.#partial.clear();
    this.#downloaded = 0;
  }

  /** Marks all chunks from `first` on as missing. */
  async #discardFrom(first: number): Promise<void> {
    const { index, key } = this.#options;
    const chunks: number[] = [];
    for (let chunk = first; chunk < this.#grid.count; chunk += 1) {
      if (this.#states[chunk] === 'missing') continue;
      this.#states[chunk] = 'missing';
      this.#addDownloaded(-this.#grid.bytesOf(chunk));
      chunks.push(chunk);
    }
    await index.deleteChunks(key, chunks);
  }

  /** Downloads the missing chunks in rounds. Returns the checksum of the whole file. */
  async #downloadAll(file: PartialFile, signal: AbortSignal): Promise<string> {
    const { remote, limits, log, index, key } = this.#options;
    const { checksum, size } = remote;
    const grid = this.#grid;
    const chunkBytes = Math.min(grid.chunkBytes, size);
    const startHash = () => {
      const hasher = new FileHasher(file, { chunkBytes, ...hashingOf(checksum, size) });
      return { hasher, prefix: new PrefixHash(grid, hasher) };
    };
    let { hasher, prefix } = startHash();
    const plan = new ConnectionPlan({
      initial: limits.connectionsAtFirst,
      max: limits.connections,
      sufficientRate: SUFFICIENT_BYTES_PER_SECOND,
    });
    try {
      while (prefix.next < grid.count) {
        const round = new DownloadRound({
          ...this.#options,
          grid,
          states: this.#states,
          partial: this.#partial,
          file,
          prefix,
          plan,
          ranges: this.#ranges,
          signal,
          record: (chunk, stored) => index.setChunk(key, chunk, stored),
          onBytes: (bytes) => this.#addDownloaded(bytes),
          onUnstated: () => {
            this.#hasUnstated = true;
          },
        });
        try {
          const bad = await round.run();
          if (bad !== undefined) await this.#discardDamaged(file, bad, signal);
        } catch (error) {
          if (error instanceof StoredChunkDiffers) {
            log.warn('download.stored-chunk-differs', { file: remote.file, chunk: error.chunk });
            await this.#discardFrom(error.chunk);
            await hasher.close();
            ({ hasher, prefix } = startHash());
            continue;
          }
          if (!(error instanceof RangesIgnored)) throw error;
          log.info('download.no-ranges', { file: remote.file });
          this.#ranges = false;
        }
      }
      return await prefix.digest();
    } finally {
      await hasher.close();
    }
  }

  /**
   * Marks a damaged chunk and all further damaged chunks as missing. After a power failure or on a failing disk there
   * are usually several, which are then downloaded in one round.
   */
  async #discardDamaged(file: PartialFile, first: number, signal: AbortSignal): Promise<void> {
    const { index, key, remote, log } = this.#options;
    if (this.#states[first] === 'stored') throw modifiedError(this.#partialPath);
    const chunks = new StoredChunks(this.#grid, file);
    const bad: number[] = [];
    for (let chunk = first; chunk < this.#grid.count; chunk += 1) {
      signal.throwIfAborted();
      const state = this.#states[chunk];
      if (typeof state === 'object' && (await chunks.read(chunk, state)) === undefined) bad.push(chunk);
    }
    log.warn('download.damaged-chunks', { file: remote.file, chunks: bad.length, first });
    for (const chunk of bad) {
      this.#states[chunk] = 'missing';
      this.#addDownloaded(-this.#grid.bytesOf(chunk));
    }
    await index.deleteChunks(key, bad);
  }

  #setState(chunk: number, state: ChunkState): void {
    this.#states[chunk] = state;
    this.#downloaded += this.#grid.bytesOf(chunk);
  }

  #addDownloaded(bytes: number): void {
    this.#downloaded += bytes;
    this.#options.onProgress(this.#downloaded);
  }
}

function isSameFile(record: FileRecord, remote: RemoteFile, chunkBytes: number): boolean {
  return (
    record.size === remote.size &&
    record.checksum.algorithm === remote.checksum.algorithm &&
    record.checksum.hex === remote.checksum.hex &&
    record.chunkBytes === chunkBytes
  );
}

function tooLarge({ name, file, size }: RemoteFile): HostError {
  return new HostError('HUB_ERROR', `${name.repoId}/${file} is too large to be a model file: ${size} bytes.`, {
    details: { repoId: name.repoId, fileName: file, found: size },
  });
}

function mismatch({ name, file, checksum }: RemoteFile, found: string): HostError {
  return new HostError(
    'CHECKSUM_MISMATCH',
    `${name.repoId}/${file} did not match its checksum and was discarded. Download it again. If this happens twice, the file on the Hugging Face Hub is damaged.`,
    { details: { repoId: name.repoId, fileName: file, expected: checksum.hex, found, algorithm: checksum.algorithm } },
  );
}
