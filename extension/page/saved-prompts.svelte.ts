import { browser } from 'wxt/browser';
import { parsePrompts, SAVED_PROMPTS, type SavedPrompt } from '../page-context/prompts.ts';

/** The prompts that the user has saved, the same in every page of the extension. */
export class SavedPrompts {
  list = $state.raw<readonly SavedPrompt[]>([]);

  constructor() {
    browser.storage.onChanged.addListener((changes, area) => {
      if (area === 'local' && changes[SAVED_PROMPTS] !== undefined) {
        this.list = parsePrompts(changes[SAVED_PROMPTS].newValue);
      }
    });
    void this.#load();
  }

  async save(list: readonly SavedPrompt[]): Promise<void> {
    this.list = list;
    await browser.storage.local.set({ [SAVED_PROMPTS]: list });
  }

  async #load(): Promise<void> {
    this.list = parsePrompts((await browser.storage.local.get(SAVED_PROMPTS))[SAVED_PROMPTS]);
  }
}
