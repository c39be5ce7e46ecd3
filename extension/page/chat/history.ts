/** A message of a conversation. */
export interface ChatMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  /** Unix seconds. */
  readonly createdAt: number;
}

/** A message as GENERATE takes it. */
export interface PromptMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/**
 * Returns the messages to send with the next question: questions with their answers. A question without an answer, or
 * with an empty one, is left out, since many chat templates require both sides to alternate.
 */
export function answeredTurns(messages: readonly ChatMessage[]): PromptMessage[] {
  return messages.flatMap((message, index) => {
    const next = messages[index + 1];
    if (message.role !== 'user' || next?.role !== 'assistant' || next.content.trim() === '') return [];
    return [message, next].map(({ role, content }) => ({ role, content }));
  });
}

/**
 * Returns the messages without the oldest turns, so that about `share` of the characters are left; always without at
 * least one turn, and always with the question at the end. Returns undefined if only the question is left.
 */
export function withoutOldestTurns(messages: readonly PromptMessage[], share: number): PromptMessage[] | undefined {
  if (messages.length < 3) return undefined;
  const lengthOf = (some: readonly PromptMessage[]) => some.reduce((sum, { content }) => sum + content.length, 0);
  const target = lengthOf(messages) * Math.min(1, Math.max(0, share));
  let rest = messages.slice(2);
  while (rest.length > 2 && lengthOf(rest) > target) rest = rest.slice(2);
  return rest;
}

/**
 * Returns stored messages without turns that are being answered or whose answer failed: the page shows those from the
 * running answer, or as a question without an answer.
 */
export function endedTurns<T extends { readonly role: string; readonly status: string }>(messages: readonly T[]): T[] {
  const isOpen = (message: T | undefined) => message?.status === 'streaming' || message?.status === 'failed';
  return messages.filter(
    (message, index) => !isOpen(message) && !(message.role === 'user' && isOpen(messages[index + 1])),
  );
}
