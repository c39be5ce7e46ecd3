import * as v from 'valibot';
import { HostError } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import { validate } from '../common/validate.ts';
import type { FoundAction } from './actions/index.ts';
import { ping } from './actions/ping.ts';
import { MAX_REQUEST_ID_LENGTH } from './limits.ts';
import type { RequestId } from './messages.ts';

/** What every reply to a message repeats. It is read before anything else can be wrong with the message. */
export interface RequestHead {
  action?: string;
  requestId?: RequestId;
}

/** A request whose fields its schema has accepted. */
export interface ParsedRequest extends FoundAction {
  readonly fields: object;
}

/** Longest action name that a reply repeats; longer ones are rejected, not cut. */
const MAX_ACTION_LENGTH = 256;

/** Reads what a reply repeats. A value of the wrong type is not repeated, and {@link parseRequest} rejects it. */
export function readHead(message: JsonObject): RequestHead {
  const head: RequestHead = {};
  const { action, requestId } = message;
  if (typeof action === 'string' && action.length <= MAX_ACTION_LENGTH) head.action = action;
  if (isRequestId(requestId)) head.requestId = requestId;
  return head;
}

/**
 * Finds the action of a message and validates its fields. Action names are matched in upper case, so `load_model` is
 * `LOAD_MODEL`.
 *
 * @throws HostError `INVALID_REQUEST` (with the field, the expected and the actual value) or `UNKNOWN_ACTION`.
 */
export async function parseRequest(message: JsonObject): Promise<ParsedRequest> {
  const { action, requestId } = message;
  if (requestId !== undefined && !isRequestId(requestId)) {
    throw invalidField(
      'requestId',
      `a finite number, or a string of at most ${MAX_REQUEST_ID_LENGTH} characters`,
      requestId,
    );
  }
  if (typeof action !== 'string') throw invalidField('action', 'the name of an action', action);
  const found = await findAction(action.toUpperCase());
  if (found === undefined) {
    const shown = action.slice(0, MAX_ACTION_LENGTH);
    throw new HostError('UNKNOWN_ACTION', `Unknown action: ${shown}`, { details: { action: shown } });
  }
  // Everything from outside is validated only up to its first error.
  const parsed = validate(found.declaration.request, message);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const expected = issue.kind === 'schema' && issue.expected !== null ? issue.expected : issue.message;
    const field = v.getDotPath(issue) ?? 'action';
    throw invalidField(
      field,
      EXPECTED[expected] ?? expected,
      SECRET_FIELDS.has(field) ? describeSecret(issue.input) : issue.input,
    );
  }
  // The schema of every action is that of an object.
  return { ...found, fields: parsed.output as object };
}

/** What is expected, where valibot's own words for it would not be understood. */
const EXPECTED: Readonly<Record<string, string>> = { never: 'omitted, because it is unknown' };

/** Fields whose value is never repeated, not even if it is invalid. */
const SECRET_FIELDS: ReadonlySet<string> = new Set(['token', 'key']);

function describeSecret(value: unknown): unknown {
  return typeof value === 'string' ? `a string of ${value.length} characters` : value;
}

/** Finds a declaration. PING is the first request of a browser, so it does not wait for the schemas of all others. */
async function findAction(name: string): Promise<FoundAction | undefined> {
  if (name === ping.name) return { declaration: ping, group: 'ping', key: 'ping' };
  const { ACTIONS } = await import('./actions/index.ts');
  return ACTIONS.get(name);
}

function isRequestId(value: unknown): value is RequestId {
  return Number.isFinite(value) || (typeof value === 'string' && value.length <= MAX_REQUEST_ID_LENGTH);
}
