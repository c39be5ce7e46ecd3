import { defined } from '../common/defined.ts';
import { type ErrorDetails, HostError } from '../common/errors.ts';
import type { ErrorCode } from '../protocol/errors.ts';

/** A fault of an engine elsewhere or of the way to it. What is transient may be gone at the next try. */
export class RemoteFault extends HostError {
  readonly transient: boolean;
  /** How long the engine asked to be left alone, milliseconds; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { transient?: boolean; retryAfterMs?: number | undefined; details?: ErrorDetails } = {},
  ) {
    // Never a cause: errors of an HTTP client know the request's headers, and a cause goes to the log.
    super(code, message, defined({ details: options.details }));
    this.transient = options.transient ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}
