import * as v from 'valibot';
import { ACTIONS } from '../../../host/protocol/actions/index.ts';
import type { ActionName, PayloadOf } from '../../../host/protocol/messages.ts';
import type { Message } from './host-process.ts';

/**
 * Returns the payload of a success reply.
 *
 * @throws Error with the reply if it is an error; Error if the payload does not match its declaration.
 */
export function payloadOf<A extends ActionName>(action: A, reply: Message): PayloadOf<A> {
  if (reply.status !== 'success') throw new Error(`${action} failed: ${JSON.stringify(reply)}`);
  const response = ACTIONS.get(action)?.declaration.response ?? v.never();
  const { success, issues, output } = v.safeParse(response, reply.payload);
  if (success) return output as PayloadOf<A>;
  const problems = issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`);
  throw new Error(`The payload of ${action} does not match its declaration: ${problems.join('; ')}`);
}
