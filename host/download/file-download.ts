import { lstat } from 'node:fs/promises';
import type { ModelFolder } from '../cache/model-folder.ts';
import { HostError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { HostLimits } from '../config.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import { ChunkGrid, MAX_CHUNKS } from './chunks.ts';
import { ConnectionPlan } from './connection-plan.ts';
import type { DownloadIndex, FileRecord } from './download-index.ts';
import { DownloadRound, modifiedError, RangesIgnored } from './download-round.ts';
import { FileHasher } from './file-hasher.ts';
import { PartialChunks } from './partial-chunks.ts';
import { isThere, PartialFile } from './partial-file.ts';
import { hashingOf, PrefixHash } from './prefix-hash.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { type ChunkState, StoredChunks } from './stored-chunk.ts';

/** What a download of one file is made with. */
export interface FileDownloadOptions {
  readonly remote: RemoteFile;
  /** The file's key in the index. */
  readonly key: string;
  readonly folder: ModelFolder;
  readonly hub: HubClient;
  readonly index: DownloadIndex;
  readonly limits: HostLimits;
  readonly log: Logger;
  /** Shared by all downloads of the host. */
  readonly allowance: RateLimiter;
  /** Hears, as often as anything comes, how many bytes are on the disk. */
  readonly onProgress: (downloaded: number) => void;
}

/**
 * Bytes a second from which on more connections are not what a download lacks: at this rate receiving, writing and
 * checksums take most of a processor core, and every connection adds to that.
 */
const ENOUGH_BYTES_PER_SECOND = 400e6;

/** The unit of `stat`'s block count, on all systems, whatever the file system's own. Source: POSIX, sys/stat.h. */
const STAT_BLOCK_BYTES = 512;

/**
 * The download of one file, from what the hub announced to the verified file under its name.
 *
 * Chunks are written at their place and then entered into the index. They are not forced onto the disk one by one: that
 * costs a disk's whole speed, and buys nothing, because a chunk that an earlier process left is believed only after its
 * checksum has been compared.
 */
export class FileDownload {
  readonly #options: FileDownloadOptions;
  readonly #grid: ChunkGrid;
  /** One entry a chunk; none before {@link recall}. */
  #states: ChunkState[] = [];
  readonly #begun: PartialChunks;
  /** Bytes written, those of unfinished chunks included. */
  #downloaded = 0;
  /** It was there already, verified, when this download began. */
  #isThere = false;

  constructor(options: FileDownloadOptions) {
    this.#options = options;
    this.#grid = new ChunkGrid(options.remote.size, options.limits.chunkBytes);
    this.#begun = new PartialChunks(this.#grid);
  }

  get #partialPath(): string {
    return this.#options.folder.partialPath(this.#options.remote.file);
  }

  /** Asked for each time: a folder may have become a link meanwhile, through which nothing is written. */
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
   * Bytes the disk still has to find room for: what was written of unfinished chunks has its place already. To be asked
   * before anything else, since what a hub claims costs memory from {@link recall} on.
   *
   * @throws HostError `SIZE_MISMATCH`, `CACHE_ERROR` when something else lies under the file's name.
   */
  async missingSpace(): Promise<number> {
    const { index, key } = this.#options;
    if (await isThere(this.#finalPath, this.size)) return 0;
    const stats = await lstat(this.#partialPath).catch(() => undefined);
    // Windows does not tell how much of a sparse file there is.
    const allocated = Math.max((stats?.blocks ?? 0) * STAT_BLOCK_BYTES, await index.storedBytes(key));
    return Math.max(0, this.size - allocated);
  }

  /**
   * Reads from the index what an earlier download left. To be called before {@link run}.
   *
   * @throws HostError `SIZE_MISMATCH`, `CACHE_ERROR` when something else lies under the file's name.
   */
  async recall(): Promise<void> {
    const { index, key, remote, limits, log } = this.#options;
    if (this.#grid.count > MAX_CHUNKS) throw tooLarge(remote);
    this.#states = new Array<ChunkState>(this.#grid.count).fill('missing');
    if (await isThere(this.#finalPath, remote.size)) {
      this.#isThere = true;
      this.#downloaded = remote.size;
      return;
    }
    const record = await index.file(key);
    if (record === undefined) return;
    if (!isSameFile(record, remote, limits.chunkBytes)) {
      log.info('download.begun-anew', {
        file: remote.file,
        because: 'the file on the hub, or the size of chunks, changed',
      });
      await index.deleteFile(key);
      await PartialFile.discard(this.#partialPath);
      return;
    }
    const length = await PartialFile.lengthAt(this.#partialPath);
    for (const [chunk, stored] of (await index.chunks(key, this.#grid.count)).entries()) {
      if (stored === undefined) continue;
      const { sum, begun: bytes } = stored;
      // Of a file that is lost or was cut short, the index says what is no longer so.
      if (this.#grid.startOf(chunk) + (bytes ?? this.#grid.bytesOf(chunk)) > length) continue;
      if (bytes === undefined) this.#setState(chunk, { sum });
      else if (this.#begun.add(chunk, { bytes, sum })) this.#downloaded += bytes;
    }
  }

  /** @throws HostError what the hub refuses with, `CHECKSUM_MISMATCH`, `DISK_FULL`, …; the signal's reason when aborted. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#isThere) return;
    const { index, key, remote, limits, log } = this.#options;
    const { size, checksum, etag, commit } = remote;
    const record = { size, checksum, etag, commit, chunkBytes: limits.chunkBytes };
    await index.setFile(key, record);
    const file = await PartialFile.open(this.#partialPath, size);
    try {
      const found = await this.#fetchAll(file, signal);
      if (found !== checksum.hex) {
        await this.#discard();
        throw mismatch(remote, found);
      }
      const publishedMs = await file.publish(this.#finalPath);
      // The file is there: that the index cannot be told (the disk may be full by now) takes nothing from it.
      await index
        .setFile(key, { ...record, publishedMs })
        .catch((error: unknown) => log.warn('download.not-told', { file: remote.file, error }));
    } finally {
      await file.close();
    }
  }

  /** Removes what is there of an unfinished file, and forgets it. */
  async #discard(): Promise<void> {
    const { index, key } = this.#options;
    await PartialFile.discard(this.#partialPath);
    await index.deleteFile(key);
    this.#states.fill('missing');
    this.#begun.clear();
    this.#downloaded = 0;
  }

  /** Fetches what is missing, round by round; gives the checksum of the whole file. */
  async #fetchAll(file: PartialFile, signal: AbortSignal): Promise<string> {
    const { remote, limits, log, index, key } = this.#options;
    const { checksum, size } = remote;
    const grid = this.#grid;
    const chunkBytes = Math.min(grid.chunkBytes, size);
    const hasher = new FileHasher(file, { chunkBytes, ...hashingOf(checksum, size) });
    const prefix = new PrefixHash(grid, hasher);
    const plan = new ConnectionPlan({
      first: limits.connectionsAtFirst,
      most: limits.connections,
      enough: ENOUGH_BYTES_PER_SECOND,
    });
    let ranges = true;
    try {
      while (prefix.next < grid.count) {
        const round = new DownloadRound({
          ...this.#options,
          grid,
          states: this.#states,
          begun: this.#begun,
          file,
          prefix,
          plan,
          ranges,
          signal,
          enter: (chunk, stored) => index.setChunk(key, chunk, stored),
          onBytes: (bytes) => this.#addDownloaded(bytes),
        });
        try {
          const bad = await round.run();
          if (bad !== undefined) await this.#forgetBad(file, bad, signal);
        } catch (error) {
          if (!(error instanceof RangesIgnored)) throw error;
          log.info('download.no-ranges', { file: remote.file });
          ranges = false;
        }
      }
      return await prefix.digest();
    } finally {
      await hasher.close();
    }
  }

  /**
   * Forgets a chunk that is not what the index says, and every other like it: where one was lost, to a power cut or a
   * failing disk, there are more, and all are to be fetched in one round.
   */
  async #forgetBad(file: PartialFile, first: number, signal: AbortSignal): Promise<void> {
    const { index, key, remote, log } = this.#options;
    if (this.#states[first] === 'stored') throw modifiedError(this.#partialPath);
    const chunks = new StoredChunks(this.#grid, file);
    const bad: number[] = [];
    for (let chunk = first; chunk < this.#grid.count; chunk += 1) {
      signal.throwIfAborted();
      const state = this.#states[chunk];
      if (typeof state === 'object' && (await chunks.read(chunk, state)) === undefined) bad.push(chunk);
    }
    log.warn('download.bad-chunks', { file: remote.file, chunks: bad.length, first });
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
  return new HostError('HUB_ERROR', `${name.repoId}/${file} would be larger than any model: ${size} bytes.`, {
    details: { repoId: name.repoId, fileName: file, found: size },
  });
}

function mismatch({ name, file, checksum }: RemoteFile, found: string): HostError {
  return new HostError(
    'CHECKSUM_MISMATCH',
    `${name.repoId}/${file} came with other bytes than the hub announced, and was discarded. Download it again; if this happens twice, the file on the hub is damaged.`,
    { details: { repoId: name.repoId, fileName: file, expected: checksum.hex, found, algorithm: checksum.algorithm } },
  );
}
