import { errorInfo } from '../common/errors.ts';
import type { ErrorReply } from '../protocol/messages.ts';
import type { RequestHead } from '../protocol/parse-request.ts';

/** Converts any error into the reply a client reads. Nothing else makes error replies. */
export function errorReply(error: unknown, head: RequestHead = {}): ErrorReply {
  return { status: 'error', ...errorInfo(error), ...head };
}
