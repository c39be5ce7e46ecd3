/**
 * TabAgent's models for other programs in the browser: what can be asked, and a client that asks it. The file imports
 * nothing, so that an extension can copy it:
 *
 *   const tabagent = new TabAgentClient(() => chrome.runtime.connect(TABAGENT_ID));
 *   const { text } = await tabagent.request('prompt', { messages: [{ role: 'user', content: 'Hello!' }] });
 *
 * TabAgent knows no sessions: the caller has the messages, and sends them with every request.
 */

/** A call of a tool by the model. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** A JSON object. */
  readonly arguments: string;
}

interface Counted {
  /** Its tokens, as an earlier reply gave them; a message without them is counted. */
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
  /** A JSON schema of its arguments. */
  readonly inputSchema: object;
}

/** What an answer is restricted to: JSON that is valid by a schema, or what a regular expression matches as a whole. */
export type Constraint = { readonly schema: object } | { readonly regex: string; readonly flags?: string };

/** How varied answers are. */
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
  /** How many of the first messages are never left out. Default: a system message at the beginning. */
  readonly pinned?: number;
  /** How many of the last messages are new, and so are not left out either. Default: 1. */
  readonly fresh?: number;
  readonly tools?: readonly Tool[];
}

/** How a conversation fits in the context window. */
export interface Fitted {
  /** How many messages after the pinned ones were left out. */
  readonly evicted: number;
  /** The tokens of the remaining messages. */
  readonly tokens: readonly number[];
  /** The tokens of the tools. */
  readonly toolTokens: number;
  readonly contextWindow: number;
}

/** What can be asked: the fields of each request, and its result. */
export interface Verbs {
  /** Whether there is a model, and whether it has to be downloaded. */
  availability: { fields: object; result: { readonly availability: Availability } };
  /** Prepares the model, which may download and load it, and checks that messages fit. */
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
      /** Whether the last message, of the assistant, is continued. */
      readonly continues?: boolean;
    };
    result: {
      readonly text: string;
      readonly toolCalls: readonly ToolCall[];
      /** The tokens of the answer. */
      readonly tokens: number;
      /** Why it ended: `length` means that it was cut off. */
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
  /** With `QuotaExceededError`: the tokens that were requested, and that there are. */
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

/** What a caller hears while a request runs. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** The share of the download or the load that is done, 0 to 1. */
  readonly onProgress?: (loaded: number) => void;
  /** Called when the messages have been made to fit. */
  readonly onFitted?: (fitted: Fitted) => void;
  /** More text of the answer. */
  readonly onChunk?: (text: string) => void;
}

interface Pending {
  readonly message: ToTabAgent;
  readonly options: RequestOptions;
  readonly resolve: (result: never) => void;
  readonly reject: (reason: unknown) => void;
  /** How often it was sent. */
  attempts: number;
  /** Whether text has arrived, so that it cannot be sent again. */
  hasText: boolean;
}

/** A request whose port closes before any text came is sent again: the browser stops extensions that are idle. */
const MAX_ATTEMPTS = 3;

/** Sends requests to TabAgent over a port, which is opened when it is needed. */
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
