import { estimatedSize } from '../../host/protocol/estimated-size.ts';
import type { PayloadOf } from '../../host/protocol/messages.ts';
import { type ModelAddress, readModelAddress } from '../../host/protocol/model-address.ts';
import { type Capability, capabilitiesOf } from './capabilities.ts';
import { type ErrorView, viewError } from './error-view.ts';
import type { Store } from './store.svelte.ts';

/** A repository to choose a file of. */
export interface HubRepo {
  readonly repoId: string;
  readonly revision?: string | undefined;
  readonly quantization?: string | undefined;
  /** The file that a pasted address names. */
  readonly file?: string | undefined;
  readonly isGated: boolean;
  readonly parameters: number | undefined;
  /** Estimated size of the usual file, bytes; 0 if it is not known. */
  readonly size: number;
  readonly tokensPerSecond: number | undefined;
  readonly tags: readonly string[];
  readonly downloads: number | undefined;
  readonly capabilities: readonly Capability[];
}

/** Shortest text that is searched for on Hugging Face, characters. */
const MIN_LENGTH = 2;

/** Results of a page. */
const PAGE_LENGTH = 20;

/** A search for repositories with GGUF files on Hugging Face. */
export class HubSearch {
  repos = $state.raw<readonly HubRepo[]>([]);
  error = $state.raw<ErrorView>();
  isSearching = $state(false);
  /** The position of the next page of results; undefined if there are no more. */
  nextCursor = $state<string>();
  readonly #store: Store;
  /** Counts searches, to ignore the late result of an earlier one. */
  #number = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Removes the results of an earlier text. */
  clear(): void {
    this.#number += 1;
    this.repos = [];
    this.error = undefined;
    this.isSearching = true;
    this.nextCursor = undefined;
  }

  /** Searches for a text; an address of a model is the only result. A short text ends the search. */
  async run(text: string): Promise<void> {
    this.clear();
    this.isSearching = false;
    const number = this.#number;
    const query = text.trim();
    const address = await this.#addressOf(query);
    if (number !== this.#number) return;
    if (address !== undefined) {
      this.repos = [{ ...address, ...UNKNOWN, capabilities: capabilitiesOf({ tags: [], names: [address.repoId] }) }];
      return;
    }
    if (query.length >= MIN_LENGTH) await this.#readPage(query, undefined);
  }

  /** Adds the next page of results. */
  async showMore(text: string): Promise<void> {
    if (!this.isSearching) await this.#readPage(text.trim(), this.nextCursor);
  }

  async #readPage(query: string, cursor: string | undefined): Promise<void> {
    const number = this.#number;
    this.isSearching = true;
    this.error = undefined;
    try {
      const page = { query, limit: PAGE_LENGTH, ...(cursor === undefined ? {} : { cursor }) };
      const { models, nextCursor } = await this.#store.request('SEARCH_MODELS', page);
      if (number !== this.#number) return;
      const known = new Set(this.repos.map(({ repoId }) => repoId));
      // A repository whose rank has changed meanwhile may be on two pages.
      this.repos = [...this.repos, ...models.filter(({ repoId }) => !known.has(repoId)).map(hubRepo)];
      this.nextCursor = nextCursor;
    } catch (error) {
      if (number === this.#number) this.error = viewError(error);
    } finally {
      if (number === this.#number) this.isSearching = false;
    }
  }

  /** Reads the address of a model. Only the host knows the address of a configured hub. */
  async #addressOf(query: string): Promise<ModelAddress | undefined> {
    const address = readModelAddress(query);
    if (address !== undefined || !/^https?:/i.test(query)) return address;
    try {
      const { endpoint } = await this.#store.request('GET_HF_TOKEN_STATUS');
      return readModelAddress(query, endpoint);
    } catch {
      // The search that follows reports that the host does not answer.
      return undefined;
    }
  }
}

/** A pasted address does not say these. */
const UNKNOWN = {
  isGated: false,
  parameters: undefined,
  size: 0,
  tokensPerSecond: undefined,
  tags: [],
  downloads: undefined,
};

function hubRepo(model: PayloadOf<'SEARCH_MODELS'>['models'][number]): HubRepo {
  const { repoId, gated: isGated, gguf, downloads, tags, estimate } = model;
  const parameters = gguf?.parameters;
  return {
    repoId,
    isGated,
    parameters,
    size: parameters === undefined ? 0 : estimatedSize(parameters),
    tokensPerSecond: estimate?.tokensPerSecond ?? undefined,
    tags,
    downloads: downloads ?? undefined,
    capabilities: capabilitiesOf({ tags, names: [repoId] }),
  };
}
