import { browser } from 'wxt/browser';
import { PAGE_PORT } from '../worker/page-messages.ts';
import { Store } from './store.svelte.ts';

/** The store of this page, over the browser's own ports and storage. */
export function openStore(): Store {
  return new Store({
    connect: () => browser.runtime.connect({ name: PAGE_PORT }),
    storage: browser.storage.local,
  });
}
