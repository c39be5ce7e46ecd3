import type { PayloadOf, RequestOf } from '../../../host/protocol/messages.ts';
import { t } from '../i18n.ts';
import type { Store } from '../store.svelte.ts';

/** A conversation, as the host lists it. */
export type Conversation = PayloadOf<'LIST_CONVERSATIONS'>['conversations'][number];

/** A message, as the host stores it. */
export type StoredMessage = PayloadOf<'GET_CONVERSATION'>['messages'][number];

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

  /** Reads a conversation with all its messages. Rejects with a `RequestError`. */
  async read(id: string): Promise<{ readonly conversation: Conversation; readonly messages: StoredMessage[] }> {
    const messages: StoredMessage[] = [];
    let cursor: string | undefined;
    for (;;) {
      const page: PayloadOf<'GET_CONVERSATION'> = await this.#store.request('GET_CONVERSATION', {
        id,
        ...(cursor === undefined ? {} : { cursor }),
      });
      messages.push(...page.messages);
      cursor = page.nextCursor;
      if (cursor === undefined) return { conversation: page.conversation, messages };
    }
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
  async deleteMessages(messages: readonly StoredMessage[]): Promise<void> {
    const updated_at = Date.now() / 1000;
    await this.#store.attempt('SYNC_PUSH', {
      messages: messages.map(({ id, conversation_id }) => ({ id, conversation_id, updated_at, deleted: true })),
    });
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
