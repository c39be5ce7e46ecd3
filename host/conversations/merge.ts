import type { ConversationRow, MessageRow } from './types.ts';

/**
 * Merging of two versions of a row. Both functions are commutative, associative and idempotent, so copies that exchange
 * their rows become equal in whatever order they do so, and whatever their clocks say. Equal times are ordered by the
 * contents.
 */

/** Merges two versions of a conversation. A later incarnation replaces an earlier one, and a deletion is final. */
export function mergeConversations(a: ConversationRow, b: ConversationRow): ConversationRow {
  if (a.incarnation !== b.incarnation) return a.incarnation > b.incarnation ? a : b;
  const deleted = a.deleted || b.deleted;
  const heading = isLater(headingOf(a), headingOf(b)) ? a : b;
  return {
    ...heading,
    ...(deleted ? { title: '', topic: null, domain: null } : {}),
    created_at: createdAt(a, b),
    updated_at: Math.max(a.updated_at, b.updated_at),
    deleted,
  };
}

/** Merges two versions of a message of one conversation: the later change wins. */
export function mergeMessages(a: MessageRow, b: MessageRow): MessageRow {
  if (a.incarnation !== b.incarnation) return a.incarnation > b.incarnation ? a : b;
  return {
    ...(isLater(versionOf(a), versionOf(b)) ? a : b),
    created_at: Math.min(a.created_at, b.created_at),
    position: Math.min(a.position, b.position),
  };
}

/** A placeholder for a conversation whose messages arrived first knows no time of creation of its own. */
function createdAt(a: ConversationRow, b: ConversationRow): number {
  const [isPlaceholderA, isPlaceholderB] = [a.title_updated_at === 0, b.title_updated_at === 0];
  if (isPlaceholderA === isPlaceholderB) return Math.min(a.created_at, b.created_at);
  return isPlaceholderA ? b.created_at : a.created_at;
}

type Version = readonly (string | number)[];

function headingOf({ title_updated_at, user_id, title, topic, domain }: ConversationRow): Version {
  // Null is ordered before every text. The user comes first because a deletion keeps the user, but no text.
  return [title_updated_at, user_id, title, ...[topic, domain].map((text) => (text === null ? '' : `=${text}`))];
}

function versionOf({ updated_at, deleted, role, content }: MessageRow): Version {
  return [updated_at, Number(deleted), role, content];
}

function isLater(a: Version, b: Version): boolean {
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? '';
    if (value !== other) return value > other;
  }
  return false;
}
