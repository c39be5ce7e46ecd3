import type { ConversationSettings } from './conversations.svelte.ts';

/** The part of `browser.storage.local` that is used here. */
export interface ChatStorageArea {
  get(key: string): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
  remove(key: string): Promise<void>;
}

const NEW_SETTINGS = 'chat.newSettings';

/** What the chat stores in the browser: nothing that the host stores. */
export class ChatStorage {
  readonly #area: ChatStorageArea;

  constructor(area: ChatStorageArea) {
    this.#area = area;
  }

  /** The conversation that was shown last; empty for a new one. */
  readonly last = this.#entry(() => 'chat.last');

  /** The text in the composer of a conversation; `''` is the new one. */
  readonly draft = this.#entry((id) => `chat.draft.${id}`);

  /** The settings of the new conversation. */
  readonly newSettings = {
    get: async (): Promise<ConversationSettings> => {
      const { [NEW_SETTINGS]: settings } = await this.#area.get(NEW_SETTINGS);
      // Only this class writes them.
      return typeof settings === 'object' && settings !== null ? (settings as ConversationSettings) : {};
    },
    set: async (settings: ConversationSettings): Promise<void> => {
      const isEmpty = Object.keys(settings).length === 0;
      await (isEmpty ? this.#area.remove(NEW_SETTINGS) : this.#area.set({ [NEW_SETTINGS]: settings }));
    },
  };

  #entry(keyOf: (id: string) => string) {
    return {
      get: async (id = ''): Promise<string> => {
        const key = keyOf(id);
        const { [key]: text } = await this.#area.get(key);
        return typeof text === 'string' ? text : '';
      },
      set: async (text: string, id = ''): Promise<void> => {
        const key = keyOf(id);
        await (text === '' ? this.#area.remove(key) : this.#area.set({ [key]: text }));
      },
    };
  }
}
