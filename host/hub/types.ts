import type { ByteSource } from '../gguf/model.ts';
import type { ModelName } from '../protocol/model-name.ts';
import type { RetryPause } from './retry.ts';

/** A hub's metadata of one file in a repository, validated. */
export interface RemoteFile {
  readonly name: ModelName;
  /** Path in the repository: the model's file, or one file of a split model. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Checksum of the whole file: SHA-256 of its bytes, or git's blob SHA-1 for small files stored in git. */
  readonly checksum: { readonly algorithm: 'sha256' | 'git-sha1'; readonly hex: string };
  /** The hub's ETag, without quotes. If it changes, the file has changed. */
  readonly etag: string;
  /** The commit of the revision, from which the bytes are fetched; null if the hub did not send it. */
  readonly commit: string | null;
}

/** A byte range of a file: from `start` up to but not including `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * A stream of a file's bytes. It contains the first byte of the requested range, but may start earlier, and end earlier
 * or later than the range.
 */
export interface RangeStream {
  /** Offset of the first byte in the file: at most the start of the range. */
  readonly start: number;
  /** Whether the server ignored the range and sends the whole file. */
  readonly isWholeFile: boolean;
  /** Whether the server specified the range. If not, it was derived from the number of bytes. */
  readonly isStated: boolean;
  /** Each chunk is valid until the next one is requested. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** The interface of the hub client for the rest of the host. */
export interface HubClient {
  /** Returns a file's size, checksum and commit. Retries after transient errors. */
  fileInfo(
    name: ModelName,
    file: string,
    options: { signal?: AbortSignal; onPause?: (pause: RetryPause | undefined) => void },
  ): Promise<RemoteFile>;
  /**
   * Requests a range of bytes, or the whole file if `range` is undefined. Does not retry: the caller does, if
   * `isTransient(error)` (`hub-error.ts`), after `pauseBefore` (`retry.ts`). Reading the body throws if the connection
   * is interrupted, stalls, or delivers another number of bytes than announced.
   */
  openRange(remote: RemoteFile, range: ByteRange | undefined, options: { signal?: AbortSignal }): Promise<RangeStream>;
  /** Returns when a file was last changed, Unix seconds; undefined if the hub does not say. */
  changedAt(name: ModelName, file: string, options: { signal: AbortSignal }): Promise<number | undefined>;
  /** Returns a source that reads the file's header without downloading the file. */
  byteSource(name: ModelName, file: string, options: { signal?: AbortSignal }): Promise<ByteSource>;
}
