import type { Fitted, Message, RequestOptions, SamplingMode, TabAgentClient, ToolCall, Verbs } from '../client.ts';
import { toException } from './errors.ts';
import type { PageConstraint, PromptInput } from './prompt-input.ts';
import { LanguageModelToolCall, type PageTool } from './tool-content.ts';

/** Most rounds in which a model may call tools for one prompt. */
const MAX_ROUNDS = 10;

/** The constant parts of a session. */
export interface SessionOptions {
  readonly client: TabAgentClient;
  readonly tools: readonly PageTool[];
  readonly sampling: SamplingMode;
  /** Called when the oldest messages were left out. */
  readonly onOverflow: () => void;
}

/** A part of an answer that contains more than text. */
export type AnswerPart =
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'tool-call'; readonly value: LanguageModelToolCall };

/** An answer: its text, and tool calls that the page must answer. */
export interface Answer {
  readonly text: string;
  readonly calls: readonly LanguageModelToolCall[];
}

/** One prompt. */
export interface Turn extends PromptInput {
  readonly constraint: PageConstraint | undefined;
  readonly signal: AbortSignal;
  readonly onChunk?: (text: string) => void;
}

/**
 * A conversation with the model. It exists only in the page: each request sends its messages, so there is nothing to free
 * elsewhere, and nothing is lost when the browser stops the worker.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #pinned: number;
  #messages: readonly Message[];
  #toolTokens: number;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  readonly contextWindow: number;

  /** @param messages The initial messages, which are never left out. */
  constructor(options: SessionOptions, messages: readonly Message[], fitted: Fitted, pinned = messages.length) {
    this.#options = options;
    this.#pinned = pinned;
    this.#messages = counted(messages, fitted.tokens);
    this.#toolTokens = fitted.toolTokens;
    this.contextWindow = fitted.contextWindow;
  }

  /** The number of tokens of its messages and tools. */
  get contextUsage(): number {
    return this.#messages.reduce((sum, { tokens = 0 }) => sum + tokens, this.#toolTokens);
  }

  /** Whether it has messages, or will have after operations that are waiting. */
  get hasInput(): boolean {
    return this.#messages.length > 0 || this.#waiting > 0;
  }

  /** Returns an independent session with the same messages. */
  clone(onOverflow: () => void): Session {
    const fitted = { evicted: 0, tokens: [], toolTokens: this.#toolTokens, contextWindow: this.contextWindow };
    return new Session({ ...this.#options, onOverflow }, this.#messages, fitted, this.#pinned);
  }

  /** Adds messages. Rejects with an exception for the page. */
  append({ messages, signal }: Pick<Turn, 'messages' | 'signal'>): Promise<void> {
    return this.#inOrder(signal, async () => {
      const fitted = await this.#options.client.request('append', this.#conversation(messages), { signal });
      this.#messages = counted([...this.#fit(fitted), ...messages], fitted.tokens);
    });
  }

  /** Returns the answer to messages. Rejects with an exception for the page; the session is then unchanged. */
  prompt(turn: Turn): Promise<Answer> {
    return this.#inOrder(turn.signal, async () => {
      let fresh: readonly Message[] = turn.messages;
      let text = '';
      for (let round = 0; ; round += 1) {
        const { result, messages } = await this.#ask(fresh, turn, round === 0 && turn.continues);
        text += result.text;
        fresh = [...messages.slice(this.#messages.length), ...answerMessages(result)];
        const executed = round < MAX_ROUNDS ? await this.#execute(result.toolCalls, turn.signal) : undefined;
        if (executed === undefined) {
          if (turn.constraint?.accepts(text) === false && result.toolCalls.length === 0) throw nonconforming();
          this.#messages = [...this.#messages, ...(turn.continues ? joined(fresh, turn.messages.length - 1) : fresh)];
          return { text, calls: result.toolCalls.map(toPageCall) };
        }
        fresh = [...fresh, ...executed];
      }
    });
  }

  /** Sends the messages. Returns the answer and the messages that were sent, with their token counts. */
  async #ask(fresh: readonly Message[], turn: Turn, continues: boolean) {
    let messages: readonly Message[] = [...this.#messages, ...fresh];
    const options: RequestOptions = {
      signal: turn.signal,
      onFitted: (fitted) => {
        messages = counted([...this.#fit(fitted), ...fresh], fitted.tokens);
        this.#messages = messages.slice(0, messages.length - fresh.length);
      },
      ...(turn.onChunk === undefined ? {} : { onChunk: turn.onChunk }),
    };
    const { sampling } = this.#options;
    const constraint = turn.constraint?.constraint;
    const fields: Verbs['prompt']['fields'] = {
      ...this.#conversation(fresh),
      sampling,
      continues,
      ...(constraint === undefined ? {} : { constraint }),
    };
    return { result: await this.#options.client.request('prompt', fields, options), messages };
  }

  /** Calls the page's tools. Returns undefined if there are no calls, or if the page answers some itself. */
  async #execute(calls: readonly ToolCall[], signal: AbortSignal): Promise<Message[] | undefined> {
    const tools = calls.map(({ name }) => this.#options.tools.find((tool) => tool.name === name));
    if (calls.length === 0 || tools.some((tool) => tool?.execute === undefined)) return undefined;
    const results = Promise.all(
      calls.map(async (call, index): Promise<Message> => {
        const content = `${await tools[index]?.execute?.(JSON.parse(call.arguments))}`;
        return { role: 'tool', callId: call.id, name: call.name, content };
      }),
    );
    return Promise.race([results, rejected(signal)]);
  }

  #conversation(fresh: readonly Message[]) {
    const tools = this.#options.tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    const messages = [...this.#messages, ...fresh];
    const [first] = messages;
    // A system message is never left out, even if it came with the first prompt.
    const pinned = Math.max(this.#pinned, first?.role === 'system' && this.#messages.length > 0 ? 1 : 0);
    return { messages, pinned, fresh: fresh.length, tools };
  }

  /** Returns the earlier messages without those that did not fit. */
  #fit({ evicted, toolTokens }: Fitted): readonly Message[] {
    const { pinned } = this.#conversation([]);
    this.#toolTokens = toolTokens;
    if (evicted > 0) {
      this.#messages = this.#messages.toSpliced(pinned, evicted);
      this.#options.onOverflow();
    }
    return this.#messages;
  }

  /** Runs operations one after the other. One that is aborted while it waits never starts. */
  #inOrder<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const turn = this.#queue.then(() => {
      signal.throwIfAborted();
      return run();
    });
    const settled = Promise.race([turn, rejected(signal)]).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : toException(error);
    });
    this.#queue = turn
      .catch(() => {})
      .finally(() => {
        this.#waiting -= 1;
      });
    return settled;
  }
}

function nonconforming(): DOMException {
  return new DOMException('The answer does not conform to the constraint.', 'SyntaxError');
}

/** Returns the number of tokens of messages that the worker has counted. */
function counted(messages: readonly Message[], tokens: readonly number[]): Message[] {
  return messages.map((message, index) => ({ ...message, tokens: tokens[index] ?? message.tokens }));
}

function answerMessages({ text, toolCalls, tokens }: Verbs['prompt']['result']): Message[] {
  if (toolCalls.length > 0) return [{ role: 'assistant', content: text, toolCalls, tokens }];
  return [{ role: 'assistant', content: text, tokens }];
}

/** Joins the prefix of an answer at an index with its continuation, the message after it. */
function joined(messages: readonly Message[], at: number): readonly Message[] {
  const [prefix, rest] = messages.slice(at, at + 2);
  if (prefix === undefined || rest === undefined) return messages;
  const tokens = (prefix.tokens ?? 0) + (rest.tokens ?? 0);
  return messages.toSpliced(at, 2, { ...rest, content: prefix.content + rest.content, tokens });
}

function toPageCall({ id, name, arguments: text }: ToolCall): LanguageModelToolCall {
  return new LanguageModelToolCall({ callID: id, name, arguments: JSON.parse(text) });
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
