import { defined } from '../common/defined.ts';
import { invalidField } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import type { MessageDetails } from '../conversations/types.ts';
import { MAX_DETAILS_BYTES } from '../protocol/limits.ts';
import type { RequestOf } from '../protocol/messages.ts';

type StoredMessage =
  | NonNullable<RequestOf<'SYNC_PUSH'>['messages']>[number]
  | RequestOf<'ADD_MESSAGES'>['messages'][number];

/**
 * Returns the fields besides the text of a message that a client stores; undefined if it has none.
 *
 * @param field The message in the request, for errors.
 * @throws HostError `INVALID_REQUEST` if they are too large.
 */
export function storedDetails(message: StoredMessage, field: string): MessageDetails | undefined {
  const { reasoning_content, tool_calls, tool_call_id, name, parts, usage } = message;
  // A parsed request is JSON, even in the fields that its schema leaves open.
  return bounded({ reasoning_content, tool_calls, tool_call_id, name, parts, usage } as MessageDetails, field);
}

/**
 * Returns the fields besides the text of a message that a model is to answer; null if it has none. The parts of its
 * content are stored if they are more than text.
 *
 * @param field The message in the request, for errors.
 * @throws HostError `INVALID_REQUEST` if they are too large.
 */
export function questionDetails(message: Readonly<Record<string, unknown>>, field: string): MessageDetails | null {
  const { content, tool_call_id, name } = message;
  const hasParts = Array.isArray(content) && content.some(({ type }) => type !== 'text');
  const details = {
    tool_call_id: typeof tool_call_id === 'string' ? tool_call_id : undefined,
    name: typeof name === 'string' ? name : undefined,
    parts: hasParts ? (content as JsonObject[]) : undefined,
  };
  return bounded(details, field) ?? null;
}

function bounded(details: MessageDetails, field: string): MessageDetails | undefined {
  const given = defined(details);
  if (Object.keys(given).length === 0) return undefined;
  if (Buffer.byteLength(JSON.stringify(given)) <= MAX_DETAILS_BYTES) return given;
  throw invalidField(field, `a message whose other fields have at most ${MAX_DETAILS_BYTES} bytes of JSON`, undefined);
}
