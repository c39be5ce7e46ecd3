import type { CallerId } from '../../web-ai/access.ts';

/** A message of a page of the extension: stop what a caller has running. */
export interface StopCaller {
  readonly kind: 'stop';
  readonly caller: CallerId;
}

/** A message to a page of the extension: the keys of the callers that are getting an answer. */
export interface RunningCallers {
  readonly kind: 'running';
  readonly callers: readonly string[];
}

/** Returns the key of a caller in {@link RunningCallers}. */
export function keyOf({ kind, id }: CallerId): string {
  return `${kind}:${id}`;
}
