import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { isHostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import type { Logger } from '../common/log.ts';
import type { StartedTurn, TurnOptions, TurnStart } from './answers.ts';
import type { ConversationStore } from './conversation-store.ts';
import type { Conversation, MessageDetails, MessageStatus } from './types.ts';

/** How often a growing answer is stored, milliseconds. */
const SAVE_MS = 1_000;

/** Longest reasoning that is stored with an answer, characters: both must fit in a reply of 1 MiB. */
const MAX_REASONING_CHARACTERS = 128 * 1024;

/** The text of an answer, which grows while it is generated. */
export interface GeneratedText {
  readonly text: string;
  readonly reasoning: string;
}

/** How an answer ended. */
export interface AnswerEnd {
  readonly status: Exclude<MessageStatus, 'streaming'>;
  readonly details?: MessageDetails | undefined;
}

/**
 * Stores answers while they are generated. A host holds a lock from its first answer on. When it was killed, another
 * host finds the lock released and marks the unfinished answers as stopped.
 */
export class AnswerService {
  readonly #conversations: () => Promise<ConversationStore>;
  readonly #locks: string;
  readonly #log: Logger;
  readonly #onChange: (conversation: string, kind: 'created' | 'messages') => void;
  readonly #writer = randomUUID();
  #lock: FileLock | undefined;

  constructor(options: {
    conversations: () => Promise<ConversationStore>;
    locks: string;
    log: Logger;
    onChange: (conversation: string, kind: 'created' | 'messages') => void;
  }) {
    this.#conversations = options.conversations;
    this.#locks = options.locks;
    this.#log = options.log;
    this.#onChange = options.onChange;
  }

  /**
   * Stores a question and starts its answer.
   *
   * @param generated The text of the answer, which is read whenever the answer is stored.
   * @throws HostError as `Conversations.startTurn` does.
   */
  async start(id: string, start: TurnStart, options: TurnOptions, generated: GeneratedText): Promise<StoredAnswer> {
    const store = await this.#conversations();
    this.#lock ??= FileLock.try(this.#lockOf(this.#writer));
    const turn = await store.startTurn(id, start, { ...options, writer: this.#writer });
    this.#onChange(id, turn.isNew ? 'created' : 'messages');
    return new StoredAnswer({
      turn,
      generated,
      store,
      writer: this.#writer,
      log: this.#log,
      onEnd: () => this.#onChange(id, 'messages'),
    });
  }

  /** Marks the answers that killed hosts left unfinished as stopped. */
  async endAbandoned(): Promise<void> {
    const store = await this.#conversations();
    for (const writer of await store.otherWriters(this.#writer)) {
      if (FileLock.isHeld(this.#lockOf(writer))) continue;
      for (const id of await store.endWriter(writer)) this.#onChange(id, 'messages');
    }
  }

  /** Marks the answers that are still being generated as stopped. */
  async close(): Promise<void> {
    if (this.#lock === undefined) return;
    try {
      await (await this.#conversations()).endWriter(this.#writer);
    } catch (error) {
      // The next host marks them.
      this.#log.warn('conversations.answers-not-ended', { error });
    }
    this.#lock.release();
  }

  /** The id of a writer comes from the database, so it is not used as a path unchecked. */
  #lockOf(writer: string): string {
    return join(this.#locks, `answers-${writer.replace(/[^\w-]/g, '_').slice(0, 64)}.lock`);
  }
}

/** An answer that is being generated and stored. */
export class StoredAnswer {
  readonly turn: StartedTurn & { readonly conversation: Conversation };
  readonly #generated: GeneratedText;
  readonly #store: ConversationStore;
  readonly #writer: string;
  readonly #log: Logger;
  readonly #onEnd: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: {
    turn: StartedTurn & { readonly conversation: Conversation };
    generated: GeneratedText;
    store: ConversationStore;
    writer: string;
    log: Logger;
    onEnd: () => void;
  }) {
    this.turn = options.turn;
    this.#generated = options.generated;
    this.#store = options.store;
    this.#writer = options.writer;
    this.#log = options.log;
    this.#onEnd = options.onEnd;
  }

  /** Stores the text generated so far, within {@link SAVE_MS}. */
  saveSoon(): void {
    this.#timer ??= setTimeout(() => void this.#save(), SAVE_MS);
    this.#timer.unref();
  }

  /** Stores the complete answer. @throws HostError if that fails. */
  async end({ status, details }: AnswerEnd): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#store.finishAnswer(this.turn.answerId, this.#writer, { ...this.#answer(details), status });
    this.#onEnd();
  }

  async #save(): Promise<void> {
    try {
      await this.#store.saveAnswer(this.turn.answerId, this.#writer, this.#answer());
    } catch (error) {
      // The next attempt may succeed; if storing the complete answer fails, too, that is reported.
      if (!isHostError(error)) throw error;
      this.#log.warn('conversations.answer-not-saved', { code: error.code });
    } finally {
      this.#timer = undefined;
    }
  }

  #answer(details: MessageDetails = {}) {
    const reasoning = this.#generated.reasoning.slice(0, MAX_REASONING_CHARACTERS).toWellFormed();
    const all = { ...(reasoning === '' ? {} : { reasoning_content: reasoning }), ...details };
    return { content: this.#generated.text.toWellFormed(), details: Object.keys(all).length === 0 ? null : all };
  }
}
