import type { Availability, Message, SamplingMode, TabAgentClient } from '../client.ts';
import { assertLanguages, availabilityOf, prepare } from './create.ts';
import { inactive, toException } from './errors.ts';
import { oneArgument, required, toDictionary, toEnum, toLanguages, toSequence, toSignal } from './idl.ts';
import { assertInternal, attempt, INTERNAL, Life, streamOf } from './model-object.ts';
import { CONTENT_TYPES, type ContentType, type PromptInput, toConstraint, toPrompt, withHint } from './prompt-input.ts';
import { type Answer, type AnswerPart, Session, type Turn } from './session.ts';
import { type PageTool, toTools } from './tool-content.ts';

const SAMPLING_MODES: readonly SamplingMode[] = [
  'most-predictable',
  'predictable',
  'slightly-predictable',
  'balanced',
  'slightly-creative',
  'creative',
  'most-creative',
];

/** Types of content that models accept and produce. */
const INPUTS: readonly ContentType[] = ['text', 'tool-call', 'tool-response'];
const OUTPUTS: readonly ContentType[] = ['text', 'tool-call'];

type Handler = ((event: Event) => void) | null;

/** Creates the class `LanguageModel` of a window. */
export function languageModelOf(window: Window & typeof globalThis, client: TabAgentClient) {
  const { document } = window;

  class LanguageModel extends EventTarget {
    readonly #life: Life;
    readonly #session: Session;
    readonly #options: CreateOptions;
    readonly #handlers = new Map<string, Handler>();

    constructor(key?: unknown, life?: Life, options?: CreateOptions, session?: (onOverflow: () => void) => Session) {
      assertInternal(key);
      super();
      this.#life = life as Life;
      this.#options = options as CreateOptions;
      this.#session = (session as (onOverflow: () => void) => Session)(() => this.#onOverflow());
    }

    static create(options?: unknown): Promise<LanguageModel> {
      return attempt(() => {
        const gone = inactive(document);
        if (gone !== undefined) throw gone;
        const members = toDictionary(options, 'The argument');
        const signal = toSignal(members.signal);
        const read = readOptions(members);
        signal?.throwIfAborted();
        // Read only once: a second pass over an iterator has no items.
        const prompts = toSequence(members.initialPrompts, 'initialPrompts') ?? [];
        const context = { inputs: read.inputs, hasInput: false };
        const initial = prompts.length === 0 ? [] : toPrompt(prompts, context).messages;
        assertSupported(read);
        const { tools, sampling } = read;
        const fields = { messages: initial, pinned: initial.length, fresh: 0, tools: plain(tools) };
        return prepare({ client, fields, signal, monitor: members.monitor }).then((fitted) => {
          const life = new Life(document, signal);
          const open = (onOverflow: () => void) =>
            new Session({ client, tools, sampling, onOverflow }, initial, fitted);
          return new LanguageModel(INTERNAL, life, read, open);
        });
      });
    }

    static availability(options?: unknown): Promise<Availability> {
      return attempt(() => {
        const gone = inactive(document);
        if (gone !== undefined) throw gone;
        const read = readOptions(toDictionary(options, 'The argument'));
        if (unsupportedType(read) !== undefined) return Promise.resolve('unavailable');
        return availabilityOf(client, read.languages);
      });
    }

    prompt(...args: unknown[]): Promise<string | AnswerPart[]> {
      return attempt(() => {
        const [input, options] = oneArgument(args);
        return this.#session.prompt(this.#turn(input, options)).then(partsOf);
      });
    }

    promptStreaming(...args: unknown[]): ReadableStream<string | AnswerPart> {
      const [input, options] = oneArgument(args);
      const turn = this.#turn(input, options);
      return streamOf<string | AnswerPart>(turn.signal, async (signal, produce) => {
        const { calls } = await this.#session.prompt({ ...turn, signal, onChunk: produce });
        for (const value of calls) produce({ type: 'tool-call', value });
      });
    }

    append(...args: unknown[]): Promise<undefined> {
      return attempt(() => {
        const [input, options] = oneArgument(args);
        const signal = this.#life.begin(toSignal(toDictionary(options, 'The options').signal));
        const { messages } = this.#read(input);
        return this.#session.append({ messages, signal }).then(() => undefined);
      });
    }

    measureContextUsage(...args: unknown[]): Promise<number> {
      return attempt(() => {
        const [input, options] = oneArgument(args);
        const members = toDictionary(options, 'The options');
        const constraint = toConstraint(members);
        const signal = this.#life.begin(toSignal(members.signal));
        const { messages } = toPrompt(input, { inputs: this.#options.inputs, hasInput: false });
        return client.request('measure', { messages: withHint(messages, constraint?.hint ?? '') }, { signal }).then(
          ({ tokens }) => tokens.reduce((sum, count) => sum + count, 0),
          (error: unknown) => {
            throw toException(error);
          },
        );
      });
    }

    measureInputUsage(...args: unknown[]): Promise<number> {
      return this.measureContextUsage(...args);
    }

    get contextUsage(): number {
      return this.#session.contextUsage;
    }

    get contextWindow(): number {
      return this.#session.contextWindow;
    }

    get inputUsage(): number {
      return this.contextUsage;
    }

    get inputQuota(): number {
      return this.contextWindow;
    }

    get samplingMode(): SamplingMode {
      return this.#options.sampling;
    }

    get oncontextoverflow(): Handler {
      return this.#handlers.get('contextoverflow') ?? null;
    }

    set oncontextoverflow(handler: unknown) {
      this.#setHandler('contextoverflow', handler);
    }

    get onquotaoverflow(): Handler {
      return this.#handlers.get('quotaoverflow') ?? null;
    }

    set onquotaoverflow(handler: unknown) {
      this.#setHandler('quotaoverflow', handler);
    }

    clone(options?: unknown): Promise<LanguageModel> {
      return attempt(() => {
        const own = toSignal(toDictionary(options, 'The options').signal);
        const signal = this.#life.begin(own);
        // In a new task: until then the page can abort it.
        return new Promise<LanguageModel>((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          setTimeout(() => {
            if (signal.aborted) return;
            const copy = (onOverflow: () => void) => this.#session.clone(onOverflow);
            resolve(new LanguageModel(INTERNAL, new Life(document, own), this.#options, copy));
          });
        });
      });
    }

    destroy(): undefined {
      this.#life.end('InvalidStateError');
    }

    #turn(input: unknown, options: unknown): Turn {
      const members = toDictionary(options, 'The options');
      const constraint = toConstraint(members);
      const signal = this.#life.begin(toSignal(members.signal));
      const { messages: given, continues } = this.#read(input);
      // A model cannot answer nothing.
      const messages: Message[] = given.length === 0 ? [{ role: 'user', content: '' }] : given;
      const prefix = continues ? (messages.at(-1)?.content ?? '') : '';
      return {
        messages: withHint(messages, constraint?.hint ?? ''),
        continues,
        constraint: constraint && { ...constraint, accepts: (answer) => constraint.accepts(prefix + answer) },
        signal,
      };
    }

    #read(input: unknown): PromptInput {
      return toPrompt(input, { inputs: this.#options.inputs, hasInput: this.#session.hasInput });
    }

    #onOverflow(): void {
      for (const type of ['contextoverflow', 'quotaoverflow']) this.dispatchEvent(new Event(type));
    }

    #setHandler(type: string, value: unknown): void {
      const before = this.#handlers.get(type) ?? null;
      const handler = typeof value === 'function' ? (value as Handler) : null;
      this.removeEventListener(type, before);
      this.addEventListener(type, handler);
      this.#handlers.set(type, handler);
    }
  }
  return LanguageModel;
}

/** The options of a session, validated. */
interface CreateOptions {
  readonly inputs: readonly ContentType[];
  readonly outputs: readonly ContentType[];
  readonly languages: readonly string[];
  readonly tools: readonly PageTool[];
  readonly sampling: SamplingMode;
}

function readOptions(members: Record<string, unknown>): CreateOptions {
  const inputs = toExpected(members.expectedInputs, 'expectedInputs');
  const outputs = toExpected(members.expectedOutputs, 'expectedOutputs');
  const tools = toTools(members.tools);
  if (tools.length > 0 && !outputs.types.includes('tool-call')) {
    throw new TypeError('With tools, "expectedOutputs" must contain the type "tool-call".');
  }
  const { samplingMode } = members;
  return {
    inputs: inputs.types,
    outputs: outputs.types,
    languages: [...inputs.languages, ...outputs.languages],
    tools,
    sampling: samplingMode === undefined ? 'balanced' : toEnum(samplingMode, SAMPLING_MODES, 'samplingMode'),
  };
}

function toExpected(value: unknown, what: string): { types: ContentType[]; languages: string[] } {
  const items = (toSequence(value, what) ?? []).map((item) => {
    const expected = toDictionary(item, `An item of "${what}"`);
    return {
      type: toEnum(required(expected, 'type'), CONTENT_TYPES, 'type'),
      languages: toLanguages(expected.languages, 'languages') ?? [],
    };
  });
  return { types: items.map(({ type }) => type), languages: items.flatMap(({ languages }) => languages) };
}

function unsupportedType({ inputs, outputs }: CreateOptions): ContentType | undefined {
  return inputs.find((type) => !INPUTS.includes(type)) ?? outputs.find((type) => !OUTPUTS.includes(type));
}

function assertSupported(options: CreateOptions): void {
  const type = unsupportedType(options);
  if (type !== undefined) throw new DOMException(`The type "${type}" is not supported.`, 'NotSupportedError');
  assertLanguages(options.languages);
}

function plain(tools: readonly PageTool[]) {
  return tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
}

/** Returns the result of `prompt()`: text, or the parts of an answer with tool calls that the page must answer. */
function partsOf({ text, calls }: Answer): string | AnswerPart[] {
  if (calls.length === 0) return text;
  const parts: AnswerPart[] = text === '' ? [] : [{ type: 'text', value: text }];
  return [...parts, ...calls.map((value): AnswerPart => ({ type: 'tool-call', value }))];
}
