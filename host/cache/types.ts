import type { ErrorCode } from '../protocol/errors.ts';
import type { ModelName } from '../protocol/model-name.ts';

/** A model that is whole and verified on the disk. */
export interface CachedModel {
  readonly name: ModelName;
  /** Absolute paths of all parts, in order. */
  readonly files: readonly string[];
  /** Bytes of all parts. */
  readonly size: number;
}

/** How far a download of a model (all of its parts together) has come. Sizes are bytes. */
export interface DownloadStatus {
  readonly name: ModelName;
  /** Bytes that are on the disk and recorded. */
  readonly downloaded: number;
  /** Bytes of the whole model; 0 until the hub has said. */
  readonly total: number;
  readonly status: 'downloading' | 'paused' | 'completed' | 'failed' | 'cancelled';
  /** Unix seconds. */
  readonly startedAt: number;
  /** Smoothed over the last seconds; 0 while not downloading. */
  readonly bytesPerSecond: number;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** What a download came to. */
export interface DownloadResult {
  readonly model: CachedModel;
  /** True when it was on the disk already and nothing was fetched. */
  readonly alreadyThere: boolean;
}
