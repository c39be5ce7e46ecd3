import { defined } from '../common/defined.ts';
import { type ErrorDetails, HostError } from '../common/errors.ts';
import { pause } from '../hub/retry.ts';
import type { ErrorCode } from '../protocol/errors.ts';

/** Maximum number of attempts per request: an engine that is not running must be reported within seconds. */
const MAX_ATTEMPTS = 3;

/** An error of a remote engine or of the connection to it. If it is transient, another attempt may succeed. */
export class RemoteError extends HostError {
  readonly transient: boolean;
  /** How long the engine asked to wait, in milliseconds; undefined if it did not specify this. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { transient?: boolean; retryAfterMs?: number | undefined; details?: ErrorDetails } = {},
  ) {
    // No cause: errors of an HTTP client contain the request's headers, and causes are logged.
    super(code, message, defined({ details: options.details }));
    this.transient = options.transient ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * Runs `work` until it succeeds or fails permanently, at most {@link MAX_ATTEMPTS} times. Before each further attempt,
 * waits as long as the engine asked, otherwise with exponential backoff.
 *
 * @param baseMs Pause before the second attempt, in milliseconds.
 */
export async function retryRemote<T>(work: () => Promise<T>, baseMs: number, signal?: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RemoteError) || !error.transient || attempt + 1 >= MAX_ATTEMPTS) throw error;
      await pause(error.retryAfterMs ?? baseMs * 2 ** attempt, signal);
    }
  }
}
