import * as v from 'valibot';
import { ACTIONS } from '../../../host/protocol/actions/index.ts';
import { COMMON_ERRORS, type ErrorCode } from '../../../host/protocol/errors.ts';
import * as events from '../../../host/protocol/events.ts';
import type { Schema } from '../../../host/protocol/fields.ts';
import type { Message } from './host-process.ts';

const EVENTS = new Map<unknown, Schema>(Object.values(events).map(({ type, payload }) => [type, payload]));

/**
 * Validates a reply or an event against the protocol's declarations.
 *
 * @throws Error if a payload does not match its schema, or an action does not declare the error code or the event.
 */
export function checkDeclared(message: Message, action: string | undefined): void {
  const found = ACTIONS.get(String(message.action ?? action).toUpperCase())?.declaration;
  if ('type' in message) {
    const payload = EVENTS.get(message.type);
    if (payload === undefined) throw new Error(`The event ${message.type} is not declared`);
    checkShape(`The event ${message.type}`, payload, message.payload);
    if (found !== undefined && 'requestId' in message && !found.events.some(({ type }) => type === message.type)) {
      throw new Error(`${found.name} does not declare the event ${message.type}`);
    }
  } else if (found !== undefined && message.status === 'success') {
    checkShape(`The payload of ${found.name}`, found.response, message.payload);
    if (found.topLevel === 'payload') checkShape(`The reply to ${found.name}`, found.response, message);
    else if (found.topLevel !== undefined) checkShape(`The reply to ${found.name}`, found.topLevel, message);
  } else if (found !== undefined && message.status === 'error') {
    const codes: readonly ErrorCode[] = [
      ...COMMON_ERRORS,
      ...found.errors,
      ...(found.localOnly || found.ownExtensionOnly ? ['LOCAL_ONLY' as const] : []),
    ];
    if (!codes.includes(message.code)) throw new Error(`${found.name} does not declare the error ${message.code}`);
  }
}

function checkShape(label: string, schema: Schema, value: unknown): void {
  const { success, issues } = v.safeParse(schema, value);
  if (success) return;
  const problems = issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`);
  throw new Error(`${label} does not match its declaration: ${problems.join('; ')}`);
}
