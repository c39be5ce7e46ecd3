import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostProcess, Message } from '../host/host-process.ts';
import { configure, startHost, textsIn } from './shared-folder.ts';
import type { Killable } from './steps.ts';
import { all, eventually, get, must, request, same, type World } from './world.ts';

/** The expected state of a conversation. */
interface Expected {
  title: string;
  /** The text of each message, by ID. */
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

/** Performs steps on conversations in the shared data folder and in another one that is synchronized with it. */
export class ConversationArea {
  readonly #world: World;
  readonly #here: Copy;
  readonly #there: Copy;
  readonly #folders: string[] = [];
  #elsewhere: HostProcess | undefined;
  /** Deleted and replaced texts. No host may return them, and no file may contain them. */
  readonly #deletedTexts = new Set<string>();
  /** Rows of conversations as they were before their deletion. */
  readonly #deletedRows = new Map<string, Message[]>();
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
    const reply = await request(host, 'ADD_MESSAGES', { id, messages: [{ role: 'user', content }] });
    const live = copy.live.get(id);
    if (live === undefined) {
      must(reply.code === 'CONVERSATION_NOT_FOUND', 'ADD_MESSAGES to a missing conversation fails', reply);
      return;
    }
    must(reply.status === 'success', 'ADD_MESSAGES succeeds', reply);
    live.messages.set(reply.payload.message_ids[0], content);
  }

  async delete(host: HostProcess, id: string, copy = this.#here): Promise<void> {
    const live = copy.live.get(id);
    const rows = live === undefined ? [] : await this.#rowsOf(host, id);
    const reply = await request(host, 'DELETE_CONVERSATION', { id });
    if (live === undefined) {
      must(reply.code === 'CONVERSATION_NOT_FOUND', 'DELETE_CONVERSATION of a missing conversation fails', reply);
      return;
    }
    must(reply.status === 'success', 'DELETE_CONVERSATION succeeds', reply);
    copy.live.delete(id);
    // A deletion in the other folder takes effect here only after the next synchronization.
    if (copy !== this.#here) return;
    this.#markDeleted(live);
    this.#deletedRows.set(id, rows);
  }

  /** Pushes a title from another copy. Only a later one must replace the title. */
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
    if (copy === this.#here) this.#deletedTexts.add(isLater ? live.title : title);
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
    this.#deletedTexts.add(row.content);
    live.messages.set(row.id, content);
  }

  /** Pushes rows of a deleted conversation, which must not be stored again. */
  async pushLate(host: HostProcess, id: string): Promise<void> {
    const rows = this.#deletedRows.get(id) ?? [];
    if (rows.length === 0) return;
    const plain = rows.map(({ incarnation: _, position: _2, title_updated_at: _3, ...row }) => row);
    await get(host, 'IMPORT_CONVERSATIONS', { rows: this.#next++ % 2 === 0 ? rows : plain });
  }

  /** Changes the copy in the other folder. */
  async elsewhere(id: string, change: 'add' | 'delete' | 'title' | 'create'): Promise<void> {
    const host = this.#there.host();
    if (change === 'create') await this.create(host, id, this.#there);
    if (change === 'add') await this.add(host, id, this.#there);
    if (change === 'delete') await this.delete(host, id, this.#there);
    if (change === 'title') await this.pushTitle(host, id, this.#there);
  }

  /** Synchronizes both copies twice, after which they must be equal. */
  async synchronize(host: HostProcess): Promise<void> {
    const other = this.#there.host();
    for (let round = 0; round < 2; round += 1) {
      await sendAll(host, other);
      await sendAll(other, host);
    }
    const [here, there] = [await this.#export(host), await this.#export(other)];
    same(there.map(keyOf), here.map(keyOf), 'both copies are equal after two synchronizations');
    for (const copy of [this.#here, this.#there]) this.#adopt(copy, here);
  }

  /** Checks that an export is the same after it was imported into an empty folder. */
  async copy(host: HostProcess): Promise<void> {
    const rows = await this.#export(host);
    const empty = this.#startElsewhere(0);
    await get(empty, 'IMPORT_CONVERSATIONS', { rows });
    const copied = await this.#export(empty);
    same(copied.map(keyOf), rows.map(keyOf), 'an export is imported unchanged');
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
        if ((await request(this.#world.any(), 'GET_CONVERSATION', { id })).code === undefined) return;
        this.#here.live.delete(id);
        this.#markDeleted(live);
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
      const shown = [...this.#deletedTexts].filter((text) =>
        rows.some(({ title, content }) => title === text || content === text),
      );
      must(shown.length === 0, 'deleted text is not exported', shown);
    }
  }

  /** Checks that deleted text disappears from all files of the data folder within seconds. */
  async checkFiles(): Promise<void> {
    await eventually(() => {
      const left = textsIn(this.#world.home, this.#deletedTexts);
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

  #markDeleted({ title, messages }: Expected): void {
    for (const text of [title, ...messages.values()]) this.#deletedTexts.add(text);
  }

  /** Updates the expected state of a copy to the result of a synchronization. */
  #adopt(copy: Copy, rows: readonly Message[]): void {
    const before = [...copy.live.values()].flatMap(({ title, messages }) => [title, ...messages.values()]);
    copy.live.clear();
    for (const { type, id, title } of rows) {
      if (type === 'conversation') copy.live.set(id, { title, messages: new Map() });
    }
    for (const { type, id, content, conversation_id } of rows) {
      if (type === 'message') copy.live.get(conversation_id)?.messages.set(id, content);
    }
    const after = new Set([...copy.live.values()].flatMap(({ title, messages }) => [title, ...messages.values()]));
    for (const text of before) if (!after.has(text)) this.#deletedTexts.add(text);
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

/** Sends everything from one host to another. */
async function sendAll(from: HostProcess, to: HostProcess): Promise<void> {
  const { conversations, messages } = await get(from, 'SYNC_PULL');
  await get(to, 'SYNC_PUSH', { conversations, messages });
}

function keyOf(row: Message): string {
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
