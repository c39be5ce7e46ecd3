import type { ErrorCode } from '../protocol/errors.ts';
import type { ModelName } from '../protocol/model-name.ts';

/** A model that is complete and verified on the disk. */
export interface CachedModel {
  readonly name: ModelName;
  /** Absolute paths of all files, in order; several for a split model. */
  readonly files: readonly string[];
  /** Total size of all files, bytes. */
  readonly size: number;
}

/** What a running download does. */
export interface DownloadActivity {
  /** Number of open connections. */
  readonly connections: number;
  /** When the last bytes arrived, Unix seconds, if that is some time ago. */
  readonly stalledSince: number | undefined;
  /** What happens next, if no bytes arrive. */
  readonly next: NextStep | undefined;
}

/** What a download without new bytes does next. */
export interface NextStep {
  /** `wait`: sends a request when the server accepts one again. `retry`: connects again. `reconnect`: replaces the connections. */
  readonly action: 'wait' | 'retry' | 'reconnect';
  /** When, Unix milliseconds. */
  readonly at: number;
  /** The error that led to it. */
  readonly code: ErrorCode | undefined;
}

/** Status of a model's download, for all of its files together. Sizes are bytes. */
export interface DownloadStatus {
  readonly name: ModelName;
  /** Bytes written to the disk and recorded. */
  readonly downloaded: number;
  /** Size of the whole model; 0 until the hub has reported it. */
  readonly total: number;
  readonly status: 'downloading' | 'paused' | 'completed' | 'failed' | 'cancelled';
  /** Unix seconds. */
  readonly startedAt: number;
  /** Average of the last seconds; 0 while not downloading. */
  readonly bytesPerSecond: number;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** Only while this process downloads. */
  readonly activity?: DownloadActivity;
}

/** The result of a download. */
export interface DownloadResult {
  readonly model: CachedModel;
  /** Whether the model was already on the disk, so that nothing was fetched. */
  readonly alreadyDownloaded: boolean;
}
