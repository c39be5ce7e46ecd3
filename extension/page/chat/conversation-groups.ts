import type { Conversation } from './conversations.svelte.ts';

/** A part of the list of conversations. */
export interface ConversationGroup<T> {
  readonly name: 'pinned' | 'today' | 'yesterday' | 'earlier';
  readonly conversations: readonly T[];
}

/**
 * Groups conversations: pinned ones, then the others by the day of their last change.
 *
 * @param now Unix time, milliseconds. Days are those of the local time zone.
 */
export function groupConversations<T extends Pick<Conversation, 'pinned' | 'updated_at'>>(
  conversations: readonly T[],
  now: number,
): ConversationGroup<T>[] {
  const today = new Date(now).setHours(0, 0, 0, 0);
  const yesterday = new Date(today).setDate(new Date(today).getDate() - 1);
  const nameOf = ({ pinned, updated_at }: T): ConversationGroup<T>['name'] => {
    const time = updated_at * 1000;
    if (pinned) return 'pinned';
    return time >= today ? 'today' : time >= yesterday ? 'yesterday' : 'earlier';
  };
  return (['pinned', 'today', 'yesterday', 'earlier'] as const)
    .map((name) => ({ name, conversations: conversations.filter((conversation) => nameOf(conversation) === name) }))
    .filter((group) => group.conversations.length > 0);
}
