import * as v from 'valibot';
import { PAYLOAD_SCHEMAS } from '../../../host/protocol/actions/payloads.ts';
import type { ActionName } from '../../../host/protocol/actions/requests.ts';
import type { PayloadOf } from '../../../host/protocol/messages.ts';
import type { Message } from './host-process.ts';

/** The payload of a success reply, as protocol.md promises it. Throws, with the reply, when it is anything else. */
export function promised<A extends ActionName>(action: A, reply: Message): PayloadOf<A> {
  if (reply.status !== 'success') throw new Error(`${action} was refused: ${JSON.stringify(reply)}`);
  const { success, issues, output } = v.safeParse(PAYLOAD_SCHEMAS[action], reply.payload);
  if (success) return output as PayloadOf<A>;
  throw new Error(
    `${action} answered another shape: ${issues?.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`).join('; ')}`,
  );
}
