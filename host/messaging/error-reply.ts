import { errorInfo } from '../common/errors.ts';
import type { ErrorReply } from '../protocol/messages.ts';
import type { RequestHead } from '../protocol/parse-request.ts';

/** Converts an error to a reply. All error replies are created here. */
export function errorReply(error: unknown, head: RequestHead = {}): ErrorReply {
  return { status: 'error', ...errorInfo(error), ...head };
}
