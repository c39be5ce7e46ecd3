import type { PayloadOf } from '../../../host/protocol/messages.ts';
import { RequestError } from '../../host-connection.ts';
import { messageOf, type Store } from '../store.svelte.ts';

/** A conversation, as the host keeps it. */
export type Conversation = PayloadOf<'LIST_CONVERSATIONS'>['conversations'][number];

/** Something said. */
export interface Said {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** Characters of the first question that name a conversation. */
const TITLE_LENGTH = 60;

/** What comes of an answer is drawn this often, milliseconds: reading it anew at every word would take all the time. */
const DRAW_MS = 80;

/** Conversations listed. */
const LISTED = 100;

/** A chat with the active model. The host keeps what was said, so that every page and browser has it. */
export class Chat {
  conversations = $state.raw<readonly Conversation[]>([]);
  /** The one shown; undefined for a new one, which begins with its first question. */
  currentId = $state<string>();
  said = $state.raw<readonly Said[]>([]);
  /** What comes of the answer, while it comes. */
  coming = $state<string>();
  pace = $state.raw<{ readonly tokens: number; readonly perSecond: number }>();
  problem = $state('');
  readonly #store: Store;
  #running = $state.raw<AbortController>();

  constructor(store: Store) {
    this.#store = store;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Asks the host for the conversations it keeps. */
  async list(): Promise<void> {
    await this.#try(async () => {
      this.conversations = (await this.#store.request('LIST_CONVERSATIONS', { limit: LISTED })).conversations;
    });
  }

  /** Begins a new conversation. */
  begin(): void {
    this.stop();
    this.#running = undefined;
    this.coming = undefined;
    this.currentId = undefined;
    this.said = [];
    this.problem = '';
    this.pace = undefined;
  }

  /** Shows a conversation. */
  async open(id: string): Promise<void> {
    this.begin();
    this.currentId = id;
    await this.#try(async () => {
      const said: Said[] = [];
      let cursor: string | undefined;
      do {
        const page: PayloadOf<'GET_CONVERSATION'> = await this.#store.request('GET_CONVERSATION', {
          id,
          ...(cursor === undefined ? {} : { cursor }),
        });
        for (const { id: messageId, role, content } of page.messages) {
          if (role === 'user' || role === 'assistant') said.push({ id: messageId, role, content });
        }
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      if (this.currentId === id) this.said = said;
    });
  }

  /** Forgets a conversation for good. */
  async remove(id: string): Promise<void> {
    await this.#try(async () => {
      await this.#store.request('DELETE_CONVERSATION', { id });
      if (this.currentId === id) this.begin();
    });
    await this.list();
  }

  /** Asks the active model. */
  async ask(question: string): Promise<void> {
    if (this.isRunning) return;
    const controller = new AbortController();
    const isNew = this.currentId === undefined;
    const id = this.currentId ?? crypto.randomUUID();
    const isShown = () => this.#running === controller;
    this.#running = controller;
    this.currentId = id;
    this.problem = '';
    this.pace = undefined;
    this.coming = '';
    this.#show('user', question);
    const kept = this.#keep(id, 'user', question, isNew);
    let output = '';
    let pace: Chat['pace'];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer = undefined;
      if (!isShown()) return;
      this.coming = output;
      this.pace = pace;
    };
    try {
      const payload = await this.#store.request(
        'GENERATE',
        { messages: this.said.map(({ role, content }) => ({ role, content })) },
        {
          signal: controller.signal,
          onEvent: ({ type, payload: piece }) => {
            if (type !== 'generationUpdate') return;
            output += piece.token;
            pace = { tokens: piece.numTokens, perSecond: piece.tps };
            timer ??= setTimeout(draw, DRAW_MS);
          },
        },
      );
      output = payload.output;
    } catch (error) {
      if (isShown()) this.problem = messageOf(error);
    }
    clearTimeout(timer);
    draw();
    if (isShown()) {
      if (output !== '') this.#show('assistant', output);
      this.#running = undefined;
      this.coming = undefined;
    }
    await kept;
    // Also what came before it went wrong, or before the user turned to another conversation.
    if (output !== '') await this.#keep(id, 'assistant', output, false);
  }

  /** Ends the answer where it is. */
  stop(): void {
    this.#running?.abort();
  }

  #show(role: Said['role'], content: string): void {
    this.said = [...this.said, { id: crypto.randomUUID(), role, content }];
  }

  async #keep(id: string, role: Said['role'], content: string, isNew: boolean): Promise<void> {
    await this.#try(async () => {
      if (isNew) {
        const title = content.slice(0, TITLE_LENGTH).toWellFormed();
        await this.#store.request('CREATE_CONVERSATION', { id, title });
      }
      await this.#store.request('ADD_MESSAGES', { id, messages: [{ role, content }] });
      if (isNew) await this.list();
    });
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#fault(error);
    }
  }

  /** A host that went away is told by the page's banner. */
  #fault(error: unknown): void {
    if (!(error instanceof RequestError && error.code === 'HOST_DISCONNECTED')) this.problem = messageOf(error);
  }
}
