import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { defined } from '../common/defined.ts';
import { HostError } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import type { Logger } from '../common/log.ts';
import { Answers, type GrowingAnswer, type StartedTurn, type TurnOptions, type TurnStart } from './answers.ts';
import type { BranchNode } from './branches.ts';
import { Connection } from './connection.ts';
import { ConversationList, type ListOptions } from './conversation-list.ts';
import { MessageVectors } from './message-vectors.ts';
import { type OpenedDatabase, openDatabase, type Recovery } from './open-database.ts';
import {
  CONVERSATION,
  conversationOf,
  laterThan,
  MESSAGE,
  MESSAGE_ROW,
  messageOf,
  messageRowOf,
  now,
  RowWriter,
} from './rows.ts';
import { type Found, search } from './search.ts';
import { type Exported, exportRows, PageBudget, type Pulled, pull, push } from './sync.ts';
import { Trash } from './trash.ts';
import type {
  Conversation,
  Message,
  MessageDetails,
  MessageStatus,
  PageLimits,
  PushedRows,
  PushResult,
  ShownMessage,
  Slice,
} from './types.ts';

/** Options of a new conversation. */
export interface NewConversation {
  readonly id?: string | undefined;
  readonly user_id?: string | undefined;
  readonly title?: string | undefined;
  readonly topic?: string | undefined;
  readonly domain?: string | undefined;
  readonly created_at?: number | undefined;
  /** Throws if a conversation of this id was deleted, instead of creating another one. */
  readonly unlessDeleted?: boolean | undefined;
}

/** A new message. */
export interface NewMessage {
  readonly id?: string | undefined;
  readonly role: string;
  readonly content: string;
  readonly created_at?: number | undefined;
  readonly details?: MessageDetails | null | undefined;
}

/** Changes to a conversation; absent fields are not changed. */
export interface ConversationChanges {
  readonly title?: string | undefined;
  readonly topic?: string | null | undefined;
  readonly domain?: string | null | undefined;
  readonly pinned?: boolean | undefined;
  readonly system_prompt?: string | null | undefined;
  readonly model?: string | null | undefined;
  readonly settings?: JsonObject | null | undefined;
  /** The message whose branch is to be shown. */
  readonly selected_message?: string | undefined;
}

/** The conversations of this computer's user. Every method is one transaction, so a killed host leaves no partial write. */
export class Conversations {
  readonly #database: DatabaseSync;
  readonly #write: RowWriter;
  readonly #connection: Connection;
  readonly #list: ConversationList;
  readonly #answers: Answers;
  readonly #trash = new Trash();
  /** The outcome of the recovery of a damaged database; reported once, by the first list. */
  #recovery: Recovery | undefined;

  private constructor(file: string, { database, recovery, check }: OpenedDatabase, onDamage: () => void) {
    this.#database = database;
    this.#write = new RowWriter(database);
    this.#connection = new Connection({ file, database, write: this.#write, onDamage });
    this.#list = new ConversationList(database);
    this.#answers = new Answers(database, this.#write);
    this.#recovery = recovery;
    void check?.then((damage) => {
      if (damage !== undefined && database.isOpen) this.#connection.closeDamaged();
    });
  }

  /**
   * @param options.onDamage Called when the database turns out to be damaged: these conversations are closed then, and
   * the next to open them should set `checkFirst`.
   * @param options.checkFirst Checks the whole database before it is used, not while it is.
   * @throws HostError as `openDatabase` does.
   */
  static async open(
    file: string,
    log: Logger,
    { onDamage = () => {}, checkFirst = false }: { onDamage?: () => void; checkFirst?: boolean } = {},
  ): Promise<Conversations> {
    return new Conversations(file, await openDatabase(file, log, { checkFirst }), onDamage);
  }

  /** Returns the outcome of the recovery of a damaged database; undefined from the second call on. */
  takeRecovery(): Recovery | undefined {
    const recovery = this.#recovery;
    this.#recovery = undefined;
    return recovery;
  }

  /**
   * Creates a conversation, or returns the existing one with this id.
   *
   * @throws HostError `CONVERSATION_NOT_FOUND` with `unlessDeleted`.
   */
  create(options: NewConversation): { readonly conversation: Conversation; readonly existed: boolean } {
    return this.#connection.transaction(() => {
      const id = options.id ?? randomUUID();
      const stored = this.#write.find(id);
      if (stored?.deleted === false) return { conversation: this.#require(id), existed: true };
      if (stored !== undefined && options.unlessDeleted) throw notFound(id);
      this.#create(id, options);
      return { conversation: this.#require(id), existed: false };
    });
  }

  /** @throws HostError `CONVERSATION_NOT_FOUND`. */
  get(id: string): Conversation {
    return this.#connection.run(() => this.#require(id));
  }

  /** Returns the id of the model that answers in a conversation; undefined if there is no such conversation or model. */
  modelOf(id: string): string | undefined {
    return this.#connection.run(() => {
      const stored = this.#write.find(id);
      return stored?.deleted === false ? (stored.model ?? undefined) : undefined;
    });
  }

  /**
   * Returns a page of the messages of the branch that a conversation shows, oldest first. A cursor is the number of a
   * message: the page starts after that message or, from the end, ends with it.
   */
  messages(
    id: string,
    { cursor, from = 'start', limits }: { cursor?: string | undefined; from?: 'start' | 'end'; limits: PageLimits },
  ): Slice<ShownMessage> {
    return this.#connection.run(() => {
      const branches = this.#answers.branches(id);
      const branch = branches.shown(this.#write.find(id)?.selected_id ?? null);
      const siblings = branches.siblings(branch);
      const read = this.#database.prepare(`SELECT ${MESSAGE} FROM messages WHERE number = ?`);
      const page = new PageBudget(limits);
      const items: ShownMessage[] = [];
      const total = branch.length;
      const add = (node: BranchNode): boolean => {
        const alternatives = siblings.get(node.id);
        const message = {
          ...messageOf(read.get(node.number) ?? {}),
          parent_id: node.before,
          ...(alternatives === undefined ? {} : { siblings: alternatives }),
        };
        if (!page.add(message)) return false;
        items.push(message);
        return true;
      };
      if (from === 'end') {
        const end = cursor === undefined ? total : branches.after(Number(cursor), branch);
        for (const node of branch.slice(0, end).reverse()) {
          if (!add(node)) return { items: items.reverse(), total, previousCursor: String(node.number) };
        }
        return { items: items.reverse(), total };
      }
      let number = Number(cursor ?? 0);
      for (const node of branch.slice(branches.after(number, branch))) {
        if (!add(node)) return { items, total, nextCursor: String(number) };
        ({ number } = node);
      }
      return { items, total };
    });
  }

  /**
   * Returns a page of the conversations, pinned ones first, then the most recently changed. Later pages follow the
   * order of the first page, so changes between pages neither omit nor repeat a conversation.
   *
   * @throws HostError `INVALID_REQUEST` for a cursor that this host did not return, or that is too old.
   */
  list(options: ListOptions): Slice<Conversation> {
    return this.#connection.run(() => this.#list.page(options));
  }

  /**
   * Returns conversations whose title or topic contains all words, and then those with a message that does. Each
   * appears once, the ones with the newest match first.
   */
  search(query: string, { count }: { count: number }, userId?: string): Promise<Found[]> {
    return search(this.#database, query, { count, userId, run: (work) => this.#connection.run(work) });
  }

  /**
   * Adds messages to the end of a conversation.
   *
   * @throws HostError `CONVERSATION_NOT_FOUND`; `INVALID_REQUEST` if a message has the id of another message.
   */
  addMessages(id: string, messages: readonly NewMessage[]): Message[] {
    return this.#connection.transaction(() => {
      const { incarnation } = this.#write.find(id) ?? {};
      this.#require(id);
      const branches = this.#answers.branches(id);
      const shown = branches.shown(this.#write.find(id)?.selected_id ?? null);
      // The first message follows the end of the branch, and the others follow it in time.
      const end = shown.at(-1)?.id ?? '';
      const follows = branches.newest === end ? null : end;
      let latest = this.#answers.latest(id);
      return messages.map((message, i) => {
        const at = message.created_at ?? Math.max(now(), latest);
        latest = Math.max(latest, at);
        const messageId = message.id ?? randomUUID();
        if (this.#write.hasMessage(messageId)) {
          throw invalidField(`messages.${i}.message_id`, 'an id that no other message has', messageId);
        }
        const { role, content, details = null } = message;
        const row = { id: messageId, conversation_id: id, role, content, details, created_at: at, updated_at: at };
        // The position of a message with a given time follows from that.
        const parent_id = i === 0 && message.created_at === undefined ? follows : null;
        this.#write.message({ ...row, parent_id, incarnation, deleted: false });
        return { ...row, status: 'done', model: null };
      });
    });
  }

  /**
   * Deletes messages of a conversation, whatever their times, and returns their number. Tombstones without text remain;
   * later messages of their branches stay.
   *
   * @throws HostError `CONVERSATION_NOT_FOUND`; `INVALID_REQUEST` for a message that it does not have.
   */
  deleteMessages(id: string, messageIds: readonly string[]): number {
    return this.#connection.transaction(() => {
      const { updated_at } = this.#require(id);
      const branches = this.#answers.branches(id);
      for (const [i, messageId] of messageIds.entries()) {
        if (!branches.has(messageId)) {
          throw invalidField(`message_ids.${i}`, 'the id of a message of the conversation', messageId);
        }
      }
      const deleted = new Set(messageIds);
      for (const messageId of deleted) this.#write.deleteMessage(messageId);
      this.#write.touch(id, laterThan(updated_at));
      return deleted.size;
    });
  }

  /**
   * Changes the title, topic, domain or settings of a conversation, or the branch that it shows.
   *
   * @throws HostError `CONVERSATION_NOT_FOUND`; `INVALID_REQUEST` for a message that it does not have.
   */
  update(id: string, { selected_message: selected, ...changes }: ConversationChanges): Conversation {
    return this.#connection.transaction(() => {
      const stored = this.#write.find(id);
      if (stored === undefined || stored.deleted) throw notFound(id);
      if (selected !== undefined) {
        if (!this.#answers.branches(id).has(selected)) {
          throw invalidField('selected_message', 'the id of a message of the conversation', selected);
        }
        this.#answers.select(id, selected);
      }
      const given = defined(changes);
      if (Object.keys(given).length > 0) {
        const at = laterThan(stored.title_updated_at);
        this.#write.conversation({ ...stored, ...given, title_updated_at: at });
      }
      return this.#require(id);
    });
  }

  /**
   * Stores a question and an empty answer; see `Answers.start`. Creates the conversation if it does not exist.
   *
   * @throws HostError `CONVERSATION_NOT_FOUND` if it does not exist and there is no new message; `INVALID_REQUEST`.
   */
  startTurn(
    id: string,
    start: TurnStart,
    options: TurnOptions & { readonly writer: string },
  ): StartedTurn & { readonly conversation: Conversation; readonly isNew: boolean } {
    return this.#connection.transaction(() => {
      const stored = this.#write.find(id);
      const isNew = stored === undefined || stored.deleted;
      if (isNew) {
        if (start.type !== 'ask') throw notFound(id);
        this.#create(id, { title: options.title });
      } else if (stored.title === '' && options.title !== '') {
        this.#write.conversation({
          ...stored,
          title: options.title,
          title_updated_at: laterThan(stored.title_updated_at),
        });
      }
      const turn = this.#answers.start(id, start, options);
      return { ...turn, conversation: this.#require(id), isNew };
    });
  }

  /** Stores the part of an answer that has been generated. Returns false if it was deleted. */
  saveAnswer(answerId: string, writer: string, answer: GrowingAnswer): boolean {
    return this.#connection.transaction(() => this.#answers.save(answerId, writer, answer));
  }

  /** Stores an answer that is complete or was ended early. Returns false if it was deleted. */
  finishAnswer(answerId: string, writer: string, answer: GrowingAnswer & { readonly status: MessageStatus }): boolean {
    return this.#connection.transaction(() => this.#answers.finish(answerId, writer, answer));
  }

  /** Returns the other hosts whose answers are marked as being generated. */
  otherWriters(writer: string): string[] {
    return this.#connection.run(() => this.#answers.otherWriters(writer));
  }

  /** Marks the answers that a host was generating as stopped. Returns the ids of their conversations. */
  endWriter(writer: string): string[] {
    return this.#connection.transaction(() => this.#answers.endWriter(writer));
  }

  /**
   * Deletes a conversation and its messages, whatever their times. Tombstones without text remain, so that copies learn
   * of the deletion, and so that messages that arrive later are not stored. Returns the deleted incarnation of the id.
   *
   * @throws HostError `CONVERSATION_NOT_FOUND`.
   */
  delete(id: string): number {
    return this.#connection.transaction(() => {
      const stored = this.#write.find(id);
      if (stored === undefined || stored.deleted) throw notFound(id);
      const messages = this.#database
        .prepare(`SELECT ${MESSAGE_ROW} FROM messages WHERE conversation_id = ? AND deleted = 0`)
        .all(id)
        .map(messageRowOf);
      this.#write.conversation({ ...stored, updated_at: laterThan(stored.updated_at), deleted: true });
      this.#trash.add({ conversation: stored, messages });
      return stored.incarnation;
    });
  }

  /**
   * Undoes a deletion: stores the conversation as the next incarnation of its id, so that copies learn of it.
   *
   * @throws HostError `CONVERSATION_NOT_FOUND` unless this host deleted it recently and its id was not used again.
   */
  restore(id: string): Conversation {
    return this.#connection.transaction(() => {
      const deleted = this.#trash.take(id);
      const stored = this.#write.find(id);
      if (deleted === undefined || stored?.deleted !== true) throw notFound(id);
      const incarnation = stored.incarnation + 1;
      this.#write.conversation({ ...deleted.conversation, incarnation });
      for (const message of deleted.messages) this.#write.message({ ...message, incarnation });
      return this.#require(id);
    });
  }

  /** Merges the rows of a client, all or none; see `sync.ts`. */
  push(rows: PushedRows): PushResult {
    return this.#connection.transaction(() => push(this.#write, rows));
  }

  /** Returns what changed; see `sync.ts`. */
  pull(options: { after?: number; since?: number; userId?: string; limits: PageLimits }): Pulled {
    return this.#connection.run(() => pull(this.#database, options));
  }

  /** Returns a page of all rows; see `sync.ts`. */
  export(options: { cursor?: string; userId?: string; limits: PageLimits }): Exported {
    return this.#connection.run(() => exportRows(this.#database, options));
  }

  /** Returns the embeddings of messages that a model made. */
  vectorsOf(model: string): MessageVectors {
    return new MessageVectors(model, this.#database, this.#connection);
  }

  /** Erases the remains of deleted text, and closes the database. */
  close(): void {
    this.#connection.close();
  }

  #require(id: string): Conversation {
    const row = this.#database
      .prepare(`SELECT ${CONVERSATION} FROM conversations WHERE id = ? AND deleted = 0`)
      .get(id);
    if (row === undefined) throw notFound(id);
    return conversationOf(row);
  }

  #create(id: string, options: NewConversation): void {
    const stored = this.#write.find(id);
    const at = options.created_at ?? now();
    this.#write.conversation({
      id,
      user_id: options.user_id ?? 'default',
      title: options.title ?? '',
      topic: options.topic ?? null,
      domain: options.domain ?? null,
      created_at: at,
      updated_at: at,
      incarnation: stored === undefined ? 0 : stored.incarnation + 1,
      deleted: false,
    });
  }
}

function notFound(id: string): HostError {
  return new HostError('CONVERSATION_NOT_FOUND', `Conversation ${id} does not exist.`, {
    details: { conversation_id: id },
  });
}
