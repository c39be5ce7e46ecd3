import type { Message, RequestOptions, TabAgentClient } from '../client.ts';
import { toException } from './errors.ts';
import { toDictionary, toSignal } from './idl.ts';
import { type Life, streamOf } from './model-object.ts';

/** Options of a {@link Task}. */
export interface TaskOptions {
  readonly client: TabAgentClient;
  readonly life: Life;
  readonly inputQuota: number;
  /** Returns the system message for a call with this context. */
  readonly instructions: (context: string) => string;
  /** Returns the result for an input that has only white space and control characters. */
  readonly emptyResult: (input: string) => string;
}

/** An input without visible characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it matches control characters on purpose.
const NOTHING = /^[\s\u0000-\u001f]*$/;

/** A task of a model, such as summarizing. Each call is a new conversation. */
export class Task {
  readonly #options: TaskOptions;

  constructor(options: TaskOptions) {
    this.#options = options;
  }

  get inputQuota(): number {
    return this.#options.inputQuota;
  }

  /** Performs the task. */
  run(input: unknown, options: unknown): Promise<string> {
    const { text, context, signal } = this.#read(input, options);
    if (NOTHING.test(text)) return Promise.resolve(this.#options.emptyResult(text));
    return this.#ask(text, context, { signal });
  }

  /** Performs the task. The stream contains the text as it is generated. */
  stream(input: unknown, options: unknown): ReadableStream<string> {
    const { text, context, signal } = this.#read(input, options);
    return streamOf<string>(signal, async (both, produce) => {
      if (!NOTHING.test(text)) {
        await this.#ask(text, context, { signal: both, onChunk: produce });
        return;
      }
      const result = this.#options.emptyResult(text);
      if (result !== '') produce(result);
    });
  }

  /** Counts the tokens of an input with its instructions. */
  async measure(input: unknown, options: unknown): Promise<number> {
    const { text, context, signal } = this.#read(input, options);
    const { tokens } = await this.#options.client
      .request('measure', { messages: this.#messages(text, context) }, { signal })
      .catch(failed);
    return tokens.reduce((sum, count) => sum + count, 0);
  }

  async #ask(text: string, context: string, options: RequestOptions): Promise<string> {
    const messages = this.#messages(text, context);
    const fields = { messages, pinned: messages.length, fresh: 0 };
    return (await this.#options.client.request('prompt', fields, options).catch(failed)).text;
  }

  #messages(text: string, context: string): Message[] {
    return [
      { role: 'system', content: this.#options.instructions(context) },
      { role: 'user', content: text },
    ];
  }

  #read(input: unknown, options: unknown) {
    const members = toDictionary(options, 'The options');
    const context = members.context === undefined ? '' : `${members.context}`;
    return { text: `${input}`, context: context.trim(), signal: this.#options.life.begin(toSignal(members.signal)) };
  }
}

function failed(error: unknown): never {
  throw toException(error);
}
