import type { ActionName } from '../../host/protocol/messages.ts';
import type { MessageKey } from '../page/i18n.ts';

/** Shorter downloads and loads are seen to end where they were started, milliseconds. */
const LONG_MS = 20_000;

/** Ends that the user caused, or that are not the end: an interrupted download is restarted. */
const NOT_REPORTED: ReadonlySet<string> = new Set([
  'DOWNLOAD_PAUSED',
  'DOWNLOAD_CANCELLED',
  'HOST_DISCONNECTED',
  'ABORTED',
]);

/** The end of a download or a load that took long. */
export interface LongTask {
  readonly message: Extract<MessageKey, 'notifyDownloaded' | 'notifyDownloadFailed' | 'notifyLoaded'>;
  /** The model, as a person would name it. */
  readonly name: string;
}

/**
 * Returns what to tell the user when a request has ended; undefined if that is nothing.
 *
 * @param ms How long it took.
 * @param errorCode Why it failed; undefined if it succeeded.
 */
export function longTaskOf(
  action: ActionName,
  fields: object,
  { ms, errorCode }: { readonly ms: number; readonly errorCode: string | undefined },
): LongTask | undefined {
  const { modelPath, modelId = modelPath } = fields as { modelPath?: unknown; modelId?: unknown };
  if (ms < LONG_MS || typeof modelId !== 'string' || NOT_REPORTED.has(errorCode ?? '')) return undefined;
  const name =
    modelId
      .split('/')
      .at(-1)
      ?.replace(/\.gguf$/, '') ?? modelId;
  if (action === 'DOWNLOAD_MODEL') {
    return { message: errorCode === undefined ? 'notifyDownloaded' : 'notifyDownloadFailed', name };
  }
  return action === 'LOAD_MODEL' && errorCode === undefined ? { message: 'notifyLoaded', name } : undefined;
}
