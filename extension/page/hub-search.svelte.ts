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
  readonly downloads: number | undefined;
  readonly capabilities: readonly Capability[];
}

/** Shortest text that is searched for on Hugging Face, characters. */
const MIN_LENGTH = 2;

/** Results shown. */
const SHOWN = 20;

/** A search for repositories with GGUF files on Hugging Face. */
export class HubSearch {
  repos = $state.raw<readonly HubRepo[]>([]);
  error = $state.raw<ErrorView>();
  isSearching = $state(false);
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
    if (query.length < MIN_LENGTH) return;
    this.isSearching = true;
    try {
      const { models } = await this.#store.request('SEARCH_MODELS', { query, limit: SHOWN });
      if (number === this.#number) this.repos = models.map(hubRepo);
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
const UNKNOWN = { isGated: false, parameters: undefined, downloads: undefined };

function hubRepo(model: PayloadOf<'SEARCH_MODELS'>['models'][number]): HubRepo {
  const { repoId, gated: isGated, gguf, downloads, tags } = model;
  return {
    repoId,
    isGated,
    parameters: gguf?.parameters,
    downloads: downloads ?? undefined,
    capabilities: capabilitiesOf({ tags, names: [repoId] }),
  };
}
