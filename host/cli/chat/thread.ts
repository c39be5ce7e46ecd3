import { randomUUID } from 'node:crypto';
import type { PayloadOf } from '../../protocol/messages.ts';
import type { Client } from '../client.ts';
import { UsageError } from '../usage-error.ts';
import type { Conversation } from './find-conversation.ts';

/** Fields of a GENERATE request. */
export type Fields = Readonly<Record<string, unknown>>;

/** The conversation of a chat. Each method that asks for an answer returns the fields of its request. */
export interface Thread {
  /** The ID of the stored conversation; undefined if there is none. */
  readonly id: string | undefined;
  /** The system prompt: empty for none, null for that of the model. */
  readonly system: string | null;
  /** Asks a question. */
  ask(message: string): Promise<Fields>;
  /** Asks for another answer to the last question. @throws UsageError without one. */
  retry(): Promise<Fields>;
  /** Asks for the rest of the last answer. @throws UsageError without one. */
  continue(): Promise<Fields>;
  /** Takes the answer to what was asked. */
  answered(answer: Pick<PayloadOf<'GENERATE'>, 'output' | 'reasoning'>): void;
  setSystem(system: string | null): Promise<void>;
  /** @throws UsageError if the conversation is not stored. */
  rename(title: string): Promise<Conversation>;
}

const noAnswerToRepeat = () => new UsageError('There is no answer to repeat yet.');
const noAnswerToContinue = () => new UsageError('There is no answer to continue yet.');

/** A conversation that the host stores, from its first question on. */
export class StoredThread implements Thread {
  readonly #client: Client;
  readonly #id: string;
  #exists: boolean;
  #system: string | null;

  /** @param conversation Continued instead of starting a new one. */
  constructor(client: Client, conversation?: Pick<Conversation, 'id' | 'system_prompt'>) {
    this.#client = client;
    this.#id = conversation?.id ?? randomUUID();
    this.#exists = conversation !== undefined;
    this.#system = conversation?.system_prompt ?? null;
  }

  get id(): string | undefined {
    return this.#exists ? this.#id : undefined;
  }

  get system(): string | null {
    return this.#system;
  }

  async ask(message: string): Promise<Fields> {
    if (!this.#exists) await this.#create();
    return { chat_id: this.#id, message };
  }

  async retry(): Promise<Fields> {
    if (!this.#exists) throw noAnswerToRepeat();
    const { payload } = await this.#client.request('GET_CONVERSATION', { id: this.#id, from: 'end', limit: 1 });
    const last = payload.messages.at(-1);
    if (last === undefined) throw noAnswerToRepeat();
    return { chat_id: this.#id, regenerate: last.id };
  }

  async continue(): Promise<Fields> {
    if (!this.#exists) throw noAnswerToContinue();
    return { chat_id: this.#id, continue: true };
  }

  answered(): void {
    // The host has stored it.
  }

  async setSystem(system: string | null): Promise<void> {
    if (this.#exists) await this.#update({ system_prompt: system });
    this.#system = system;
  }

  async rename(title: string): Promise<Conversation> {
    if (!this.#exists) throw new UsageError('There is nothing to save yet.');
    return this.#update({ title });
  }

  async #create(): Promise<void> {
    await this.#client.request('CREATE_CONVERSATION', { id: this.#id });
    this.#exists = true;
    if (this.#system !== null) await this.#update({ system_prompt: this.#system });
  }

  async #update(changes: Fields): Promise<Conversation> {
    return (await this.#client.request('UPDATE_CONVERSATION', { id: this.#id, ...changes })).payload.conversation;
  }
}

interface TemporaryMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly reasoning_content?: string;
}

/** A conversation that is stored nowhere. */
export class TemporaryThread implements Thread {
  readonly id = undefined;
  /** Names the conversation in events. */
  readonly #id = randomUUID();
  #messages: TemporaryMessage[] = [];
  #system: string | null = null;

  get system(): string | null {
    return this.#system;
  }

  async ask(message: string): Promise<Fields> {
    // A question that was not answered is not repeated.
    if (this.#messages.at(-1)?.role === 'user') this.#messages.pop();
    this.#messages.push({ role: 'user', content: message });
    return this.#request();
  }

  async retry(): Promise<Fields> {
    if (this.#messages.length === 0) throw noAnswerToRepeat();
    if (this.#messages.at(-1)?.role === 'assistant') this.#messages.pop();
    return this.#request();
  }

  async continue(): Promise<Fields> {
    if (this.#messages.at(-1)?.role !== 'assistant') throw noAnswerToContinue();
    return { ...this.#request(), continue: true };
  }

  answered({ output, reasoning = '' }: Parameters<Thread['answered']>[0]): void {
    if (output === '' && reasoning === '') return;
    const last = this.#messages.at(-1);
    const started = last?.role === 'assistant' ? this.#messages.pop() : undefined;
    const whole = (started?.reasoning_content ?? '') + reasoning;
    this.#messages.push({
      role: 'assistant',
      content: (started?.content ?? '') + output,
      ...(whole === '' ? {} : { reasoning_content: whole }),
    });
  }

  async setSystem(system: string | null): Promise<void> {
    this.#system = system;
  }

  async rename(): Promise<never> {
    throw new UsageError('This chat is temporary: it is not stored.');
  }

  #request(): Fields {
    const instructions = this.#system === null ? [] : [{ role: 'system', content: this.#system }];
    return {
      chat_id: this.#id,
      store: false,
      messages: [...instructions, ...this.#messages],
      context_overflow: 'trim',
    };
  }
}
