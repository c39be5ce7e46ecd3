import type { EventPayloads, RequestOf } from '../../../host/protocol/messages.ts';
import { RequestError } from '../../host-connection.ts';
import { coalesced } from '../coalesced.ts';
import { type ErrorView, viewError } from '../error-view.ts';
import type { Store } from '../store.svelte.ts';
import type { WorkerNotice } from '../worker-client.ts';
import type { ChatStorage } from './chat-storage.ts';
import {
  type Conversation,
  type ConversationSettings,
  Conversations,
  type ReadConversation,
  type StoredMessage,
} from './conversations.svelte.ts';
import { LiveAnswers } from './live-answers.svelte.ts';
import { finishTurn, temporaryTurn } from './temporary-turn.ts';
import { endOf, isEmptyFailure, isStored, reuse, type Sending } from './thread.ts';

/** How often to check for changes that another host made, such as that of another browser, milliseconds. */
const POLL_MS = 1_500;

/** Messages read at a time. Reading all of a long conversation takes longer than showing its end. */
const PAGE_LENGTH = 50;

/** The conversation that a page shows. The host stores its messages, and generates and stores the answers. */
export class Chat {
  readonly conversations: Conversations;
  /** Undefined for a new conversation, which the host creates with the first message. */
  currentId = $state<string>();
  conversation = $state.raw<Conversation>();
  /** The settings of a new conversation. The browser stores them until they are sent to the host with the first message. */
  newSettings = $state.raw<ConversationSettings>({});
  /** Whether the conversation exists only on this page. */
  isTemporary = $state(false);
  /** The messages at the end of the conversation, or all of them. */
  messages = $state.raw<readonly StoredMessage[]>([]);
  /** The number of messages before them. */
  earlier = $state(0);
  /** True until the conversation that was opened is known. */
  isLoading = $state(false);
  /** Why the conversation could not be read. */
  error = $state.raw<ErrorView>();
  /** Why the last answer failed. */
  failure = $state.raw<ErrorView>();
  /** The request that is being sent: the host has not stored its message yet. */
  sending = $state.raw<Sending>();
  /** The request that failed before the host stored its message. */
  unsent = $state.raw<Sending>();
  /** The text in the composer. */
  draft = $state('');
  readonly isRunning = $derived(this.sending !== undefined || endOf(this.messages) === 'running');
  readonly answers: LiveAnswers;
  /** The answer that the host is generating. */
  readonly running = $derived.by(() => this.answers.get(this.messages.at(-1)));
  readonly systemPrompt = $derived((this.conversation ?? this.newSettings).system_prompt ?? '');
  /** Settings of generations in this conversation. */
  readonly settings = $derived((this.conversation ?? this.newSettings).settings ?? {});
  readonly #store: Store;
  readonly #storage: ChatStorage;
  /** The cursor before the first of the messages; undefined if there are no earlier ones. */
  #start: string | undefined;
  readonly #load = coalesced(() => this.#read());

  constructor(store: Store, storage: ChatStorage) {
    this.#store = store;
    this.#storage = storage;
    this.answers = new LiveAnswers(store);
    this.conversations = new Conversations(store);
    store.onNotice((notice) => this.#onNotice(notice));
    setInterval(() => void this.#poll(), POLL_MS);
    addEventListener('pagehide', () => this.#leaveTemporary());
  }

  /** Shows the conversation that was shown last. */
  async restore(): Promise<void> {
    const id = await this.#storage.last.get();
    await this.open(id === '' ? undefined : id);
  }

  /** Shows a conversation; without an id, a new one, which is stored nowhere if it is temporary. */
  async open(id?: string, { isTemporary = false } = {}): Promise<void> {
    this.#leaveTemporary();
    this.isTemporary = isTemporary;
    this.currentId = id;
    this.conversation = undefined;
    this.newSettings = {};
    this.messages = [];
    this.earlier = 0;
    this.#start = undefined;
    this.isLoading = id !== undefined;
    this.error = undefined;
    this.failure = undefined;
    this.sending = undefined;
    this.unsent = undefined;
    this.draft = '';
    void this.#load();
    await this.#storage.last.set(id ?? '');
    const draft = isTemporary ? '' : await this.#storage.draft.get(id);
    const settings = isTemporary || id !== undefined ? {} : await this.#storage.newSettings.get();
    if (this.currentId !== id || this.isTemporary !== isTemporary) return;
    this.draft = draft;
    this.newSettings = settings;
  }

  /** Reads messages before those that are shown. */
  async readEarlier(): Promise<void> {
    const [id, before] = [this.currentId, this.#start];
    if (id === undefined || before === undefined) return;
    try {
      const { messages, start, count } = await this.conversations.readEnd(id, { limit: PAGE_LENGTH, before });
      if (this.currentId !== id || this.#start !== before) return;
      this.messages = [...messages, ...this.messages];
      this.#start = start;
      this.earlier = start === undefined ? 0 : count - this.messages.length;
    } catch (error) {
      this.#store.showError(error);
    }
  }

  /** Stores the text in the composer in the browser, except in a temporary conversation. */
  async saveDraft(): Promise<void> {
    if (!this.isTemporary) await this.#storage.draft.set(this.draft, this.currentId);
  }

  /** Asks the active model. `after` is the message that the question follows: null for none, undefined for the last one. */
  async ask(question: string, after?: string | null): Promise<void> {
    await this.#generate(
      { message: question, ...(after === undefined ? {} : { parent_id: after }) },
      { question, after },
    );
  }

  /** Generates another version of an answer. */
  async regenerate({ id, parent_id: after }: StoredMessage): Promise<void> {
    await this.#generate({ regenerate: id }, { after });
  }

  /** Continues the last answer. */
  async continue(): Promise<void> {
    await this.#generate({ continue: true }, {});
  }

  /** Retries the answer that failed. */
  async retry(): Promise<void> {
    const last = this.messages.at(-1);
    const { question, after } = this.unsent ?? {};
    if (question !== undefined) await this.ask(question, after);
    else if (last?.role === 'user') await this.#generate({ regenerate: last.id }, {});
    else if (last !== undefined && isEmptyFailure(last)) await this.continue();
    else if (last !== undefined) await this.regenerate(last);
  }

  /** Removes the question that was not answered, and returns its text. */
  async discardUnanswered(): Promise<string> {
    const { currentId: id } = this;
    const { question } = this.unsent ?? {};
    this.failure = undefined;
    this.unsent = undefined;
    if (question !== undefined) return question;
    const first = this.messages.findLastIndex(({ role }) => role === 'user');
    const removed = this.messages.slice(first);
    if (this.isTemporary) this.messages = this.messages.slice(0, first);
    else if (id !== undefined) await this.conversations.deleteMessages(id, removed);
    return removed[0]?.content ?? '';
  }

  /** Stops the running answer; the host stores the text so far. */
  stop(): void {
    if (this.currentId !== undefined) this.#store.post({ kind: 'stop', conversationId: this.currentId });
  }

  /** Changes the settings of the conversation. */
  async change(settings: ConversationSettings): Promise<void> {
    if (this.conversation !== undefined) {
      await this.conversations.update(this.conversation.id, settings);
      return;
    }
    this.newSettings = { ...this.newSettings, ...settings };
    if (this.currentId === undefined && !this.isTemporary) await this.#storage.newSettings.set(this.newSettings);
  }

  async #generate(fields: Partial<RequestOf<'GENERATE'>>, sending: Omit<Sending, 'before'>): Promise<void> {
    if (this.isRunning) return;
    const id = this.currentId ?? crypto.randomUUID();
    this.currentId = id;
    this.failure = undefined;
    this.unsent = undefined;
    if (this.isTemporary) return this.#generateTemporary(id, fields);
    this.sending = { ...sending, before: new Set(this.messages.map((message) => message.id)) };
    try {
      // GENERATE creates a conversation that does not exist, but without settings.
      if (Object.keys(this.newSettings).length > 0) await this.conversations.create(id, this.newSettings);
      await this.#store.request('GENERATE', { chat_id: id, ...fields });
    } catch (error) {
      if (this.currentId === id) this.failure = viewError(error);
    }
    await this.#load();
    if (this.currentId !== id) return;
    if (this.failure !== undefined && this.sending?.question !== undefined) this.unsent = this.sending;
    this.sending = undefined;
  }

  async #generateTemporary(conversationId: string, fields: Partial<RequestOf<'GENERATE'>>): Promise<void> {
    const { systemPrompt, settings } = this;
    const turn = temporaryTurn(this.messages, fields, { conversationId, systemPrompt, settings });
    this.messages = turn.messages;
    const { answer, error } = await finishTurn(turn, this.#store, () => this.answers.get(turn.answer));
    if (this.currentId !== conversationId) return;
    this.messages = [...turn.messages.slice(0, -1), answer];
    this.failure = error;
  }

  #leaveTemporary(): void {
    if (this.isTemporary && this.isRunning) this.stop();
  }

  async #read(): Promise<void> {
    const { currentId: id } = this;
    if (id === undefined || this.isTemporary) return;
    const before = this.#start;
    try {
      const { conversation, messages, start, count } = await this.#readShown(id);
      if (this.currentId !== id) return;
      // Earlier messages have been read meanwhile, which this would remove.
      if (this.#start !== before) return await this.#read();
      this.conversation = conversation;
      this.newSettings = {};
      this.messages = reuse(this.messages, messages);
      this.#start = start;
      this.earlier = start === undefined ? 0 : count - messages.length;
      this.isLoading = false;
      this.error = undefined;
      await this.#forgetStored(id);
    } catch (error) {
      // A new conversation does not exist before its first message, and the banner shows a lost connection.
      const code = error instanceof RequestError ? error.code : undefined;
      if (this.currentId === id) this.isLoading = false;
      if (this.currentId !== id || code === 'CONVERSATION_NOT_FOUND' || code === 'HOST_DISCONNECTED') return;
      this.error = viewError(error);
    }
  }

  /** Reads the messages that are shown again, and later ones; of a conversation that was just opened, the last ones. */
  async #readShown(id: string): Promise<ReadConversation> {
    if (this.messages.length > 0) {
      const read = await this.conversations.read(id, this.#start);
      // Without a message, another branch is shown now.
      if (read.messages.length > 0) return read;
    }
    return this.conversations.readEnd(id, { limit: PAGE_LENGTH });
  }

  /** Removes the browser's copy of a message that the host has stored. */
  async #forgetStored(id: string): Promise<void> {
    const sending = this.sending ?? this.unsent;
    if (sending === undefined || !isStored(this.messages, sending)) return;
    this.sending = undefined;
    this.unsent = undefined;
    if (sending.before.size === 0) await Promise.all([this.#storage.draft.set(''), this.#storage.newSettings.set({})]);
    await Promise.all([this.#storage.last.set(id), this.saveDraft()]);
  }

  #onNotice(notice: WorkerNotice): void {
    if (notice.kind === 'state' && notice.state.status === 'connected') {
      // It may have failed because the connection was lost.
      if (this.unsent === undefined) this.failure = undefined;
      void this.#refresh();
    } else if (notice.kind !== 'event') return;
    else if (notice.event.type === 'generationUpdate') this.answers.append(notice.event.payload);
    else if (notice.event.type === 'conversationChanged') void this.#onChange(notice.event.payload);
  }

  async #onChange({ conversation_id: id, kind }: EventPayloads['conversationChanged']): Promise<void> {
    if (id === this.currentId && kind === 'deleted') await this.open();
    if (id === null || id === this.currentId) await this.#refresh();
    else await this.conversations.refresh();
  }

  async #refresh(): Promise<void> {
    await Promise.all([this.conversations.refresh(), this.#load()]);
    await this.answers.read();
  }

  /** Reads what another host has changed, or is generating: this browser's host does not report that. */
  async #poll(): Promise<void> {
    if (document.hidden || !this.#store.isConnected) return;
    await this.conversations.refresh();
    const listed = this.conversations.list.find(({ id }) => id === this.currentId);
    const isChanged = listed !== undefined && JSON.stringify(listed) !== JSON.stringify(this.conversation);
    if (isChanged || (endOf(this.messages) === 'running' && this.running === undefined)) await this.#load();
  }
}
