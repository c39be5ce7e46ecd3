import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostProcess, Message } from '../host/host-process.ts';
import { configure, startHost, textsIn } from './shared-folder.ts';
import type { Killable } from './steps.ts';
import { all, ask, eventually, get, must, same, type World } from './world.ts';

/** What must be true of one conversation. */
interface Expected {
  title: string;
  /** Text by id of the message. */
  readonly messages: Map<string, string>;
}

/** A data folder with conversations. */
class Copy {
  readonly live = new Map<string, Expected>();
  readonly host: () => HostProcess;

  constructor(host: () => HostProcess) {
    this.host = host;
  }
}

/** Conversations in the shared data folder and in a copy elsewhere, with which they are synchronized. */
export class ConversationArea {
  readonly #world: World;
  readonly #here: Copy;
  readonly #there: Copy;
  readonly #folders: string[] = [];
  #elsewhere: HostProcess | undefined;
  /** Deleted and replaced texts. They must never be returned again, and must be in no file. */
  readonly #dead = new Set<string>();
  /** Rows of conversations as they were before their deletion. */
  readonly #late = new Map<string, Message[]>();
  #next = 1;

  constructor(world: World) {
    this.#world = world;
    this.#here = new Copy(() => world.any());
    this.#there = new Copy(() => {
      this.#elsewhere ??= this.#startElsewhere(90_000);
      return this.#elsewhere;
    });
  }

  async create(host: HostProcess, id: string, copy = this.#here): Promise<void> {
    const title = this.#text('title');
    const { conversation } = await get(host, 'CREATE_CONVERSATION', { id, title });
    const live = copy.live.get(id);
    must(
      conversation.title === (live?.title ?? title),
      'CREATE_CONVERSATION keeps an existing conversation',
      conversation,
    );
    if (live === undefined) copy.live.set(id, { title, messages: new Map() });
  }

  async add(host: HostProcess, id: string, copy = this.#here): Promise<void> {
    const content = this.#text('message');
    const reply = await ask(host, 'ADD_MESSAGES', { id, messages: [{ role: 'user', content }] });
    const live = copy.live.get(id);
    if (live === undefined) {
      must(reply.code === 'CONVERSATION_NOT_FOUND', 'ADD_MESSAGES to no conversation is refused', reply);
      return;
    }
    must(reply.status === 'success', 'ADD_MESSAGES succeeds', reply);
    live.messages.set(reply.payload.message_ids[0], content);
  }

  async delete(host: HostProcess, id: string, copy = this.#here): Promise<void> {
    const live = copy.live.get(id);
    const rows = live === undefined ? [] : await this.#rowsOf(host, id);
    const reply = await ask(host, 'DELETE_CONVERSATION', { id });
    if (live === undefined) {
      must(reply.code === 'CONVERSATION_NOT_FOUND', 'DELETE_CONVERSATION of none is refused', reply);
      return;
    }
    must(reply.status === 'success', 'DELETE_CONVERSATION succeeds', reply);
    copy.live.delete(id);
    // A deletion elsewhere is one here after the next synchronization.
    if (copy !== this.#here) return;
    this.#deleted(live);
    this.#late.set(id, rows);
  }

  /** A title from another copy: a later one is taken, an earlier one is not. */
  async pushTitle(host: HostProcess, id: string, copy = this.#here): Promise<void> {
    const live = copy.live.get(id);
    const row = (await this.#rowsOf(host, id)).find(({ type }) => type === 'conversation');
    if (live === undefined || row === undefined) return;
    const title = this.#text('title');
    const isLater = this.#next % 3 > 0;
    const at = row.title_updated_at + (isLater ? 1 : -1);
    await get(host, 'SYNC_PUSH', {
      conversations: [{ ...row, title, title_updated_at: at, updated_at: Math.max(at, row.updated_at) }],
    });
    if (copy === this.#here) this.#dead.add(isLater ? live.title : title);
    if (isLater) live.title = title;
  }

  async pushMessage(host: HostProcess, id: string): Promise<void> {
    const live = this.#here.live.get(id);
    const row = (await this.#rowsOf(host, id)).find(({ type }) => type === 'conversation');
    if (live === undefined || row === undefined) return;
    const [messageId, content, at] = [this.#text('id'), this.#text('message'), row.updated_at + 1];
    const { incarnation } = row;
    const messages = [{ id: messageId, conversation_id: id, role: 'user', content, created_at: at, incarnation }];
    const { messages: counts } = await get(host, 'SYNC_PUSH', { messages });
    must(counts.synced === 1, 'SYNC_PUSH stores a new message', counts);
    live.messages.set(messageId, content);
  }

  async replaceMessage(host: HostProcess, id: string): Promise<void> {
    const live = this.#here.live.get(id);
    const row = (await this.#rowsOf(host, id)).find(({ type }) => type === 'message');
    if (live === undefined || row === undefined) return;
    const content = this.#text('message');
    await get(host, 'SYNC_PUSH', { messages: [{ ...row, content, updated_at: row.updated_at + 1 }] });
    this.#dead.add(row.content);
    live.messages.set(row.id, content);
  }

  /** Pushes rows of a deleted conversation, which must not be stored again. */
  async pushLate(host: HostProcess, id: string): Promise<void> {
    const rows = this.#late.get(id) ?? [];
    if (rows.length === 0) return;
    const plain = rows.map(({ incarnation: _, position: _2, title_updated_at: _3, ...row }) => row);
    await get(host, 'IMPORT_CONVERSATIONS', { rows: this.#next++ % 2 === 0 ? rows : plain });
  }

  /** A change in the copy elsewhere. */
  async elsewhere(id: string, change: 'add' | 'delete' | 'title' | 'create'): Promise<void> {
    const host = this.#there.host();
    if (change === 'create') await this.create(host, id, this.#there);
    if (change === 'add') await this.add(host, id, this.#there);
    if (change === 'delete') await this.delete(host, id, this.#there);
    if (change === 'title') await this.pushTitle(host, id, this.#there);
  }

  /** Exchanges everything twice, after which both copies must be equal. */
  async synchronize(host: HostProcess): Promise<void> {
    const other = this.#there.host();
    for (let round = 0; round < 2; round += 1) {
      await exchange(host, other);
      await exchange(other, host);
    }
    const [here, there] = [await this.#export(host), await this.#export(other)];
    same(there.map(keyOf), here.map(keyOf), 'after two exchanges both copies are equal');
    for (const copy of [this.#here, this.#there]) this.#take(copy, here);
  }

  /** Checks that an export that is imported into an empty folder is exported unchanged. */
  async copy(host: HostProcess): Promise<void> {
    const rows = await this.#export(host);
    const empty = this.#startElsewhere(0);
    await get(empty, 'IMPORT_CONVERSATIONS', { rows });
    const copied = await this.#export(empty);
    same(copied.map(keyOf), rows.map(keyOf), 'an export is imported as it was');
    await empty.kill();
  }

  killable(host: HostProcess, action: Killable, id: string): (() => Promise<void>) | undefined {
    const live = this.#here.live.get(id);
    if (live === undefined) return undefined;
    if (action === 'addMessage') {
      const content = this.#text('message');
      void host.request('ADD_MESSAGES', { id, messages: [{ role: 'user', content }] }).catch(() => {});
      return async () => {
        const { messages } = await get(this.#world.any(), 'GET_CONVERSATION', { id });
        const found = messages.find((message: Message) => message.content === content);
        if (found !== undefined) live.messages.set(found.id, content);
      };
    }
    if (action === 'deleteConversation') {
      void host.request('DELETE_CONVERSATION', { id }).catch(() => {});
      return async () => {
        if ((await ask(this.#world.any(), 'GET_CONVERSATION', { id })).code === undefined) return;
        this.#here.live.delete(id);
        this.#deleted(live);
      };
    }
    return undefined;
  }

  async check(): Promise<void> {
    for (const host of this.#world.running) {
      const { live } = this.#here;
      const listed = await all(host, 'LIST_CONVERSATIONS', 'conversations');
      same(
        listed.map(({ id, title }) => `${id} ${title}`),
        [...live].map(([id, { title }]) => `${id} ${title}`),
        'every host lists the same conversations',
      );
      for (const [id, { messages }] of live) {
        const found = (await get(host, 'GET_CONVERSATION', { id })).messages;
        same(
          found.map((message: Message) => `${message.id} ${message.content}`),
          [...messages].map((entry) => entry.join(' ')),
          `every host has the messages of ${id}`,
        );
      }
      const rows = await this.#export(host);
      const shown = [...this.#dead].filter((text) =>
        rows.some(({ title, content }) => title === text || content === text),
      );
      must(shown.length === 0, 'deleted text is not exported', shown);
    }
  }

  /** Deleted text leaves the files of a data folder within seconds. */
  async checkFiles(): Promise<void> {
    await eventually(() => {
      const left = textsIn(this.#world.home, this.#dead);
      must(left.length === 0, 'deleted text is in no file', left);
    });
  }

  async close(): Promise<void> {
    await this.#elsewhere?.kill();
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }

  #startElsewhere(clockShiftMs: number): HostProcess {
    const home = mkdtempSync(join(tmpdir(), 'tabagent-state-copy-'));
    this.#folders.push(home);
    configure(home);
    return startHost(home, this.#world.hub, clockShiftMs);
  }

  #deleted({ title, messages }: Expected): void {
    for (const text of [title, ...messages.values()]) this.#dead.add(text);
  }

  /** Updates the expected state of a copy to the result of a synchronization. */
  #take(copy: Copy, rows: readonly Message[]): void {
    const before = [...copy.live.values()].flatMap(({ title, messages }) => [title, ...messages.values()]);
    copy.live.clear();
    for (const { type, id, title } of rows) {
      if (type === 'conversation') copy.live.set(id, { title, messages: new Map() });
    }
    for (const { type, id, content, conversation_id } of rows) {
      if (type === 'message') copy.live.get(conversation_id)?.messages.set(id, content);
    }
    const after = new Set([...copy.live.values()].flatMap(({ title, messages }) => [title, ...messages.values()]));
    for (const text of before) if (!after.has(text)) this.#dead.add(text);
  }

  #export(host: HostProcess): Promise<Message[]> {
    return all(host, 'EXPORT_CONVERSATIONS', 'rows');
  }

  async #rowsOf(host: HostProcess, id: string): Promise<Message[]> {
    return (await this.#export(host)).filter(
      (row) => (row.type === 'conversation' ? row.id : row.conversation_id) === id,
    );
  }

  /** Returns a text that occurs nowhere else. */
  #text(kind: string): string {
    return `${kind}-${String(this.#next++).padStart(6, '0')}`;
  }
}

/** Sends everything that `from` has to `to`. */
async function exchange(from: HostProcess, to: HostProcess): Promise<void> {
  const { conversations, messages } = await get(from, 'SYNC_PULL');
  await get(to, 'SYNC_PUSH', { conversations, messages });
}

function keyOf(row: Message): string {
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
