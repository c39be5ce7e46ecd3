/**
 * The requests with which other programs in the browser use TabAgent's models, and a client for them. The file has no
 * imports, so an extension can copy it:
 *
 *   const tabagent = new TabAgentClient(() => chrome.runtime.connect(TABAGENT_ID));
 *   const { text } = await tabagent.request('prompt', { messages: [{ role: 'user', content: 'Hello!' }] });
 *
 * TabAgent keeps no sessions: the caller keeps the messages and sends them with every request.
 */

/** A tool call by the model. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** A JSON object. */
  readonly arguments: string;
}

interface Counted {
  /** Its number of tokens from an earlier reply; without it, TabAgent counts them. */
  readonly tokens?: number | undefined;
}

/** A message of a conversation. */
export type Message =
  | (Counted & { readonly role: 'system' | 'user' | 'assistant'; readonly content: string })
  | (Counted & { readonly role: 'assistant'; readonly content: string; readonly toolCalls: readonly ToolCall[] })
  | (Counted & { readonly role: 'tool'; readonly callId: string; readonly name: string; readonly content: string });

/** A tool that the model may call. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  /** The JSON schema of its arguments. */
  readonly inputSchema: object;
}

/** A constraint on an answer: JSON that conforms to a schema, or text that a regular expression matches completely. */
export type Constraint = { readonly schema: object } | { readonly regex: string; readonly flags?: string };

/** Sampling parameters. */
export type SamplingMode =
  | 'most-predictable'
  | 'predictable'
  | 'slightly-predictable'
  | 'balanced'
  | 'slightly-creative'
  | 'creative'
  | 'most-creative';

export type Availability = 'unavailable' | 'downloadable' | 'downloading' | 'available';

/** Messages that have to fit in the context window. */
export interface Conversation {
  readonly messages: readonly Message[];
  /** The number of first messages that are never left out. Default: 1 if the first is a system message, otherwise 0. */
  readonly pinned?: number;
  /** The number of last messages that are new, and are not left out either. Default: 1. */
  readonly fresh?: number;
  readonly tools?: readonly Tool[];
}

/** The result of fitting a conversation into the context window. */
export interface Fitted {
  /** The number of messages after the pinned ones that were left out. */
  readonly evicted: number;
  /** The number of tokens of each remaining message. */
  readonly tokens: readonly number[];
  /** The number of tokens of the tools. */
  readonly toolTokens: number;
  readonly contextWindow: number;
}

/** The requests: the fields and the result of each. */
export interface Verbs {
  /** Says whether a model is available, and whether it must be downloaded first. */
  availability: { fields: object; result: { readonly availability: Availability } };
  /** Downloads and loads the model if necessary, and checks that the messages fit. */
  create: { fields: Partial<Conversation>; result: Fitted };
  /** Counts the tokens of messages. */
  measure: { fields: { readonly messages: readonly Message[] }; result: { readonly tokens: readonly number[] } };
  /** Leaves out the oldest messages until the new ones fit. */
  append: { fields: Conversation; result: Fitted };
  /** Answers the last message. */
  prompt: {
    fields: Conversation & {
      readonly constraint?: Constraint;
      readonly sampling?: SamplingMode;
      /** Whether the answer continues the last message, which is the assistant's. */
      readonly continues?: boolean;
    };
    result: {
      readonly text: string;
      readonly toolCalls: readonly ToolCall[];
      /** The number of tokens of the answer. */
      readonly tokens: number;
      /** Why it ended: `length` if it was cut off. */
      readonly finish: 'stop' | 'length' | 'tool-calls';
    };
  };
  /** Detects the language of a text, without a model. */
  detect: {
    fields: { readonly text: string };
    result: { readonly languages: readonly { readonly language: string; readonly confidence: number }[] };
  };
}

export type Verb = keyof Verbs;

/** A message to TabAgent. `stop` ends the request with the same id. */
export type ToTabAgent = { readonly id: number } & (
  | { readonly verb: 'stop' }
  | { [V in Verb]: { readonly verb: V } & Verbs[V]['fields'] }[Verb]
);

/** A message of TabAgent about the request with the same id; `done` or `error` is the last one. */
export type FromTabAgent = { readonly id: number } & (
  | { readonly kind: 'progress'; readonly loaded: number }
  | { readonly kind: 'fitted'; readonly fitted: Fitted }
  | { readonly kind: 'chunk'; readonly text: string }
  | { readonly kind: 'done'; readonly result: unknown }
  | {
      readonly kind: 'error';
      /** A name of a `DOMException`. */
      readonly name: string;
      readonly message: string;
      readonly requested?: number | null;
      readonly quota?: number | null;
    }
);

/** A request failed. `name` is one of the names of `DOMException`. */
export class TabAgentError extends Error {
  /** With `QuotaExceededError`: the number of tokens that the messages have, and that fit. */
  readonly requested: number | null;
  readonly quota: number | null;

  constructor(name: string, message: string, requested: number | null = null, quota: number | null = null) {
    super(message);
    this.name = name;
    this.requested = requested;
    this.quota = quota;
  }
}

/** The part of `runtime.Port` that the client uses. */
export interface ClientPort {
  postMessage(message: object): void;
  readonly onMessage: { addListener(listener: (message: unknown) => void): void };
  readonly onDisconnect: { addListener(listener: () => void): void };
}

/** Callbacks while a request runs. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Progress of the download or the load, 0 to 1. */
  readonly onProgress?: (loaded: number) => void;
  /** Called once it is known which messages fit. */
  readonly onFitted?: (fitted: Fitted) => void;
  /** More text of the answer. */
  readonly onChunk?: (text: string) => void;
}

interface Pending {
  readonly message: ToTabAgent;
  readonly options: RequestOptions;
  readonly resolve: (result: never) => void;
  readonly reject: (reason: unknown) => void;
  /** The number of times it was sent. */
  attempts: number;
  /** Whether text has arrived; after that the request is not sent again. */
  hasText: boolean;
}

/** Most times a request is sent: again if its port closes before any text arrived, since browsers stop idle extensions. */
const MAX_ATTEMPTS = 3;

/** Sends requests to TabAgent over a port, which it opens when needed. */
export class TabAgentClient {
  readonly #connect: () => ClientPort;
  readonly #pending = new Map<number, Pending>();
  #port: ClientPort | undefined;
  #nextId = 1;

  constructor(connect: () => ClientPort) {
    this.#connect = connect;
  }

  /** Sends a request. Rejects with a {@link TabAgentError}, or with the reason of the signal. */
  request<V extends Verb>(
    verb: V,
    fields: Verbs[V]['fields'],
    options: RequestOptions = {},
  ): Promise<Verbs[V]['result']> {
    const { signal } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const message = { ...fields, id, verb } as unknown as ToTabAgent;
      const onAbort = () => {
        if (!this.#pending.delete(id)) return;
        this.#send({ id, verb: 'stop' });
        reject(signal?.reason);
      };
      const settled = () => signal?.removeEventListener('abort', onAbort);
      signal?.addEventListener('abort', onAbort);
      this.#pending.set(id, {
        message,
        options,
        resolve: (result) => {
          settled();
          resolve(result);
        },
        reject: (reason) => {
          settled();
          reject(reason);
        },
        attempts: 0,
        hasText: false,
      });
      this.#try(id);
    });
  }

  #try(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    pending.attempts += 1;
    if (pending.hasText || pending.attempts > MAX_ATTEMPTS || !this.#send(pending.message)) {
      this.#pending.delete(id);
      pending.reject(new TabAgentError('UnknownError', 'The connection to TabAgent was lost.'));
    }
  }

  #send(message: ToTabAgent): boolean {
    try {
      this.#open().postMessage(message);
      return true;
    } catch {
      return false;
    }
  }

  #open(): ClientPort {
    if (this.#port !== undefined) return this.#port;
    const port = this.#connect();
    this.#port = port;
    port.onMessage.addListener((message) => this.#receive(message as FromTabAgent));
    port.onDisconnect.addListener(() => {
      if (this.#port !== port) return;
      this.#port = undefined;
      for (const id of [...this.#pending.keys()]) this.#try(id);
    });
    return port;
  }

  #receive(message: FromTabAgent): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    const { options } = pending;
    if (message.kind === 'progress') options.onProgress?.(message.loaded);
    else if (message.kind === 'fitted') options.onFitted?.(message.fitted);
    else if (message.kind === 'chunk') {
      pending.hasText = true;
      options.onChunk?.(message.text);
    } else {
      this.#pending.delete(message.id);
      if (message.kind === 'done') pending.resolve(message.result as never);
      else pending.reject(new TabAgentError(message.name, message.message, message.requested, message.quota));
    }
  }
}
