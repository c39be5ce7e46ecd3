import { type Message, TabAgentError } from '../../web-ai/client.ts';

/** Messages that have been counted. */
export type CountedMessage = Message & { readonly tokens: number };

/** The messages and tools that must fit. */
export interface Room {
  readonly messages: readonly CountedMessage[];
  readonly pinned: number;
  readonly fresh: number;
  readonly toolTokens: number;
  readonly contextWindow: number;
}

/**
 * Returns how many messages after the pinned ones must be left out, oldest first, each with its answer.
 *
 * @throws TabAgentError `QuotaExceededError` if what must stay does not fit.
 */
export function evictedFrom({ messages, pinned, fresh, toolTokens, contextWindow }: Room): number {
  const sum = (part: readonly CountedMessage[]) => part.reduce((total, { tokens }) => total + tokens, 0);
  const firstFresh = Math.max(pinned, messages.length - fresh);
  const fixed = toolTokens + sum(messages.slice(0, pinned)) + sum(messages.slice(firstFresh));
  if (fixed > contextWindow) {
    throw new TabAgentError(
      'QuotaExceededError',
      'The input is too large for the context window.',
      fixed,
      contextWindow,
    );
  }
  const old = messages.slice(pinned, firstFresh);
  let evicted = 0;
  while (evicted < old.length && fixed + sum(old.slice(evicted)) > contextWindow) {
    evicted += 1;
    // An answer without its question, or a result without its call, is useless.
    while (evicted < old.length && old[evicted]?.role !== 'user') evicted += 1;
  }
  return evicted;
}
