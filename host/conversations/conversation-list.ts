import type { DatabaseSync } from 'node:sqlite';
import { invalidField } from '../common/host-errors.ts';
import { CONVERSATION, conversationOf } from './rows.ts';
import { PageBudget } from './sync.ts';
import type { Conversation, PageLimits, Slice } from './types.ts';

/** Lists whose pages are being read at the same time. The oldest is forgotten when there are more. */
const MAX_LISTINGS = 32;

/** Options for a page of the list of conversations. */
export interface ListOptions {
  readonly cursor?: string | undefined;
  readonly offset?: number | undefined;
  readonly userId?: string | undefined;
  readonly limits: PageLimits;
}

/** Reads the list of conversations in pages. Later pages follow the order of the first one. */
export class ConversationList {
  readonly #database: DatabaseSync;
  /** The rows of each list when its first page was read, by the number in its cursors. */
  readonly #listings = new Map<number, readonly number[]>();
  #nextListing = 1;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Returns a page; see `Conversations.list`. */
  page({ cursor, offset = 0, userId, limits }: ListOptions): Slice<Conversation> {
    const [where, ...values] = userId === undefined ? ['deleted = 0'] : ['deleted = 0 AND user_id = ?', userId];
    const [number = this.#nextListing, start = offset] = cursor?.split('.').map(Number) ?? [];
    const rowIds =
      cursor === undefined
        ? this.#database
            .prepare(`SELECT rowid FROM conversations WHERE ${where} ORDER BY pinned DESC, updated_at DESC, id`)
            .all(...values)
            .map(({ rowid }) => Number(rowid))
        : this.#listings.get(number);
    if (rowIds === undefined) throw invalidField('cursor', 'a cursor from a recent reply of this host', cursor);
    const read = this.#database.prepare(`SELECT ${CONVERSATION} FROM conversations WHERE rowid = ? AND ${where}`);
    const count = this.#database.prepare(`SELECT count(*) AS total FROM conversations WHERE ${where}`);
    const total = Number(count.get(...values)?.total);
    const page = new PageBudget(limits);
    const items: Conversation[] = [];
    for (let at = start; at < rowIds.length; at += 1) {
      const row = read.get(rowIds[at] ?? 0, ...values);
      if (row === undefined) continue;
      const conversation = conversationOf(row);
      if (page.add(conversation)) {
        items.push(conversation);
        continue;
      }
      if (cursor === undefined) this.#remember(rowIds);
      return { items, total, nextCursor: `${number}.${at}` };
    }
    return { items, total };
  }

  #remember(rowIds: readonly number[]): void {
    this.#listings.set(this.#nextListing, rowIds);
    this.#listings.delete(this.#nextListing - MAX_LISTINGS);
    this.#nextListing += 1;
  }
}
