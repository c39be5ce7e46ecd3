import type { PayloadOf } from '../../../host/protocol/messages.ts';
import { type ErrorView, viewError } from '../error-view.ts';
import type { Store } from '../store.svelte.ts';

/** A conversation that was found, with the matching text. */
export type FoundConversation = PayloadOf<'SEARCH_CONVERSATIONS'>['conversations'][number];

/** Results shown. */
const SHOWN = 50;

/** A search in all messages: by words, or by meaning if a loaded model can make embeddings. */
export class ConversationSearch {
  /** Undefined while there is no search. */
  found = $state.raw<readonly FoundConversation[]>();
  error = $state.raw<ErrorView>();
  readonly #store: Store;
  /** Counts searches, to ignore the late result of an earlier one. */
  #number = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether a model on this computer can make embeddings. Messages are not sent to a remote one. */
  get canSearchByMeaning(): boolean {
    return this.#store.snapshot.loaded.some(
      ({ capabilities, config }) => capabilities?.includes('embed') && config.model_type !== 'remote',
    );
  }

  /** Searches for `query`; an empty one ends the search. */
  async run(query: string, by: 'words' | 'meaning'): Promise<void> {
    this.#number += 1;
    const number = this.#number;
    this.error = undefined;
    if (query.trim() === '') {
      this.found = undefined;
      return;
    }
    try {
      // Searching by meaning, a request embeds a limited number of messages; the next one continues with older ones.
      for (let [before, waiting] = [Number.POSITIVE_INFINITY, 1]; waiting > 0 && waiting !== before; ) {
        const payload = await this.#store.request('SEARCH_CONVERSATIONS', { query: query.trim(), by, limit: SHOWN });
        if (number !== this.#number) return;
        this.found = payload.conversations;
        [before, waiting] = [waiting, payload.waiting ?? 0];
      }
    } catch (error) {
      if (number !== this.#number) return;
      this.found = [];
      this.error = viewError(error);
    }
  }

  /** Removes a deleted conversation from the results. */
  remove(id: string): void {
    this.found = this.found?.filter((conversation) => conversation.id !== id);
  }
}
