import { type ErrorDetails, HostError } from '../common/errors.ts';
import type { ErrorCode } from '../protocol/errors.ts';

/** An error of a hub or of the connection to it. If it is transient, another attempt may succeed. */
export class HubError extends HostError {
  readonly transient: boolean;
  /** How long the hub asked to wait before the next request, in milliseconds; undefined if it did not specify this. */
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

/** A response to a range request does not contain the range, or does not specify its range. */
export class UnusableRange extends HubError {}

/** Returns whether another attempt may succeed. */
export function isTransient(error: unknown): error is HubError {
  return error instanceof HubError && error.transient;
}

/** The hub did not answer in time. */
export function noAnswer(endpoint: string, ms: number): HubError {
  return new HubError('HUB_UNREACHABLE', `${endpoint} did not answer within ${ms / 1000} seconds. Try again later.`, {
    details: { host: endpoint, cause: 'ETIMEDOUT' },
  });
}
