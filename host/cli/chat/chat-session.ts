import { randomUUID } from 'node:crypto';
import { isHostError } from '../../common/errors.ts';
import type { PayloadOf } from '../../protocol/messages.ts';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../usage-error.ts';
import { answer } from './answer.ts';
import type { Conversation } from './find-conversation.ts';

/** What to do about an answer that was cut off. */
const HOW_TO_CONTINUE = 'Type /continue to continue it.';

/** Settings by their names in requests. */
type Settings = Readonly<Record<string, unknown>>;

/** A chat with a model, in a conversation that the host stores. */
export class ChatSession {
  readonly #context: CommandContext;
  readonly #load: (settings: Settings) => Promise<string>;
  #modelId: string;
  #isLoaded = true;
  #conversationId: string;
  /** Whether the conversation has been stored. */
  #exists: boolean;
  /** The system prompt of the conversation; null for that of the model. */
  #system: string | null;
  #settings: Settings;
  #loadSettings: Settings;

  /**
   * @param options.load Loads the model with other settings and returns its ID.
   * @param options.loadSettings Settings with which the model was loaded.
   * @param options.conversation Continued instead of starting a new one.
   */
  constructor(
    context: CommandContext,
    options: {
      modelId: string;
      load: (settings: Settings) => Promise<string>;
      loadSettings: Settings;
      settings: Settings;
      conversation?: Conversation | undefined;
    },
  ) {
    this.#context = context;
    this.#modelId = options.modelId;
    this.#load = options.load;
    this.#loadSettings = options.loadSettings;
    this.#settings = options.settings;
    this.#conversationId = options.conversation?.id ?? randomUUID();
    this.#exists = options.conversation !== undefined;
    this.#system = options.conversation?.system_prompt ?? null;
  }

  get modelId(): string {
    return this.#modelId;
  }

  get system(): string | null {
    return this.#system;
  }

  /** Settings of generations that differ from the saved ones. */
  get settings(): Settings {
    return this.#settings;
  }

  /** Settings with which the model was loaded that differ from the saved ones. */
  get loadSettings(): Settings {
    return this.#loadSettings;
  }

  /** The stored conversation; undefined before the first prompt. */
  get conversationId(): string | undefined {
    return this.#exists ? this.#conversationId : undefined;
  }

  /** Sends a prompt and writes the answer. */
  async ask(message: string): Promise<PayloadOf<'GENERATE'>> {
    if (!this.#exists) await this.#create();
    return this.#generate({ message });
  }

  /** Generates another answer to the last question. */
  async retry(): Promise<PayloadOf<'GENERATE'>> {
    const last = (await this.#messages()).at(-1);
    if (last === undefined) throw new UsageError('There is no answer to repeat yet.');
    return this.#generate({ regenerate: last.id });
  }

  /** Continues an answer that was stopped or cut off. */
  async continue(): Promise<PayloadOf<'GENERATE'>> {
    if (!this.#exists) throw new UsageError('There is no answer to continue yet.');
    return this.#generate({ continue: true });
  }

  /** Starts a new conversation, with the same system prompt and settings. The previous one stays stored. */
  clear(): void {
    this.#conversationId = randomUUID();
    this.#exists = false;
  }

  /** Continues a stored conversation. */
  open({ id, system_prompt: system }: Conversation): void {
    this.#conversationId = id;
    this.#exists = true;
    this.#system = system ?? null;
  }

  /** Gives the conversation a title. */
  async rename(title: string): Promise<Conversation> {
    return this.#update({ title });
  }

  /** Sets the system prompt: empty for none, null for that of the model. */
  async setSystem(system: string | null): Promise<void> {
    if (this.#exists) await this.#update({ system_prompt: system });
    this.#system = system;
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

  async #generate(fields: Settings): Promise<PayloadOf<'GENERATE'>> {
    if (!this.#isLoaded) await this.#load(this.#loadSettings);
    this.#isLoaded = true;
    const request = {
      modelId: this.#modelId,
      chat_id: this.#conversationId,
      settings: this.#settings,
      ...fields,
    };
    try {
      return await answer(this.#context, request, HOW_TO_CONTINUE);
    } catch (error) {
      if (isHostError(error, 'MODEL_NOT_LOADED', 'ENGINE_CRASHED', 'ENGINE_ENDED')) this.#isLoaded = false;
      throw error;
    }
  }

  async #messages() {
    if (!this.#exists) return [];
    return this.#context.client.all('GET_CONVERSATION', ({ messages }) => messages, { id: this.#conversationId });
  }

  async #create(): Promise<void> {
    await this.#context.client.request('CREATE_CONVERSATION', { id: this.#conversationId });
    this.#exists = true;
    if (this.#system !== null) await this.#update({ system_prompt: this.#system });
  }

  async #update(changes: Settings): Promise<Conversation> {
    const request = { id: this.#conversationId, ...changes };
    return (await this.#context.client.request('UPDATE_CONVERSATION', request)).payload.conversation;
  }
}

function withSetting(settings: Settings, key: string, value: unknown): Settings {
  const { [key]: _, ...others } = settings;
  return value === undefined ? others : { ...others, [key]: value };
}
