import type { ErrorCode } from '../protocol/errors.ts';

/** Facts that go with an error: what was expected, what was found, which field or file. JSON values only, no secrets. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * The one kind of error that means something to a client. It is made where the fault is known and becomes a reply in
 * exactly one place (`host.ts`).
 *
 * `message` is a sentence a person can act on: what was expected, what was found, what to do.
 */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }
}

/** Says whether `error` is a fault the operating system reports with one of `codes` (`ENOENT`, `ENOSPC`, …). */
export function isSystemError(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  // Not `instanceof Error`: an error of Node's own code is of another realm where the host runs inside a VM context.
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return typeof error.code === 'string' && codes.includes(error.code);
}
