import type { ErrorCode } from '../protocol/errors.ts';
import type { ModelName } from '../protocol/model-name.ts';

/** A model that is complete and verified on the disk. */
export interface CachedModel {
  readonly name: ModelName;
  /** Absolute paths of all files, in order; several for a split model. */
  readonly files: readonly string[];
  /** Total size of all files, in bytes. */
  readonly size: number;
}

/** The current activity of a running download. */
export interface DownloadActivity {
  /** Number of open connections. */
  readonly connections: number;
  /** When the last bytes arrived, in Unix seconds, if the download is stalled. */
  readonly stalledSince: number | undefined;
  /** The next step, if no bytes arrive. */
  readonly next: NextStep | undefined;
}

/** The next step of a download that receives no bytes. */
export interface NextStep {
  /**
   * `wait`: waits until the server accepts requests again. `retry`: connects again. `reconnect`: replaces connections.
   */
  readonly action: 'wait' | 'retry' | 'reconnect';
  /** Time of the step, in Unix milliseconds. */
  readonly at: number;
  /** The error that caused it. */
  readonly code: ErrorCode | undefined;
}

/** Status of a model's download. Sizes are totals of all files, in bytes. */
export interface DownloadStatus {
  readonly name: ModelName;
  /** Bytes written to the disk and recorded. */
  readonly downloaded: number;
  /** Size of the whole model; 0 until the hub has reported it. */
  readonly total: number;
  readonly status: 'downloading' | 'paused' | 'completed' | 'failed' | 'cancelled';
  /** Unix seconds. */
  readonly startedAt: number;
  /** Average of the last few seconds; 0 while not downloading. */
  readonly bytesPerSecond: number;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** Only set while this process downloads the model. */
  readonly activity?: DownloadActivity;
}

/** The result of a download. */
export interface DownloadResult {
  readonly model: CachedModel;
  /** Whether the model was already on the disk and nothing was fetched. */
  readonly alreadyDownloaded: boolean;
}
