import { SvelteMap } from 'svelte/reactivity';
import type { EventPayloads } from '../../../host/protocol/messages.ts';
import { coalesced } from '../coalesced.ts';
import type { Store } from '../store.svelte.ts';
import type { StoredMessage } from './conversations.svelte.ts';

/** Interval between two drawings of a growing answer, milliseconds. Parsing it for every token would take all the time. */
const DRAW_MS = 80;

/** An answer that the host is generating. */
export interface LiveAnswer {
  readonly text: string;
  readonly reasoning: string;
  readonly tokens: number;
  readonly tokensPerSecond: number;
}

/**
 * The answers that the host is generating in conversations, by the ids of their messages; those of conversations that are
 * not stored, by the ids of the conversations.
 */
export class LiveAnswers {
  readonly #drawn = new SvelteMap<string, LiveAnswer>();
  readonly #received = new Map<string, LiveAnswer>();
  readonly #store: Pick<Store, 'all'>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: Pick<Store, 'all'>) {
    this.#store = store;
  }

  /** Returns the answer that the host is generating in a message. */
  get(message: StoredMessage | undefined): LiveAnswer | undefined {
    if (message?.status !== 'streaming') return undefined;
    const { id, conversation_id, content } = message;
    const unstored = this.#drawn.get(conversation_id);
    // Without the part that it continues, which the host does not know as such.
    return this.#drawn.get(id) ?? (unstored && { ...unstored, text: content + unstored.text });
  }

  /** Reads the answers so far. Events that arrive before the host's reply are part of it, later ones continue it. */
  readonly read = coalesced(() => this.#read());

  /** Appends the text of an event. The answer is read if its beginning is not known. */
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
    this.#timer ??= setTimeout(() => this.draw(), DRAW_MS);
  }

  /** Shows what was received. */
  draw(): void {
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
      // Without a host, nothing is being generated.
      this.#received.clear();
    }
    this.draw();
  }
}
