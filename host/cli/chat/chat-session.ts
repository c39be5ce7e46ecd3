import { isHostError } from '../../common/errors.ts';
import type { PayloadOf } from '../../protocol/messages.ts';
import type { CommandContext } from '../context.ts';
import { answer } from './answer.ts';
import type { Conversation } from './find-conversation.ts';
import { type Fields, StoredThread, TemporaryThread, type Thread } from './thread.ts';

/** What to do about an answer that was cut off. */
const HOW_TO_CONTINUE = 'Type /continue to continue it.';

/** A chat with a model. */
export class ChatSession {
  readonly isTemporary: boolean;
  readonly #context: CommandContext;
  readonly #load: (settings: Fields) => Promise<string>;
  #modelId: string;
  #isLoaded = true;
  #thread: Thread;
  #settings: Fields;
  #loadSettings: Fields;

  /**
   * @param options.load Loads the model with other settings and returns its ID.
   * @param options.loadSettings Settings with which the model was loaded.
   * @param options.conversation Continued instead of starting a new one.
   * @param options.isTemporary Whether nothing is stored.
   */
  constructor(
    context: CommandContext,
    options: {
      modelId: string;
      load: (settings: Fields) => Promise<string>;
      loadSettings: Fields;
      settings: Fields;
      conversation?: Conversation | undefined;
      isTemporary?: boolean;
    },
  ) {
    this.#context = context;
    this.#modelId = options.modelId;
    this.#load = options.load;
    this.#loadSettings = options.loadSettings;
    this.#settings = options.settings;
    this.isTemporary = options.isTemporary ?? false;
    this.#thread = this.isTemporary ? new TemporaryThread() : new StoredThread(context.client, options.conversation);
  }

  get modelId(): string {
    return this.#modelId;
  }

  get system(): string | null {
    return this.#thread.system;
  }

  /** Settings of generations that differ from the saved ones. */
  get settings(): Fields {
    return this.#settings;
  }

  /** Settings with which the model was loaded that differ from the saved ones. */
  get loadSettings(): Fields {
    return this.#loadSettings;
  }

  /** Sends a prompt and writes the answer. */
  async ask(message: string): Promise<PayloadOf<'GENERATE'>> {
    return this.#generate(await this.#thread.ask(message));
  }

  /** Generates another answer to the last question. @throws UsageError without one. */
  async retry(): Promise<PayloadOf<'GENERATE'>> {
    return this.#generate(await this.#thread.retry());
  }

  /** Continues an answer that was stopped or cut off. @throws UsageError without one. */
  async continue(): Promise<PayloadOf<'GENERATE'>> {
    return this.#generate(await this.#thread.continue());
  }

  /** Starts a new conversation, with the same system prompt and settings. The previous one stays stored. */
  async clear(): Promise<void> {
    const { system } = this.#thread;
    this.#thread = this.isTemporary ? new TemporaryThread() : new StoredThread(this.#context.client);
    await this.#thread.setSystem(system);
  }

  /** Continues a stored conversation. */
  open(conversation: Conversation): void {
    this.#thread = new StoredThread(this.#context.client, conversation);
  }

  /** Gives the conversation a title. @throws UsageError if it is not stored. */
  rename(title: string): Promise<Conversation> {
    return this.#thread.rename(title);
  }

  /** Sets the system prompt: empty for none, null for that of the model. */
  setSystem(system: string | null): Promise<void> {
    return this.#thread.setSystem(system);
  }

  /** Sets a setting of generations; undefined for the default. */
  set(key: string, value: unknown): void {
    this.#settings = withSetting(this.#settings, key, value);
  }

  /** Sets a setting with which the model is loaded, undefined for the default, and loads the model with it. */
  async setLoad(key: string, value: unknown): Promise<void> {
    const settings = withSetting(this.#loadSettings, key, value);
    if (value === undefined) {
      // A loaded model keeps the settings that a load leaves open.
      await this.#context.client.request('UNLOAD_MODEL', { modelId: this.#modelId });
      this.#isLoaded = false;
    }
    this.#modelId = await this.#load(settings);
    this.#loadSettings = settings;
    this.#isLoaded = true;
  }

  async #generate(fields: Fields): Promise<PayloadOf<'GENERATE'>> {
    if (!this.#isLoaded) await this.#load(this.#loadSettings);
    this.#isLoaded = true;
    const thread = this.#thread;
    const request = { modelId: this.#modelId, settings: this.#settings, ...fields };
    try {
      const payload = await answer(this.#context, request, HOW_TO_CONTINUE);
      thread.answered(payload);
      return payload;
    } catch (error) {
      if (isHostError(error, 'MODEL_NOT_LOADED', 'ENGINE_CRASHED', 'ENGINE_ENDED')) this.#isLoaded = false;
      throw error;
    }
  }
}

function withSetting(settings: Fields, key: string, value: unknown): Fields {
  const { [key]: _, ...others } = settings;
  return value === undefined ? others : { ...others, [key]: value };
}
