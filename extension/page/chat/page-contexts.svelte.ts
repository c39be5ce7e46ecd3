import { browser } from 'wxt/browser';
import type { PageContext } from '../../page-context/context-message.ts';
import { type ContextModel, type ContextSize, fitContexts, measureContexts } from '../../page-context/fit-context.ts';
import { type PageContent, parsePageContent } from '../../page-context/page-content.ts';
import { PANEL_REQUEST, type PanelRequest } from '../../page-context/panel-request.ts';
import { currentTab, readTab } from '../../page-context/tabs.ts';
import { localEmbeddingModel } from '../capabilities.ts';
import { t } from '../i18n.ts';
import type { Store } from '../store.svelte.ts';

/** Pages and selections that are sent with the next message. */
export class PageContexts {
  list = $state.raw<readonly PageContext[]>([]);
  /** Why a page was not added. */
  problem = $state('');
  /** Tokens of each context in the list, once they are counted, and the maximum that is sent of all together. */
  sizes = $state.raw<{ readonly tokens: readonly number[]; readonly budget: number }>();
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Adds the page of a tab, or the selection on it; without `tabId`, of the current tab. */
  async addTab(kind: PageContext['kind'], tabId?: number): Promise<void> {
    const id = tabId ?? (await currentTab());
    const page = id === undefined ? undefined : await readTab(id);
    this.add(kind, page);
  }

  /** Adds a page, or the selection on it. `page` is undefined if it could not be read. */
  add(kind: PageContext['kind'], page: PageContent | undefined): void {
    const text = kind === 'selection' ? page?.selection : page?.text;
    this.problem = page === undefined ? t('pageNotReadable') : text === '' ? emptyText(kind) : '';
    if (page === undefined || !text) return;
    const { title, url, percent } = page;
    const part = kind === 'page' && percent < 100 ? ({ percent, choice: 'beginning' } as const) : undefined;
    this.remove(this.list.find((other) => other.kind === kind && other.url === url));
    this.list = [...this.list, { kind, title: title || url, url, text, part }];
    void this.measure();
  }

  remove(context: PageContext | undefined): void {
    this.list = this.list.filter((other) => other !== context);
    void this.measure();
  }

  /** Counts the tokens of the contexts for the active model. */
  async measure(): Promise<void> {
    const { list } = this;
    this.sizes = undefined;
    const sizes: ContextSize[] = [];
    for (const { text } of list) sizes.push(await measureContexts(this.#model, [text]));
    const [first] = sizes;
    if (this.list === list && first !== undefined) {
      this.sizes = { tokens: sizes.map(({ tokens }) => tokens), budget: first.budget };
    }
  }

  /** Returns the contexts to send with a question, fitted to the model, and empties the list. */
  async take(question: string): Promise<PageContext[]> {
    const contexts = await fitContexts(this.#model, question, this.list);
    this.list = [];
    this.sizes = undefined;
    this.problem = '';
    return contexts;
  }

  /**
   * Handles requests from pages of this panel's window: calls `onask` for those with a question, and `onadded` after the
   * context of another one was added. Returns a function that stops listening.
   */
  listen(onask: (question: string) => void, onadded: () => void): () => void {
    const handleRequest = async () => {
      // A window can have a panel and another one in a tab.
      const request = await navigator.locks.request(PANEL_REQUEST, takeRequest);
      if (request === undefined) return;
      if (request.page !== undefined || request.isUnreadable) {
        this.add(request.kind, request.isUnreadable ? undefined : parsePageContent(request.page));
      }
      if (request.question) onask(request.question);
      else onadded();
    };
    const listener = (changes: Record<string, { newValue?: unknown }>, area: string) => {
      if (area === 'session' && changes[PANEL_REQUEST]?.newValue !== undefined) void handleRequest();
    };
    browser.storage.onChanged.addListener(listener);
    void handleRequest();
    return () => browser.storage.onChanged.removeListener(listener);
  }

  get #model(): ContextModel {
    return {
      count: async (texts) => {
        if (texts.length === 0) return undefined;
        try {
          return await this.#store.request('COUNT_TOKENS', { texts: [...texts] });
        } catch {
          // Remote engines do not count tokens.
          return undefined;
        }
      },
      embed: (texts) => this.#embed(texts),
    };
  }

  async #embed(texts: readonly string[]): Promise<number[][] | undefined> {
    const model = localEmbeddingModel(this.#store.rows);
    if (model === undefined) return undefined;
    const fields = { modelPath: model.id, texts: [...texts], truncate: true };
    try {
      return await this.#store.all(
        'GENERATE_EMBEDDINGS',
        ({ embeddings }) => embeddings.filter((vector) => typeof vector !== 'string'),
        fields,
      );
    } catch {
      // The beginning of the page is sent instead, and the message says so.
      return undefined;
    }
  }
}

/** Takes the request for this window, if there is one. */
async function takeRequest(): Promise<PanelRequest | undefined> {
  const { [PANEL_REQUEST]: stored } = await browser.storage.session.get(PANEL_REQUEST);
  const request = stored as PanelRequest | undefined;
  const { id } = await browser.windows.getCurrent();
  if (request?.windowId !== id) return undefined;
  await browser.storage.session.remove(PANEL_REQUEST);
  return request;
}

function emptyText(kind: PageContext['kind']): string {
  return kind === 'selection' ? t('nothingSelected') : t('pageIsEmpty');
}
