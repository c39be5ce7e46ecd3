import { RequestError } from '../../host-connection.ts';
import { CONVERSATION_ACTIONS } from '../../worker/page-messages.ts';
import { type ErrorView, viewError } from '../error-view.ts';
import { t } from '../i18n.ts';
import type { Store } from '../store.svelte.ts';
import type { WorkerNotice } from '../worker-client.ts';
import { AnswerStream } from './answer-stream.svelte.ts';
import type { ChatStorage } from './chat-storage.ts';
import { Conversations, type StoredMessage, unixTime } from './conversations.svelte.ts';
import { answeredTurns, type ChatMessage, endedTurns, type PromptMessage, withoutOldestTurns } from './history.ts';

/** A question that has no answer: it failed, or its page was closed before it was sent. */
export interface UnansweredQuestion {
  readonly question: string;
  readonly error: ErrorView | undefined;
  /** The messages that its answer was to replace. */
  readonly replaced: readonly ChatMessage[];
}

/** Share of the context that a trimmed conversation may fill. The rest is for the answer. */
const TRIMMED_SHARE = 0.6;

/** The conversation that a page shows. The host stores its messages, and adds each question with its answer. */
export class Chat {
  readonly conversations: Conversations;
  readonly answers = new AnswerStream();
  /** Undefined for a new conversation, which the host creates with the first answer. */
  currentId = $state<string>();
  messages = $state.raw<readonly ChatMessage[]>([]);
  /** Why the conversation could not be read. */
  error = $state.raw<ErrorView>();
  unanswered = $state.raw<UnansweredQuestion>();
  /** The text in the composer. */
  draft = $state('');
  /** True if the last answer ended because it reached a length limit. */
  isCut = $state(false);
  /** Messages that were left out of the last request, because the context was full. */
  trimmedCount = $state(0);
  readonly running = $derived.by(() => this.answers.get(this.currentId));
  readonly #store: Store;
  readonly #storage: ChatStorage;
  /** Messages that a running answer replaces. */
  #replaced: ReadonlySet<string> = new Set();

  constructor(store: Store, storage: ChatStorage) {
    this.#store = store;
    this.#storage = storage;
    this.conversations = new Conversations(store);
    store.onNotice((notice) => void this.#onNotice(notice));
  }

  /** Shows the conversation that was shown last. */
  async restore(): Promise<void> {
    const id = await this.#storage.last.get();
    await this.open(id === '' ? undefined : id);
  }

  /** Shows a conversation; without an id, a new one. */
  async open(id?: string): Promise<void> {
    this.currentId = id;
    this.messages = [];
    this.error = undefined;
    this.unanswered = undefined;
    this.isCut = false;
    this.trimmedCount = 0;
    this.draft = '';
    await this.#storage.last.set(id ?? '');
    const draft = await this.#storage.draft.get(id);
    if (this.currentId === id) this.draft = draft;
    if (id === undefined) return;
    await this.#load(id);
    const question = await this.#storage.pending.get(id);
    if (this.currentId !== id || question === '' || this.running !== undefined) return;
    // The page that asked was closed. If the answer was stored after all, the question is in the conversation.
    if (this.messages.findLast(({ role }) => role === 'user')?.content === question) await this.#forgetPending(id);
    else this.unanswered = { question, error: undefined, replaced: [] };
  }

  /** Stores the text in the composer, so that it outlives the page. */
  async saveDraft(): Promise<void> {
    await this.#storage.draft.set(this.draft, this.currentId);
  }

  /** Asks the active model. The new answer takes the place of `replaced`, once it is complete. */
  async ask(question: string, replaced: readonly ChatMessage[] = []): Promise<void> {
    if (this.running !== undefined) return;
    const id = this.currentId ?? crypto.randomUUID();
    if (this.currentId === undefined) await this.#storage.draft.set('');
    this.currentId = id;
    this.unanswered = undefined;
    this.isCut = false;
    this.trimmedCount = 0;
    await Promise.all([this.#storage.last.set(id), this.#storage.pending.set(question, id)]);
    const replacedIds = new Set(replaced.map((message) => message.id));
    const before = this.messages.filter((message) => !replacedIds.has(message.id));
    this.#replaced = replacedIds;
    this.messages = before;
    try {
      const messages = [...answeredTurns(before), { role: 'user' as const, content: question }];
      const { finishReason } = await this.#generate(id, messages);
      await this.#forgetPending(id);
      if (replaced.length > 0) await this.#deleteReplaced(id, replaced);
      if (this.currentId === id) this.isCut = finishReason === 'length';
    } catch (error) {
      this.#replaced = new Set();
      if (this.currentId !== id) return;
      await this.#load(id);
      this.unanswered = { question, error: viewError(error), replaced };
    }
  }

  /** Stops the running answer; the host stores the text so far. */
  stop(): void {
    if (this.currentId !== undefined) this.#store.post({ kind: 'stop', conversationId: this.currentId });
  }

  /** Asks the last question again. */
  async retry(): Promise<void> {
    const { unanswered } = this;
    if (unanswered !== undefined) return this.ask(unanswered.question, unanswered.replaced);
    const last = this.messages.findLastIndex(({ role }) => role === 'user');
    const question = this.messages[last];
    if (question !== undefined) await this.ask(question.content, this.messages.slice(last));
  }

  /** Asks another question in the place of one; what follows it is replaced. */
  async edit(message: ChatMessage, question: string): Promise<void> {
    await this.ask(question, this.messages.slice(this.messages.indexOf(message)));
  }

  /** Removes a question that has no answer. */
  async discardUnanswered(): Promise<void> {
    this.unanswered = undefined;
    if (this.currentId !== undefined) await this.#forgetPending(this.currentId);
  }

  async delete(id: string): Promise<void> {
    await this.conversations.delete(id);
    if (this.currentId === id) await this.open();
  }

  /** Sends a conversation, without its oldest turns if it does not fit the model's context. */
  async #generate(id: string, messages: readonly PromptMessage[]) {
    let sent = messages;
    for (;;) {
      try {
        return await this.#store.request('GENERATE', {
          chat_id: id,
          messages: sent.map((message) => ({ ...message })),
        });
      } catch (error) {
        const shorter = isOverflow(error) ? withoutOldestTurns(sent, shareOf(error)) : undefined;
        if (shorter === undefined) throw error;
        sent = shorter;
        this.trimmedCount = messages.length - sent.length;
      }
    }
  }

  async #load(id: string): Promise<void> {
    try {
      const { messages } = await this.conversations.read(id);
      if (this.currentId !== id) return;
      this.messages = endedTurns(messages)
        .flatMap(chatMessage)
        .filter((message) => !this.#replaced.has(message.id));
      this.error = undefined;
    } catch (error) {
      // The host creates a conversation with its first answer; the banner shows a lost connection.
      const code = error instanceof RequestError ? error.code : undefined;
      if (this.currentId !== id || code === 'CONVERSATION_NOT_FOUND' || code === 'HOST_DISCONNECTED') return;
      this.error = viewError(error);
    }
  }

  async #onNotice(notice: WorkerNotice): Promise<void> {
    if (notice.kind === 'answerEnded') {
      if (notice.conversationId === this.currentId) await this.#load(notice.conversationId);
      this.answers.remove(notice.conversationId);
    } else if (notice.kind === 'state' && notice.state.status === 'connected') {
      await this.conversations.refresh();
      if (this.currentId !== undefined) await this.#load(this.currentId);
    } else if (notice.kind === 'changed' && CONVERSATION_ACTIONS.has(notice.action)) {
      await this.conversations.refresh();
      if (this.currentId !== undefined && this.running === undefined) await this.#load(this.currentId);
    } else this.answers.apply(notice);
  }

  async #forgetPending(id: string): Promise<void> {
    await this.#storage.pending.set('', id);
  }

  /** Deletes the messages that a new answer replaces. A notice offers to have them back instead. */
  async #deleteReplaced(id: string, replaced: readonly ChatMessage[]): Promise<void> {
    const { messages } = await this.conversations.read(id);
    const ids = new Set(replaced.map((message) => message.id));
    const old = messages.filter((message) => ids.has(message.id));
    const added = messages.slice(messages.findLastIndex(({ role }) => role === 'user'));
    await this.#swap(added, old);
    this.#replaced = new Set();
    const undo = () => void this.#swap(old, added);
    this.#store.toasts.show(t('answerReplaced'), { label: t('undo'), run: undo });
  }

  /** Deletes some messages of a conversation and stores others. */
  async #swap(stored: readonly StoredMessage[], deleted: readonly StoredMessage[]): Promise<void> {
    const updated_at = unixTime();
    await this.#store.attempt('SYNC_PUSH', {
      messages: [
        ...stored.map((message) => ({ ...message, updated_at })),
        ...deleted.map((message) => ({ ...message, updated_at, deleted: true })),
      ],
    });
  }
}

function isOverflow(error: unknown): error is RequestError {
  return error instanceof RequestError && error.code === 'CONTEXT_OVERFLOW';
}

/** Returns the share of a prompt that fits the context, by the host's count; a remote engine does not report one. */
function shareOf({ details }: RequestError): number {
  const { promptTokens, contextSize } = details ?? {};
  if (typeof promptTokens !== 'number' || typeof contextSize !== 'number') return TRIMMED_SHARE;
  return (contextSize / promptTokens) * TRIMMED_SHARE;
}

function chatMessage({ id, role, content, created_at: createdAt }: StoredMessage): ChatMessage[] {
  return role === 'user' || role === 'assistant' ? [{ id, role, content, createdAt }] : [];
}
