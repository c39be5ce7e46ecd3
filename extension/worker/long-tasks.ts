import type { ActionName } from '../../host/protocol/messages.ts';
import type { MessageKey } from '../page/i18n.ts';

/** Shortest download or load whose end is reported, milliseconds: the user waits for a shorter one. */
const LONG_MS = 20_000;

/** Errors that are not reported: the user caused them, or the worker restarts the download (`HOST_DISCONNECTED`). */
const NOT_REPORTED: ReadonlySet<string> = new Set([
  'DOWNLOAD_PAUSED',
  'DOWNLOAD_CANCELLED',
  'HOST_DISCONNECTED',
  'ABORTED',
]);

/** The notification of the end of a long download or load. */
export interface LongTask {
  readonly message: Extract<MessageKey, 'notifyDownloaded' | 'notifyDownloadFailed' | 'notifyLoaded'>;
  /** The name of the model's file, without its extension. */
  readonly name: string;
}

/**
 * Returns the notification of the end of a request; undefined if there is nothing to report.
 *
 * @param end How the request ended: its duration in milliseconds, and its error code, which is undefined if it succeeded.
 */
export function longTaskOf(
  action: ActionName,
  fields: object,
  end: { readonly ms: number; readonly errorCode: string | undefined },
): LongTask | undefined {
  const { ms, errorCode } = end;
  const { modelPath, modelId = modelPath } = fields as { modelPath?: unknown; modelId?: unknown };
  if (ms < LONG_MS || typeof modelId !== 'string' || NOT_REPORTED.has(errorCode ?? '')) return undefined;
  const name = modelId.slice(modelId.lastIndexOf('/') + 1).replace(/\.gguf$/, '');
  if (action === 'DOWNLOAD_MODEL') {
    return { message: errorCode === undefined ? 'notifyDownloaded' : 'notifyDownloadFailed', name };
  }
  return action === 'LOAD_MODEL' && errorCode === undefined ? { message: 'notifyLoaded', name } : undefined;
}
