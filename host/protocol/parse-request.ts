import * as v from 'valibot';
import { HostError } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import type { ActionName } from './actions/requests.ts';
import { PingRequest } from './actions/system.ts';
import type { ParsedRequest, RequestId } from './messages.ts';

/** What every reply to a message echoes: read before anything else can be wrong with it. */
export interface RequestHead {
  action?: string;
  requestId?: RequestId;
}

/** Longest action name or request id that is echoed; longer ones are refused, not cut. */
const MAX_ECHO_LENGTH = 256;

/** Reads what a reply echoes. An ill-typed one is not echoed (and refused by {@link parseRequest}). */
export function readHead(message: JsonObject): RequestHead {
  const head: RequestHead = {};
  const { action, requestId } = message;
  if (typeof action === 'string' && action.length <= MAX_ECHO_LENGTH) head.action = action;
  if (isRequestId(requestId)) head.requestId = requestId;
  return head;
}

/**
 * Makes a typed request of a message. Rejects with `INVALID_REQUEST` (naming the field, what was expected and what was
 * found) or `UNKNOWN_ACTION`.
 */
export async function parseRequest(message: JsonObject): Promise<ParsedRequest> {
  const { action, requestId } = message;
  if (requestId !== undefined && !isRequestId(requestId)) {
    throw invalidField('requestId', `a number, or a string of at most ${MAX_ECHO_LENGTH} characters`, requestId);
  }
  if (typeof action !== 'string') throw invalidField('action', 'the name of an action', action);
  const name = action.toUpperCase();
  const schema = await schemaOf(name);
  if (schema === undefined) {
    const shown = action.slice(0, MAX_ECHO_LENGTH);
    throw new HostError('UNKNOWN_ACTION', `Unknown action: ${shown}`, { details: { action: shown } });
  }
  const parsed = v.safeParse(schema, message);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const expected = issue.kind === 'schema' && issue.expected !== null ? issue.expected : issue.message;
    const field = v.getDotPath(issue) ?? 'action';
    throw invalidField(field, expected, SECRET_FIELDS.has(field) ? described(issue.input) : issue.input);
  }
  // The table pairs each name with its schema, which the union type cannot see through the look-up.
  return { action: name, fields: parsed.output } as ParsedRequest;
}

/** Fields whose value is never said again, not even where it is wrong. */
const SECRET_FIELDS: ReadonlySet<string> = new Set(['token', 'key']);

function described(value: unknown): unknown {
  return typeof value === 'string' ? `a text of ${value.length} characters` : value;
}

/** The schema of an action's fields. PING is what a browser begins with: it does not wait for those of all others. */
async function schemaOf(name: string) {
  if (name === 'PING') return PingRequest;
  const { REQUEST_SCHEMAS } = await import('./actions/requests.ts');
  return Object.hasOwn(REQUEST_SCHEMAS, name) ? REQUEST_SCHEMAS[name as ActionName] : undefined;
}

function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'number' || (typeof value === 'string' && value.length <= MAX_ECHO_LENGTH);
}
