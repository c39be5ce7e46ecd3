import { describeRejected } from '../hub/token.ts';
import type { Services } from '../services.ts';

/** Returns the field `warning` of a reply if the hub has rejected the access token. */
export async function hubWarning({ hub }: Pick<Services, 'hub'>) {
  const rejected = (await hub.current())?.rejectedToken;
  if (rejected === undefined) return {};
  const { source } = rejected;
  return { warning: { code: 'TOKEN_REJECTED' as const, source, message: describeRejected(rejected) } };
}
