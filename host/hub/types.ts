import type { ByteSource } from '../gguf/model.ts';
import type { ModelName } from '../protocol/model-name.ts';
import type { RetryPause } from './retry.ts';

/** A hub's metadata of one file in a repository, validated. */
export interface RemoteFile {
  readonly name: ModelName;
  /** Path inside the repository: the model's file, or one file of a split model. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Checksum of the whole file: SHA-256 of its bytes, or git's blob SHA-1 for small files stored in git. */
  readonly checksum: { readonly algorithm: 'sha256' | 'git-sha1'; readonly hex: string };
  /** As sent by the hub, without quotes. A different ETag later means a different file. */
  readonly etag: string;
  /** The commit that the revision pointed to; bytes are fetched from it. Null if the hub did not send one. */
  readonly commit: string | null;
}

/** A byte range of a file: from `start` up to but not including `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Bytes of a file as they arrive. They contain the first byte of the requested range, but may start or end elsewhere.
 */
export interface RangeStream {
  /** Offset of the first byte: at most that of the range. */
  readonly start: number;
  /** The server ignored the range and sends the whole file. */
  readonly isWholeFile: boolean;
  /** Whether the server said which bytes it sends. If not, only their number shows that they are the requested ones. */
  readonly isStated: boolean;
  /** Each chunk is valid until the next one is requested. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** The hub as the rest of the host uses it. */
export interface HubClient {
  /** Returns a file's size, checksum and commit. Retries after transient errors. */
  fileInfo(
    name: ModelName,
    file: string,
    options: { signal?: AbortSignal; onPause?: (pause: RetryPause | undefined) => void },
  ): Promise<RemoteFile>;
  /**
   * Requests a range of bytes, or the whole file if it is undefined, once. The caller retries: `isTransient(error)`
   * (`hub-error.ts`) says whether it may, and `pauseBefore` (`retry.ts`) how long to wait. Reading the body throws if
   * the connection breaks, stalls, or delivers another number of bytes than announced.
   */
  openRange(remote: RemoteFile, range: ByteRange | undefined, options: { signal?: AbortSignal }): Promise<RangeStream>;
  /** Returns a source that reads the file's header without downloading the file. */
  byteSource(name: ModelName, file: string, options: { signal?: AbortSignal }): Promise<ByteSource>;
}
