import type { PayloadOf } from '../../../host/protocol/messages.ts';
import { messageOf, type Store } from '../store.svelte.ts';

/** A conversation that was found, with the words it was found by. */
export type FoundConversation = PayloadOf<'SEARCH_CONVERSATIONS'>['conversations'][number];

/** Conversations shown at most. */
const SHOWN = 50;

/** A search through everything that was ever said, by words, or by meaning where a model in memory can make vectors. */
export class ConversationSearch {
  /** Undefined while nothing is looked for. */
  found = $state.raw<readonly FoundConversation[]>();
  problem = $state('');
  readonly #store: Store;
  /** Counts searches: what an earlier one finds late is not shown. */
  #turn = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether there is a model on this machine that makes vectors. What was said is sent to none elsewhere. */
  get canMean(): boolean {
    return this.#store.known.loaded.some(
      ({ capabilities, config }) => capabilities?.includes('embed') && config.model_type !== 'remote',
    );
  }

  /** Looks for `query`; an empty one ends the search. */
  async run(query: string, by: 'words' | 'meaning'): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    this.problem = '';
    if (query.trim() === '') {
      this.found = undefined;
      return;
    }
    try {
      // By meaning, a request makes a bounded number of vectors: the same again goes on with the older messages.
      for (let [before, waiting] = [Number.POSITIVE_INFINITY, 1]; waiting > 0 && waiting !== before; ) {
        const payload = await this.#store.request('SEARCH_CONVERSATIONS', { query: query.trim(), by, limit: SHOWN });
        if (turn !== this.#turn) return;
        this.found = payload.conversations;
        [before, waiting] = [waiting, payload.waiting ?? 0];
      }
    } catch (error) {
      if (turn !== this.#turn) return;
      this.found = [];
      this.problem = messageOf(error);
    }
  }

  /** Takes a conversation that was deleted off what was found. */
  forget(id: string): void {
    this.found = this.found?.filter((conversation) => conversation.id !== id);
  }
}
