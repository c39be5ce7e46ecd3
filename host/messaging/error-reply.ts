import { HostError } from '../common/errors.ts';
import type { ErrorReply } from '../protocol/messages.ts';
import type { RequestHead } from '../protocol/parse-request.ts';

/**
 * Turns any fault into the reply a client reads: the one place where errors become words on the wire. What is not a
 * {@link HostError} is a fault of ours; its text may hold anything, so it stays in the log.
 */
export function errorReply(error: unknown, head: RequestHead = {}): ErrorReply {
  if (!(error instanceof HostError)) {
    return {
      status: 'error',
      message: 'The host met a fault of its own; its log says more.',
      code: 'INTERNAL_ERROR',
      ...head,
    };
  }
  const { message, code, details } = error;
  return { status: 'error', message, code, ...(details === undefined ? {} : { details }), ...head };
}
