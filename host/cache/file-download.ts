import { stat } from 'node:fs/promises';
import type { HostLimits } from '../config.ts';
import { HostError } from '../errors.ts';
import { isTransient } from '../hub/hub-fault.ts';
import { pause, pauseBefore } from '../hub/retry.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import type { Logger } from '../log.ts';
import { ChunkCursor } from './chunk-cursor.ts';
import { ChunkGrid, ChunkQueue, type ChunkRun, MAX_CHUNKS } from './chunks.ts';
import type { DownloadIndex, FileRecord } from './download-index.ts';
import { isThere, PartialFile } from './partial-file.ts';
import { PrefixHash } from './prefix-hash.ts';
import { type ChunkState, StoredChunks } from './stored-chunk.ts';

/** What a download of one file is made with. */
export interface FileDownloadOptions {
  readonly remote: RemoteFile;
  /** The file's key in the index. */
  readonly key: string;
  readonly partialPath: string;
  readonly finalPath: string;
  readonly hub: HubClient;
  readonly index: DownloadIndex;
  readonly limits: HostLimits;
  readonly log: Logger;
  /** Hears, as often as anything comes, how many bytes are on the disk. */
  readonly onProgress: (downloaded: number) => void;
}

/** The unit of `stat`'s block count, on all systems, whatever the file system's own. Source: POSIX, sys/stat.h. */
const STAT_BLOCK_BYTES = 512;

/** The hub sent the whole file where a range was asked for: one connection has to do, from the front. */
class RangesIgnored extends Error {}

/**
 * The download of one file, from what the hub announced to the verified file under its name.
 *
 * Chunks are written at their place and then entered into the index. They are not forced onto the disk one by one: that
 * costs a disk's whole speed, and buys nothing, because a chunk that an earlier process left is believed only after its
 * SHA-256 has been compared.
 */
export class FileDownload {
  readonly #options: FileDownloadOptions;
  readonly #grid: ChunkGrid;
  /** One entry a chunk; none before {@link recall}. */
  #states: ChunkState[] = [];
  /** Bytes written, those of unfinished chunks included. */
  #downloaded = 0;
  /** It was there already, verified, when this download began. */
  #isThere = false;

  constructor(options: FileDownloadOptions) {
    this.#options = options;
    this.#grid = new ChunkGrid(options.remote.size, options.limits.chunkBytes);
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
    const { index, key, partialPath, finalPath } = this.#options;
    if (await isThere(finalPath, this.size)) return 0;
    const stats = await stat(partialPath).catch(() => undefined);
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
    const { index, key, remote, limits, partialPath, finalPath, log } = this.#options;
    if (this.#grid.count > MAX_CHUNKS) throw tooLarge(remote);
    this.#states = new Array<ChunkState>(this.#grid.count).fill('missing');
    if (await isThere(finalPath, remote.size)) {
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
      await PartialFile.discard(partialPath);
      return;
    }
    const length = await PartialFile.lengthAt(partialPath);
    for (const [chunk, sha256] of (await index.chunks(key, this.#grid.count)).entries()) {
      // Of a file that is lost or was cut short, the index says what is no longer so.
      if (sha256 !== undefined && this.#grid.endOf(chunk) <= length) this.#setState(chunk, { sha256 });
    }
  }

  /** @throws HostError what the hub refuses with, `CHECKSUM_MISMATCH`, `DISK_FULL`, …; the signal's reason when aborted. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#isThere) return;
    const { index, key, remote, partialPath, finalPath, limits } = this.#options;
    const { size, checksum, etag, commit } = remote;
    await index.setFile(key, { size, checksum, etag, commit, chunkBytes: limits.chunkBytes });
    const file = await PartialFile.open(partialPath, size);
    try {
      const hash = new PrefixHash(this.#grid, file, checksum);
      await this.#fetchAll(file, hash, signal);
      const found = hash.digest();
      if (found !== checksum.hex) {
        await this.#discard();
        throw mismatch(remote, found);
      }
      await file.publish(finalPath);
    } finally {
      await file.close();
    }
  }

  /** Removes what is there of an unfinished file, and forgets it. */
  async #discard(): Promise<void> {
    const { index, key, partialPath } = this.#options;
    await PartialFile.discard(partialPath);
    await index.deleteFile(key);
    this.#states.fill('missing');
    this.#downloaded = 0;
  }

  /** Fetches what is missing over some connections, while one reader takes the checksum behind them. */
  async #fetchAll(file: PartialFile, hash: PrefixHash, signal: AbortSignal): Promise<void> {
    let ranges = true;
    while (hash.next < this.#grid.count) {
      try {
        const bad = await this.#fetchMissing(file, hash, ranges, signal);
        if (bad !== undefined) await this.#forgetBad(file, bad, signal);
      } catch (error) {
        if (!(error instanceof RangesIgnored)) throw error;
        this.#options.log.info('download.no-ranges', { file: this.#options.remote.file });
        ranges = false;
      }
    }
  }

  /**
   * One round over all chunks that are missing, while those that are there are taken into the checksum. A chunk found
   * bad meanwhile is its result, and waits for the next round.
   */
  async #fetchMissing(
    file: PartialFile,
    hash: PrefixHash,
    ranges: boolean,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { connections } = this.#options.limits;
    const missing = [...this.#states.keys()].filter((chunk) => this.#states[chunk] === 'missing');
    const queue = new ChunkQueue(missing, connections);
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    let hashing: Promise<number | undefined> = Promise.resolve(undefined);
    const onStored = () => {
      hashing = hashing.then((bad) => bad ?? hash.advance(this.#states, stop));
      // A fault of reading back ends the round; it is thrown below.
      hashing.catch((error: unknown) => failed.abort(error));
    };
    onStored();
    const work = async () => {
      if (!ranges) return this.#fetchRun(file, { first: 0, end: this.#grid.count }, stop, onStored);
      for (let run = queue.take(); run !== undefined; run = queue.take())
        await this.#fetchRun(file, run, stop, onStored);
    };
    const workers = Array.from({ length: Math.min(ranges ? connections : 1, missing.length) }, () =>
      work().catch((error: unknown) => failed.abort(error)),
    );
    await Promise.all(workers);
    const bad = await hashing.catch((error: unknown) => failed.abort(error));
    failed.signal.throwIfAborted();
    return bad ?? undefined;
  }

  /** Fetches a run of chunks, going on after a broken connection from the byte it came to. */
  async #fetchRun(file: PartialFile, run: ChunkRun, signal: AbortSignal, onStored: () => void): Promise<void> {
    const { remote, limits, log } = this.#options;
    const cursor = new ChunkCursor(this.#grid, run);
    for (let attempt = 0; !cursor.done; ) {
      const before = cursor.position;
      try {
        await this.#stream(file, run, cursor, signal, onStored);
      } catch (error) {
        // What came of an unfinished chunk is only kept while this run goes on.
        const giveUp = (reason: unknown) => {
          if (this.#states[cursor.chunk] === 'missing') this.#addDownloaded(-cursor.bytesInChunk);
          throw reason;
        };
        if (signal.aborted) giveUp(signal.reason);
        if (!isTransient(error)) return giveUp(error);
        // What brought something is no failure: only tries in vain count.
        attempt = cursor.position > before ? 0 : attempt + 1;
        if (attempt >= limits.maxAttempts) giveUp(error);
        log.warn('download.retry', { file: remote.file, at: cursor.position, attempt, error });
        await pause(pauseBefore(attempt, error, limits), signal).catch(giveUp);
      }
    }
  }

  /** Takes in one connection's bytes, from where the cursor stands. */
  async #stream(
    file: PartialFile,
    run: ChunkRun,
    cursor: ChunkCursor,
    signal: AbortSignal,
    onStored: () => void,
  ): Promise<void> {
    const { hub, remote } = this.#options;
    const isWholeFile = run.first === 0 && run.end === this.#grid.count;
    const stream = await hub.openRange(
      remote,
      { start: cursor.position, end: this.#grid.endOf(run.end - 1) },
      { signal },
    );
    if (stream.start !== cursor.position && !isWholeFile) {
      await stream.body[Symbol.asyncIterator]().return?.();
      throw new RangesIgnored();
    }
    let at = stream.start;
    for await (const bytes of stream.body) {
      signal.throwIfAborted();
      at += bytes.length;
      const fresh = Math.min(bytes.length, at - cursor.position);
      if (fresh > 0) await this.#take(file, cursor, bytes.subarray(bytes.length - fresh), onStored);
      // A hub that knows no ranges goes on to the file's end.
      if (cursor.done) break;
    }
  }

  /** Writes bytes that came, chunk by chunk, and enters each chunk that is whole. */
  async #take(file: PartialFile, cursor: ChunkCursor, bytes: Uint8Array, onStored: () => void): Promise<void> {
    const { index, key } = this.#options;
    for (let rest = bytes; rest.length > 0 && !cursor.done; ) {
      const piece = rest.subarray(0, cursor.missingInChunk);
      rest = rest.subarray(piece.length);
      const { chunk } = cursor;
      const isMissing = this.#states[chunk] === 'missing';
      if (isMissing) await file.write(piece, cursor.position);
      const sha256 = cursor.advance(piece);
      if (!isMissing) continue;
      this.#addDownloaded(piece.length);
      if (sha256 === undefined) continue;
      await index.setChunk(key, chunk, sha256);
      this.#states[chunk] = 'stored';
      onStored();
    }
  }

  /**
   * Forgets a chunk that is not what the index says, and every other like it: where one was lost, to a power cut or a
   * failing disk, there are more, and all are to be fetched in one round.
   */
  async #forgetBad(file: PartialFile, first: number, signal: AbortSignal): Promise<void> {
    const { index, key, remote, partialPath, log } = this.#options;
    if (this.#states[first] === 'stored') throw meddledWith(partialPath);
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

function meddledWith(path: string): HostError {
  return new HostError(
    'CACHE_ERROR',
    `${path} was cut short while it was being written. Is another program at work there?`,
    {
      details: { path },
    },
  );
}
