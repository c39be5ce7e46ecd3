import type { ByteSource } from '../gguf/model.ts';
import type { ModelName } from '../protocol/model-name.ts';

/** What a hub says of one file of a repository, checked. */
export interface RemoteFile {
  readonly name: ModelName;
  /** Path inside the repository: the model's file, or one of its parts. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** What the whole file is verified with: SHA-256 of its bytes, or git's blob SHA-1 for small files kept in git. */
  readonly checksum: { readonly algorithm: 'sha256' | 'git-sha1'; readonly hex: string };
  /** As the hub gave it, unquoted: another one later means another file. */
  readonly etag: string;
  /** The commit the revision stood for when it was asked; bytes are fetched by it. Null when the hub did not say. */
  readonly commit: string | null;
}

/** A run of bytes of a file: from `start` up to and not including `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The bytes of a range as they come. */
export interface RangeStream {
  /** Where the bytes begin: 0 instead of the asked start when the hub ignores ranges. */
  readonly start: number;
  /** Each piece is good until the next is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** What the rest of the host asks of a hub. */
export interface HubClient {
  /** Asks for a file's size, checksum and commit; retries by itself. */
  fileInfo(name: ModelName, file: string, options: { signal?: AbortSignal }): Promise<RemoteFile>;
  /**
   * Opens the bytes of a range. One try: the caller retries, and knows from `isTransient(error)` (`hub-fault.ts`)
   * whether it may, and from `pauseBefore` (`retry.ts`) how long to wait. The body fails when the connection breaks,
   * stalls, or brings another number of bytes than was announced.
   */
  openRange(remote: RemoteFile, range: ByteRange, options: { signal?: AbortSignal }): Promise<RangeStream>;
  /** The file's bytes for reading a header, before anything is downloaded. */
  byteSource(name: ModelName, file: string, options: { signal?: AbortSignal }): Promise<ByteSource>;
}
