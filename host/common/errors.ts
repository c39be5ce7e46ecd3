import type { ErrorCode } from '../protocol/errors.ts';

/** Details of an error, such as the expected and actual value, the field or the file. JSON values without secrets. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** An error in replies, events and records. */
export interface ErrorInfo {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

/**
 * An error that a client can handle. `host-errors.ts` has a factory for each error that several modules report; a
 * module creates errors that only it reports.
 *
 * `message` states what happened, why, and what to do, in one or two sentences.
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
 * Converts an error to an ErrorInfo that may leave the host. The message of an error that is not a {@link HostError}
 * may contain confidential data, so it is only logged.
 */
export function errorInfo(error: unknown): ErrorInfo {
  if (!isHostError(error)) {
    return { code: 'INTERNAL_ERROR', message: 'The host hit an internal error. See its log for details.' };
  }
  const { code, message, details } = error;
  return { code, message, ...(details === undefined ? {} : { details }) };
}

/** Returns the message of a thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error of the operating system. Does not use the types of Node.js, which users of the library need not install. */
export interface SystemError extends Error {
  readonly code: string;
  readonly path?: string;
  readonly syscall?: string;
}

/** Returns whether `error` is an error of the operating system with one of `codes` (`ENOENT`, `ENOSPC`, …). */
export function isSystemError(error: unknown, ...codes: string[]): error is SystemError {
  // Not `instanceof Error`: if the host runs in a VM context, Node's errors belong to another realm.
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return typeof error.code === 'string' && codes.includes(error.code);
}
