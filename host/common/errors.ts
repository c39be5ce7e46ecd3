import type { ErrorCode } from '../protocol/errors.ts';

/** Facts that accompany an error: what was expected and found, which field or file. JSON values only, no secrets. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** An error as replies, events and records carry it. */
export interface ErrorInfo {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

/**
 * An error that a client can act on. `host-errors.ts` has a factory per situation that several modules report; an error
 * that only one module reports is made there.
 *
 * `message` says what happened, why, and what to do, in one or two sentences.
 */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }
}

/** Returns whether `error` is a {@link HostError} and, if `codes` are given, has one of them. */
export function isHostError(error: unknown, ...codes: ErrorCode[]): error is HostError {
  return error instanceof HostError && (codes.length === 0 || codes.includes(error.code));
}

/**
 * Converts any error into what may leave the host. The text of an error that is not a {@link HostError} may contain
 * anything, so only the log has it.
 */
export function errorInfo(error: unknown): ErrorInfo {
  if (!isHostError(error)) {
    return { code: 'INTERNAL_ERROR', message: 'The host hit an internal error. See its log for details.' };
  }
  const { code, message, details } = error;
  return { code, message, ...(details === undefined ? {} : { details }) };
}

/** Returns the message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error of the operating system. Not the type of Node.js, which users of the library need not have. */
export interface SystemError extends Error {
  readonly code: string;
  readonly path?: string;
  readonly syscall?: string;
}

/** Returns whether `error` is one the operating system reports with one of `codes` (`ENOENT`, `ENOSPC`, …). */
export function isSystemError(error: unknown, ...codes: string[]): error is SystemError {
  // Not `instanceof Error`: where the host runs inside a VM context, Node's own errors belong to another realm.
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return typeof error.code === 'string' && codes.includes(error.code);
}
