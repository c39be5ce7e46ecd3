import type { PayloadOf, RequestOf } from '../../../host/protocol/messages.ts';
import { t } from '../i18n.ts';
import type { Store } from '../store.svelte.ts';

/** A conversation, as the host lists it. */
export type Conversation = PayloadOf<'LIST_CONVERSATIONS'>['conversations'][number];

/** A message, as the host stores it. */
export type StoredMessage = PayloadOf<'GET_CONVERSATION'>['messages'][number];

/** A conversation and messages at its end. */
export interface ReadConversation {
  readonly conversation: Conversation;
  readonly messages: readonly StoredMessage[];
  /** The number of all its messages. */
  readonly count: number;
  /** The cursor before the first of these messages; undefined if there are no earlier ones. */
  readonly start: string | undefined;
}

/** Settings of a conversation that the chat changes. */
export type ConversationSettings = Pick<Partial<RequestOf<'UPDATE_CONVERSATION'>>, 'system_prompt' | 'settings'>;

/** Conversations in the list. Older ones are found by searching. */
const LISTED = 100;

/** The conversations that the host stores. */
export class Conversations {
  list = $state.raw<readonly Conversation[]>([]);
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async refresh(): Promise<void> {
    const payload = await this.#store.attempt('LIST_CONVERSATIONS', { limit: LISTED });
    if (payload !== undefined) this.list = payload.conversations;
  }

  /** Reads a conversation with all its messages, or with those after a cursor. Rejects with a `RequestError`. */
  async read(id: string, after?: string): Promise<ReadConversation> {
    const messages: StoredMessage[] = [];
    let cursor = after;
    for (;;) {
      const page = await this.#page(id, { cursor });
      messages.push(...page.messages);
      cursor = page.nextCursor;
      if (cursor === undefined) {
        return { conversation: page.conversation, messages, count: page.message_count, start: after };
      }
    }
  }

  /** Reads the last messages of a conversation, or the last ones before a cursor. Rejects with a `RequestError`. */
  async readEnd(
    id: string,
    { limit, before }: { limit: number; before?: string | undefined },
  ): Promise<ReadConversation> {
    const page = await this.#page(id, { from: 'end', limit, cursor: before });
    return {
      conversation: page.conversation,
      messages: page.messages,
      count: page.message_count,
      start: page.previousCursor,
    };
  }

  #page(id: string, fields: Partial<RequestOf<'GET_CONVERSATION'>>): Promise<PayloadOf<'GET_CONVERSATION'>> {
    return this.#store.request('GET_CONVERSATION', { id, ...fields });
  }

  /** Creates a conversation that has settings. Rejects with a `RequestError`. */
  async create(id: string, settings: ConversationSettings): Promise<void> {
    await this.#store.request('CREATE_CONVERSATION', { id });
    await this.#store.request('UPDATE_CONVERSATION', { id, ...settings });
  }

  /** Changes the title or the settings of a conversation, or the branch that it shows. */
  async update(id: string, changes: Omit<Partial<RequestOf<'UPDATE_CONVERSATION'>>, 'id'>): Promise<void> {
    await this.#store.attempt('UPDATE_CONVERSATION', { id, ...changes });
  }

  /** Deletes messages of a conversation. */
  async deleteMessages(id: string, messages: readonly StoredMessage[]): Promise<void> {
    await this.#store.attempt('DELETE_MESSAGES', { id, message_ids: messages.map((message) => message.id) });
  }

  /** Deletes a conversation. A notice offers to undo that. */
  async delete(id: string): Promise<void> {
    try {
      await this.#store.request('DELETE_CONVERSATION', { id });
      this.#store.toasts.show(t('conversationDeleted'), {
        label: t('undo'),
        run: () => void this.#store.attempt('RESTORE_CONVERSATION', { id }),
      });
    } catch (error) {
      this.#store.showError(error);
    }
  }
}
