/** The part of `browser.storage.local` that is used here. */
export interface ChatStorageArea {
  get(key: string): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
  remove(key: string): Promise<void>;
}

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
