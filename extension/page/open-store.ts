import { browser } from 'wxt/browser';
import { PAGE_PORT } from '../worker/page-messages.ts';
import { ChatStorage } from './chat/chat-storage.ts';
import { Store } from './store.svelte.ts';

/** Opens the store of this page, over the browser's own ports and storage. */
export function openStore(): Store {
  return new Store({
    connect: () => browser.runtime.connect({ name: PAGE_PORT }),
    storage: browser.storage.local,
  });
}

/** Opens what the chat stores in the browser. */
export const openChatStorage = (): ChatStorage => new ChatStorage(browser.storage.local);
