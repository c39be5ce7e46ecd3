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
    ...(isLater([a.selected_at, a.selected_id ?? ''], [b.selected_at, b.selected_id ?? ''])
      ? selection(a)
      : selection(b)),
    ...(deleted ? NO_TEXT : {}),
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

/** The settings of a conversation for which none were given. */
export const NO_SETTINGS = {
  pinned: false,
  system_prompt: null,
  model: null,
  settings: null,
  selected_id: null,
  selected_at: 0,
} as const;

/** What a deletion leaves of a conversation. */
export const NO_TEXT = { title: '', topic: null, domain: null, ...NO_SETTINGS } as const;

/** Returns the time of creation. A placeholder for a conversation whose messages arrived first does not know its own. */
function createdAt(a: ConversationRow, b: ConversationRow): number {
  const [isPlaceholderA, isPlaceholderB] = [a.title_updated_at === 0, b.title_updated_at === 0];
  if (isPlaceholderA === isPlaceholderB) return Math.min(a.created_at, b.created_at);
  return isPlaceholderA ? b.created_at : a.created_at;
}

type Version = readonly (string | number)[];

function selection({ selected_id, selected_at }: ConversationRow) {
  return { selected_id, selected_at };
}

function headingOf(row: ConversationRow): Version {
  const { title_updated_at, user_id, title, topic, domain, pinned, system_prompt, model, settings } = row;
  // The user comes first because a deletion keeps the user, but no text.
  const texts = [topic, domain, system_prompt, model, settings].map(ordered);
  return [title_updated_at, user_id, title, ...texts, Number(pinned)];
}

function versionOf({ updated_at, deleted, role, content, parent_id, status, model, details }: MessageRow): Version {
  return [updated_at, Number(deleted), role, content, ...[parent_id, status, model, details].map(ordered)];
}

/** Null is ordered before every text. */
function ordered(value: string | object | null): string {
  return value === null ? '' : `=${typeof value === 'string' ? value : JSON.stringify(value)}`;
}

function isLater(a: Version, b: Version): boolean {
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? '';
    if (value !== other) return value > other;
  }
  return false;
}
