import { randomUUID } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { invalidField } from '../common/host-errors.ts';
import type { ChatMessage } from '../models/generation.ts';
import { isSystemRole } from '../models/turns.ts';
import { Branches, type BranchNode } from './branches.ts';
import { promptMessages } from './prompt-messages.ts';
import { jsonText, laterThan, MESSAGE, messageOf, now, type RowWriter } from './rows.ts';
import type { Message, MessageDetails, MessageStatus } from './types.ts';

/** What a message takes at least of a context: a token, of at most 16 characters. */
const LEAST_CHARACTERS = 16;

/** Longest answer that can be continued, characters: the complete answer must fit in a reply of 1 MiB. */
const MAX_CONTINUED_CHARACTERS = 160 * 1024;

/** What to generate: an answer to a new message, another answer to an earlier one, or more of the last answer. */
export type TurnStart =
  | {
      readonly type: 'ask';
      readonly role: string;
      readonly content: string;
      readonly details: MessageDetails | null;
      /** The message that it follows; null if it starts the conversation, undefined for the end of the shown branch. */
      readonly parent: string | null | undefined;
    }
  | { readonly type: 'regenerate'; readonly message: string }
  | { readonly type: 'continue' };

/** A stored turn, and the messages from which its answer is generated. */
export interface StartedTurn {
  /** The message that is answered; null if a continued answer is the first message of its conversation. */
  readonly questionId: string | null;
  readonly answerId: string;
  /** The branch up to the question, or up to the answer that is continued, as the model gets it. */
  readonly messages: readonly ChatMessage[];
  /** The earliest messages of the branch, which were not read because they are far too long for the context. */
  readonly omitted: { readonly messages: number; readonly characters: number };
  /** The text of the answer that is continued; undefined for a new one. */
  readonly continued: { readonly content: string; readonly reasoning: string } | undefined;
}

/** Options for a turn. */
export interface TurnOptions {
  /** The title of the conversation if it is created. */
  readonly title: string;
  /** The id of the model that answers. */
  readonly model: string;
  /** Characters of earlier messages that are read; at least the last turn is. */
  readonly maxCharacters: number;
}

/** The part of an answer that has been generated. */
export interface GrowingAnswer {
  readonly content: string;
  readonly details: MessageDetails | null;
}

/** Stores answers while they are generated. All methods run in the caller's transaction. */
export class Answers {
  readonly #database: DatabaseSync;
  readonly #write: RowWriter;
  #select: StatementSync | undefined;
  constructor(database: DatabaseSync, write: RowWriter) {
    this.#database = database;
    this.#write = write;
  }

  /**
   * Stores a question and an empty answer, and returns what the answer is generated from.
   *
   * @param options.writer The host that generates it.
   * @throws HostError `INVALID_REQUEST` naming a field that names no message of the conversation.
   */
  start(id: string, start: TurnStart, options: Omit<TurnOptions, 'title'> & { readonly writer: string }): StartedTurn {
    const { writer, model, maxCharacters } = options;
    const branches = this.branches(id);
    const { selected_id = null, incarnation } = this.#write.find(id) ?? {};
    const shown = branches.shown(selected_id);
    const add = (
      message: { role: string; content: string; details: MessageDetails | null },
      parent: string | null,
      generatedBy?: string,
    ) => {
      const messageId = randomUUID();
      const at = Math.max(now(), this.latest(id));
      this.#write.message(
        {
          id: messageId,
          conversation_id: id,
          ...message,
          created_at: at,
          updated_at: at,
          status: generatedBy === undefined ? 'done' : 'streaming',
          model: generatedBy === undefined ? null : model,
          parent_id: parent ?? '',
          incarnation,
          deleted: false,
        },
        generatedBy,
      );
      this.select(id, messageId);
      return messageId;
    };
    const answer = (branch: readonly BranchNode[], question: string, added: readonly Message[] = []): StartedTurn => {
      const answerId = add({ role: 'assistant', content: '', details: null }, question, writer);
      return { questionId: question, answerId, continued: undefined, ...this.#prompt(branch, added, maxCharacters) };
    };
    if (start.type === 'continue') return this.#continue(shown, writer, maxCharacters);
    if (start.type === 'regenerate') {
      if (!branches.has(start.message))
        throw invalidField('regenerate', 'the id of a message of the conversation', start.message);
      const branch = branches.upTo(start.message);
      const question = branch.at(-1)?.role === 'assistant' ? branch.slice(0, -1) : branch;
      const last = question.at(-1);
      if (last === undefined) throw invalidField('regenerate', 'the id of an answer to a message', start.message);
      return answer(question, last.id);
    }
    const { parent, role, content, details } = start;
    if (typeof parent === 'string' && !branches.has(parent)) {
      throw invalidField('parent_id', 'the id of a message of the conversation, or null', parent);
    }
    const before = parent === null ? [] : parent === undefined ? shown : branches.upTo(parent);
    const question = add({ role, content, details }, before.at(-1)?.id ?? null);
    return answer(before, question, [this.#read(question)]);
  }

  /** Stores the part of an answer that has been generated. Returns false if it was deleted. */
  save(answerId: string, writer: string, { content, details }: GrowingAnswer): boolean {
    const { changes } = this.#database
      .prepare(
        'UPDATE messages SET content = ?, details = ?, updated_at = max(updated_at, ?) WHERE id = ? AND writer = ?',
      )
      .run(content, jsonText(details), now(), answerId, writer);
    return changes > 0;
  }

  /** Stores an answer that is complete or was ended early. Returns false if it was deleted. */
  finish(answerId: string, writer: string, answer: GrowingAnswer & { readonly status: MessageStatus }): boolean {
    const stored = this.save(answerId, writer, answer);
    if (stored) this.#end(answerId, answer.status);
    return stored;
  }

  /** Marks the answers that a host was generating as stopped. Returns the ids of their conversations. */
  endWriter(writer: string): string[] {
    const rows = this.#database.prepare('SELECT id, conversation_id FROM messages WHERE writer = ?').all(writer);
    for (const { id } of rows) this.#end(String(id), 'stopped');
    return [...new Set(rows.map(({ conversation_id }) => String(conversation_id)))];
  }

  /** Returns the hosts other than `writer` whose answers are marked as being generated. */
  otherWriters(writer: string): string[] {
    return this.#database
      .prepare('SELECT DISTINCT writer FROM messages WHERE writer IS NOT NULL AND writer <> ?')
      .all(writer)
      .map((row) => String(row.writer));
  }

  /** Returns the messages of a conversation as a tree. */
  branches(id: string): Branches {
    const rows = this.#database
      .prepare(`SELECT number, id, parent_id, role, deleted FROM messages WHERE conversation_id = ?
        ORDER BY created_at, position, id`)
      .all(id);
    return new Branches(
      rows.map((row) => ({
        number: Number(row.number),
        id: String(row.id),
        parent: row.parent_id === null ? null : String(row.parent_id),
        role: String(row.role),
        isDeleted: row.deleted === 1,
      })),
    );
  }

  /** Shows the branch of a message. */
  select(id: string, messageId: string): void {
    const { selected_at = 0 } = this.#write.find(id) ?? {};
    this.#write.select(id, messageId, laterThan(selected_at));
  }

  /** Returns when the newest message of a conversation was created; 0 if it has none. */
  latest(id: string): number {
    return Number(
      this.#database.prepare('SELECT max(created_at) AS latest FROM messages WHERE conversation_id = ?').get(id)
        ?.latest ?? 0,
    );
  }

  #continue(shown: readonly BranchNode[], writer: string, maxCharacters: number): StartedTurn {
    const last = shown.at(-1);
    const message = last === undefined ? undefined : this.#read(last.id);
    if (message?.role !== 'assistant' || message.status === 'streaming') {
      throw invalidField('continue', 'used in a conversation that ends with an answer', true);
    }
    const { content, details, id: answerId } = message;
    const reasoning = details?.reasoning_content ?? '';
    if (content.length + reasoning.length > MAX_CONTINUED_CHARACTERS) {
      throw invalidField('continue', `used for an answer of at most ${MAX_CONTINUED_CHARACTERS} characters`, true);
    }
    this.#database
      .prepare("UPDATE messages SET status = 'streaming', writer = ?, change = ? WHERE id = ?")
      .run(writer, this.#write.nextChange(), answerId);
    const before = shown.slice(0, -1);
    const prompt = this.#prompt(before, [], maxCharacters);
    const questionId = before.at(-1)?.id ?? null;
    if (content === '' && reasoning === '') return { questionId, answerId, continued: undefined, ...prompt };
    const started: ChatMessage = {
      role: 'assistant',
      content,
      ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    };
    return {
      questionId,
      answerId,
      continued: { content, reasoning },
      ...prompt,
      messages: [...prompt.messages, started],
    };
  }

  /** Reads the end of a branch, and its system messages, as a prompt. */
  #prompt(branch: readonly BranchNode[], added: readonly Message[], maxCharacters: number) {
    const read: Message[] = [];
    let characters = 0;
    let from = branch.length;
    for (; from > 0; from -= 1) {
      const node = branch[from - 1];
      if (node === undefined) break;
      const hasTurn = added.length > 0 || read.some(({ role }) => role === 'user');
      if (characters > maxCharacters && hasTurn) break;
      const message = this.#read(node.id);
      characters += Math.max(LEAST_CHARACTERS, message.content.length);
      read.push(message);
    }
    read.reverse();
    // The first turn may be incomplete.
    if (from > 0) {
      const first = read.findIndex(({ role }) => role === 'user');
      const cut = first === -1 ? read.length : first;
      from += cut;
      read.splice(0, cut);
    }
    const omitted = branch.slice(0, from).filter(({ role }) => !isSystemRole(role));
    const system = branch.slice(0, from).filter(({ role }) => isSystemRole(role));
    return {
      messages: promptMessages([...system.map(({ id }) => this.#read(id)), ...read, ...added]),
      omitted: { messages: omitted.length, characters: this.#characters(omitted) },
    };
  }

  #characters(nodes: readonly BranchNode[]): number {
    const row = this.#database
      .prepare('SELECT sum(length(content)) AS length FROM messages WHERE number IN (SELECT value FROM json_each(?))')
      .get(JSON.stringify(nodes.map(({ number }) => number)));
    return Number(row?.length ?? 0);
  }

  #read(id: string): Message {
    this.#select ??= this.#database.prepare(`SELECT ${MESSAGE} FROM messages WHERE id = ?`);
    const row = this.#select.get(id);
    if (row === undefined) throw new TypeError(`There is no message ${id}`);
    return messageOf(row);
  }

  #end(answerId: string, status: MessageStatus): void {
    const row = this.#database
      .prepare(
        `UPDATE messages SET status = ?, writer = NULL, updated_at = max(updated_at, ?), change = ? WHERE id = ?
          RETURNING conversation_id, updated_at`,
      )
      .get(status, now(), this.#write.nextChange(), answerId);
    if (row !== undefined) this.#write.touch(String(row.conversation_id), Number(row.updated_at));
  }
}
