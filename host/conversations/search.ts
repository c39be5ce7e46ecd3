import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { isHostError } from '../common/errors.ts';
import { createYielder } from '../common/yield-to-event-loop.ts';
import { ftsQuery } from './fts-query.ts';
import { CONVERSATION, conversationOf, JOINED_CONVERSATION } from './rows.ts';
import type { Conversation } from './types.ts';

/** Length of a snippet, words. */
const SNIPPET_WORDS = 12;

/** Most matches of a word search that are read: the conversations of more common words have been found by then. */
const MAX_MATCHES = 20_000;

/** Number of messages that are searched for a text at a time. */
const SLICE_ROWS = 5_000;

/** A conversation that a search found. */
export interface Found extends Conversation {
  /** The best matching message; null if the title or topic matches. */
  readonly message_id: string | null;
  readonly snippet: string;
}

/** Options of a search. */
interface SearchOptions {
  readonly count: number;
  readonly userId: string | undefined;
  /** Runs `work` and converts its errors. */
  run<R>(work: () => R): R;
}

/** Finds conversations by words; see `Conversations.search`. */
export async function search(database: DatabaseSync, query: string, options: SearchOptions): Promise<Found[]> {
  const words = ftsQuery(query);
  if (words !== undefined) {
    try {
      return options.run(() => searchWords(database, words, options));
    } catch (error) {
      // The index does not contain a word that SQLite splits differently.
      if (!isPhraseError(error)) throw error;
    }
  }
  return searchText(database, query, options);
}

function searchWords(database: DatabaseSync, words: string, { count, userId }: SearchOptions): Found[] {
  const [user, ...values] = userId === undefined ? [''] : ['AND c.user_id = ?', userId];
  // CROSS JOIN makes SQLite read in the order of the index, newest first: a common word has so many matches that
  // sorting them takes seconds.
  const titles = database
    .prepare(`SELECT c.rowid AS number, c.id FROM title_words CROSS JOIN conversations c ON c.rowid = title_words.rowid
      WHERE title_words MATCH ? AND c.deleted = 0 ${user} ORDER BY title_words.rowid DESC LIMIT ?`)
    .iterate(words, ...values, count);
  const titleSnippet = database.prepare(
    `SELECT snippet(title_words, -1, '', '', '…', ${SNIPPET_WORDS}) AS snippet FROM title_words
      WHERE title_words MATCH ? AND rowid = ?`,
  );
  const messageSnippet = database.prepare(
    `SELECT snippet(message_words, 0, '', '', '…', ${SNIPPET_WORDS}) AS snippet FROM message_words
      WHERE message_words MATCH ? AND rowid = ?`,
  );
  const messages = database
    .prepare(`SELECT m.number, m.conversation_id AS id, m.id AS message_id FROM message_words
        CROSS JOIN messages m ON m.number = message_words.rowid CROSS JOIN conversations c ON c.id = m.conversation_id
      WHERE message_words MATCH ? AND m.deleted = 0 AND c.deleted = 0 ${user}
      ORDER BY message_words.rowid DESC LIMIT ${MAX_MATCHES}`)
    .iterate(words, ...values);
  const conversation = database.prepare(`SELECT ${CONVERSATION} FROM conversations WHERE id = ?`);
  const found = new Map<string, Found>();
  const add = (id: string, messageId: string | null, snippet: unknown) =>
    found.set(id, { ...conversationOf(conversation.get(id) ?? {}), message_id: messageId, snippet: String(snippet) });
  for (const { id, number = null } of titles) add(String(id), null, titleSnippet.get(words, number)?.snippet);
  if (found.size === count) return [...found.values()];
  for (const { id, number = null, message_id } of messages) {
    if (found.has(String(id))) continue;
    add(String(id), String(message_id), messageSnippet.get(words, number)?.snippet);
    if (found.size === count) break;
  }
  return [...found.values()];
}

/** Searches for the text itself, in slices between which other requests run. */
async function searchText(database: DatabaseSync, text: string, options: SearchOptions): Promise<Found[]> {
  const { count, userId, run } = options;
  const [user, ...values] = userId === undefined ? [''] : ['AND c.user_id = ?', userId];
  const found = new Map<string, Found>();
  const add = (row: Record<string, SQLOutputValue>) => {
    const id = String(row.id);
    if (found.has(id) || found.size === count) return;
    const messageId = row.message_id === null ? null : String(row.message_id);
    found.set(id, { ...conversationOf(row), message_id: messageId, snippet: String(row.snippet) });
  };
  // GLOB takes half the time of instr, which counts characters.
  const pattern = `*${text.replace(/[[*?]/g, '[$&]')}*`;
  run(() => {
    const titles = database
      .prepare(`SELECT ${JOINED_CONVERSATION}, NULL AS message_id, c.title AS snippet FROM conversations c
        WHERE c.title GLOB ? AND c.deleted = 0 ${user} ORDER BY c.updated_at DESC LIMIT ?`)
      .all(pattern, ...values, count);
    for (const row of titles) add(row);
  });
  const slice = database.prepare(`SELECT ${JOINED_CONVERSATION}, m.id AS message_id,
      substr(m.content, max(1, instr(m.content, ?) - 40), 120) AS snippet
    FROM messages m CROSS JOIN conversations c ON c.id = m.conversation_id
    WHERE m.number <= ? AND m.number > ? AND m.content GLOB ? AND m.deleted = 0 AND c.deleted = 0 ${user}
    ORDER BY m.number DESC`);
  let end = run(() => Number(database.prepare('SELECT max(number) AS number FROM messages').get()?.number));
  const pause = createYielder();
  for (; end > 0 && found.size < count; end -= SLICE_ROWS) {
    run(() => {
      for (const row of slice.all(text, end, end - SLICE_ROWS, pattern, ...values)) add(row);
    });
    await pause();
  }
  return [...found.values()];
}

/** Returns whether the index cannot search for a word because SQLite splits it into several. */
function isPhraseError(error: unknown): boolean {
  return isHostError(error) && error.cause instanceof Error && /phrase queries/.test(error.cause.message);
}
