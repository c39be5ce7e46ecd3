import { SvelteMap } from 'svelte/reactivity';
import type { EventPayloads } from '../../../host/protocol/messages.ts';
import { coalesced } from '../coalesced.ts';
import type { Store } from '../store.svelte.ts';
import type { StoredMessage } from './conversations.svelte.ts';

/** Interval between two updates of a growing answer, milliseconds. The page cannot parse it for every token. */
const DRAW_MS = 80;

/** An answer that the host is generating. */
export interface LiveAnswer {
  readonly text: string;
  readonly reasoning: string;
  readonly tokens: number;
  readonly tokensPerSecond: number;
}

/**
 * The answers that the host is generating in conversations. The key is the id of the message or, in a conversation that is
 * not stored, the id of the conversation.
 */
export class LiveAnswers {
  readonly #drawn = new SvelteMap<string, LiveAnswer>();
  readonly #received = new Map<string, LiveAnswer>();
  readonly #store: Pick<Store, 'all'>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: Pick<Store, 'all'>) {
    this.#store = store;
  }

  /** Returns the answer that the host is generating in a message; undefined if it generates none, or has sent no text. */
  get(message: StoredMessage | undefined): LiveAnswer | undefined {
    if (message?.status !== 'streaming') return undefined;
    const { id, conversation_id, content, reasoning_content = '' } = message;
    const stored = this.#drawn.get(id);
    const unstored = this.#drawn.get(conversation_id);
    if (stored !== undefined || unstored === undefined) return stored;
    // Only of stored answers does the host report the part that is continued.
    return { ...unstored, text: content + unstored.text, reasoning: reasoning_content + unstored.reasoning };
  }

  /** Reads the answers from the host. Its reply contains the text of all events before it; later events are appended. */
  readonly read = coalesced(() => this.#read());

  /** Appends the text of an event. If the beginning of the answer is missing, reads the answer instead. */
  append(update: EventPayloads['generationUpdate']): void {
    const { chat_id, message_id: id = chat_id ?? '', token, reasoning = '', numTokens, tps } = update;
    const before = this.#received.get(id);
    if (before === undefined) {
      void this.read();
      return;
    }
    this.#received.set(id, {
      text: before.text + token,
      reasoning: before.reasoning + reasoning,
      tokens: numTokens,
      tokensPerSecond: tps,
    });
    this.#timer ??= setTimeout(() => this.#draw(), DRAW_MS);
  }

  /** Shows what was received. */
  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const id of this.#drawn.keys()) if (!this.#received.has(id)) this.#drawn.delete(id);
    for (const [id, answer] of this.#received) this.#drawn.set(id, answer);
  }

  async #read(): Promise<void> {
    try {
      const generations = await this.#store.all('GET_ACTIVE_GENERATIONS', (payload) => payload.generations);
      this.#received.clear();
      for (const { message_id, conversation_id, text, reasoning, numTokens: tokens, tps } of generations) {
        const id = message_id ?? conversation_id;
        if (id !== null) this.#received.set(id, { text, reasoning, tokens, tokensPerSecond: tps });
      }
    } catch {
      // Without a host, there are no generations.
      this.#received.clear();
    }
    this.#draw();
  }
}
