import type { ActionName, HostEvent, PayloadOf, RequestOf } from '../../../host/protocol/messages.ts';
import { type Availability, type Message, TabAgentError, type Tool } from '../../web-ai/client.ts';
import type { CountedMessage } from './fit.ts';
import { textOf } from './read-request.ts';

/** The connection to the host. For callers, only this file and `generate.ts` use it. */
export interface CallerHost {
  /** Sends a request. `onSent` is called with its id, which is in the host's events about it. */
  request<A extends ActionName>(
    action: A,
    fields: Partial<RequestOf<A>>,
    onSent?: (requestId: string) => void,
  ): Promise<PayloadOf<A>>;
  /** Adds a listener for events. Returns a function that removes it. */
  onEvent(listener: (event: HostEvent) => void): () => void;
}

/** Largest context window for callers, tokens: it bounds the work of a prompt, since pages can fill it. */
const MAX_WINDOW = 8_192;

/** Tokens reserved for the answer: at most this many, and at most a quarter of the context. */
const ANSWER_RESERVE = 1_024;

/** Context length assumed for models of remote engines that do not report one, tokens. */
const UNKNOWN_CONTEXT = 8_192;

/** Characters per token where an engine does not count tokens: fewer than in text of most languages. */
const CHARACTERS_PER_TOKEN = 3;

/** Most models for which the tokens of the template are kept. */
const MAX_MEASURED = 50;

/** Share of the progress that a download gets; the load gets the rest. */
const DOWNLOAD_SHARE = 0.9;

/** A loaded model. */
export interface ReadyModel {
  readonly id: string;
  readonly contextSize: number;
  readonly contextWindow: number;
  /** Number of tokens that the chat template adds to a message. */
  readonly overhead: number;
}

/** How to prepare a model. */
export interface Preparing {
  /** The model of the caller; null for the active one. */
  readonly model: string | null;
  /** Whether the user has just interacted with the page: only then may it start a download. */
  readonly isActivated: boolean;
  readonly onProgress: (share: number) => void;
}

/** Whether a model is loaded or downloaded. Models of remote engines count as downloaded. */
type Place = 'loaded' | 'downloaded' | 'downloading' | 'absent';

type LoadedEntry = PayloadOf<'GET_LOADED_MODELS'>['models'][number];

/** A model that a caller gets. */
interface FoundModel {
  readonly id: string;
  /** Undefined while it is not loaded. */
  readonly loaded: LoadedEntry | undefined;
}

/** Finds, prepares and measures the models of callers. */
export class CallerModels {
  readonly #host: CallerHost;
  readonly #lastModel: () => Promise<string | null>;
  readonly #overheads = new Map<string, number>();

  /** @param lastModel Returns the model that callers used last: it is used if none is active. */
  constructor(host: CallerHost, lastModel: () => Promise<string | null>) {
    this.#host = host;
    this.#lastModel = lastModel;
  }

  /** Returns whether a model is available. */
  async availability(model: string | null): Promise<Availability> {
    const found = await this.#find(model);
    if (found === undefined) return 'unavailable';
    const state = await this.#placeOf(found);
    if (state === 'loaded' || state === 'downloaded') return 'available';
    return state === 'downloading' ? 'downloading' : 'downloadable';
  }

  /**
   * Downloads and loads the model if necessary.
   *
   * @throws TabAgentError `NotSupportedError` without a model, `NotAllowedError` for a download without a user interaction.
   */
  async ready({ model, isActivated, onProgress }: Preparing): Promise<ReadyModel> {
    const found = await this.#find(model);
    if (found === undefined)
      throw new TabAgentError('NotSupportedError', 'No model is available. The user can load one.');
    const { id } = found;
    let { loaded } = found;
    if (loaded === undefined) {
      const state = await this.#placeOf(found);
      const mustDownload = state !== 'downloaded';
      if (mustDownload && !isActivated) {
        throw new TabAgentError('NotAllowedError', 'A download requires a user interaction with the page.');
      }
      await this.#load(id, mustDownload, onProgress);
      loaded = (await this.#loaded()).find(({ modelId }) => modelId === id);
    }
    if (loaded === undefined) throw new TabAgentError('UnknownError', 'The model could not be loaded.');
    const contextSize = loaded.config.context_size || UNKNOWN_CONTEXT;
    const reserve = Math.min(ANSWER_RESERVE, Math.ceil(contextSize / 4));
    const contextWindow = Math.min(MAX_WINDOW, contextSize - reserve);
    return { id, contextSize, contextWindow, overhead: await this.#overheadOf(id) };
  }

  /** Counts the tokens of messages that have not been counted. */
  async count(model: ReadyModel, messages: readonly Message[]): Promise<CountedMessage[]> {
    const counted: CountedMessage[] = [];
    for (const message of messages) {
      const tokens = message.tokens ?? (await this.countText(model, textOf(message)));
      counted.push({ ...message, tokens });
    }
    return counted;
  }

  /** Counts the tokens of a message with this text. */
  async countText({ id, overhead }: ReadyModel, text: string): Promise<number> {
    return (await this.#tokensOf(id, text)) + overhead;
  }

  async countTools(model: ReadyModel, tools: readonly Tool[]): Promise<number> {
    return tools.length === 0 ? 0 : this.countText(model, JSON.stringify(tools));
  }

  /** Returns the model of a caller; undefined if there is none. */
  async #find(model: string | null): Promise<FoundModel | undefined> {
    const [models, active] = await Promise.all([
      this.#loaded(),
      model === null ? this.#host.request('GET_CURRENT_MODEL', {}).then(({ modelId }) => modelId) : null,
    ]);
    const withEntry = (id: string): FoundModel => ({ id, loaded: models.find(({ modelId }) => modelId === id) });
    if (model !== null) return withEntry(model);
    if (active !== null) {
      const found = withEntry(active);
      // Embedding and ranking models cannot answer.
      if (found.loaded?.capabilities?.includes('generate') ?? true) return found;
    }
    const last = await this.#lastModel();
    return last === null ? undefined : withEntry(last);
  }

  async #placeOf({ id, loaded }: FoundModel): Promise<Place> {
    if (loaded !== undefined) return 'loaded';
    if (id.startsWith('remote/')) return 'downloaded';
    const downloaded = await this.#all('GET_DOWNLOADED_MODELS', ({ models }) => models);
    if (downloaded.some((model) => model.id === id)) return 'downloaded';
    const downloads = await this.#all('GET_ACTIVE_DOWNLOADS', (payload) => payload.downloads);
    return downloads.some(({ modelId }) => modelId === id) ? 'downloading' : 'absent';
  }

  #loaded(): Promise<LoadedEntry[]> {
    return this.#all('GET_LOADED_MODELS', (payload) => payload.models);
  }

  async #all<A extends 'GET_LOADED_MODELS' | 'GET_DOWNLOADED_MODELS' | 'GET_ACTIVE_DOWNLOADS', T>(
    action: A,
    itemsOf: (payload: PayloadOf<A>) => T[],
  ): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const payload: PayloadOf<A> & { nextCursor?: string | undefined } = await this.#host.request(
        action,
        (cursor === undefined ? {} : { cursor }) as Partial<RequestOf<A>>,
      );
      items.push(...itemsOf(payload));
      cursor = payload.nextCursor;
    } while (cursor !== undefined);
    return items;
  }

  async #load(id: string, mustDownload: boolean, onProgress: (share: number) => void): Promise<void> {
    const downloadShare = mustDownload ? DOWNLOAD_SHARE : 0;
    let isDownloaded = !mustDownload;
    const stop = this.#host.onEvent((event) => {
      if (event.type === 'MODEL_DOWNLOAD_PROGRESS' && event.payload.modelId === id && !isDownloaded) {
        onProgress((event.payload.progress / 100) * downloadShare);
      } else if (event.type === 'modelWorkerLoadingProgress' && event.payload.modelId === id && isDownloaded) {
        onProgress(downloadShare + (event.payload.progress / 100) * (1 - downloadShare));
      }
    });
    try {
      if (mustDownload) await this.#host.request('DOWNLOAD_MODEL', { modelPath: id });
      isDownloaded = true;
      await this.#host.request('LOAD_MODEL', { modelPath: id, reload: false });
    } finally {
      stop();
    }
  }

  async #overheadOf(id: string): Promise<number> {
    const known = this.#overheads.get(id);
    if (known !== undefined) return known;
    const text = 'text';
    const [plain, prompt] = await Promise.all([this.#tokensOf(id, text), this.#promptTokensOf(id, text)]);
    const overhead = Math.max(1, prompt - plain);
    if (this.#overheads.size >= MAX_MEASURED) this.#overheads.clear();
    this.#overheads.set(id, overhead);
    return overhead;
  }

  async #promptTokensOf(id: string, text: string): Promise<number> {
    try {
      const messages = [{ role: 'user', content: text }];
      return (await this.#host.request('COUNT_TOKENS', { modelPath: id, messages })).tokens;
    } catch {
      return 0;
    }
  }

  async #tokensOf(id: string, text: string): Promise<number> {
    try {
      return (await this.#host.request('COUNT_TOKENS', { modelPath: id, texts: [text] })).tokens;
    } catch (error) {
      if (!id.startsWith('remote/')) throw error;
      return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
    }
  }
}
