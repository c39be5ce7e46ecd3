import { type ErrorDetails, HostError } from '../common/errors.ts';
import type { ErrorCode } from '../protocol/errors.ts';

/** A fault of a hub or of the way to it. What is transient may be gone at the next try. */
export class HubFault extends HostError {
  readonly transient: boolean;
  /** How long the hub asked to be left alone, milliseconds; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { transient?: boolean; retryAfterMs?: number | undefined; details?: ErrorDetails; cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.transient = options.transient ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Says whether trying again may help. */
export function isTransient(error: unknown): error is HubFault {
  return error instanceof HubFault && error.transient;
}
