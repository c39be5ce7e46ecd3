import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Conversations } from '../../../host/conversations/conversations.ts';
import type { Synced } from '../../../host/conversations/types.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { KeptLog } from '../../support/logs.ts';

let folder: ReturnType<typeof tempFolder>;
let file: string;
let store: Conversations;

beforeEach(async () => {
  folder = tempFolder('conversations');
  file = join(folder.path, 'conversations.sqlite');
  store = await Conversations.open(file, new KeptLog());
});
afterEach(() => {
  store.close();
  folder.remove();
});

const ALL = { start: 0, count: 100 };

function row(id: string, updated_at: number, more: Partial<Synced['conversations'][number]> = {}) {
  return {
    id,
    user_id: 'default',
    title: id,
    topic: null,
    domain: null,
    created_at: 1,
    updated_at,
    deleted: false,
    ...more,
  };
}

function said(id: string, conversation_id: string, updated_at: number, content = id, deleted = false) {
  return { id, conversation_id, role: 'user', content, created_at: updated_at, updated_at, deleted };
}

describe('a conversation', () => {
  it('keeps its messages in the order they were said, over a restart', async () => {
    store.create({ id: 'a', title: 'First' });
    store.addMessages('a', [
      { role: 'user', content: 'one\u0000 🙂' },
      { role: 'assistant', content: 'two' },
    ]);
    store.addMessages('a', [{ role: 'user', content: 'three' }]);
    store.close();
    store = await Conversations.open(file, new KeptLog());
    expect(store.messages('a', ALL).items.map(({ content }) => content)).toEqual(['one\u0000 🙂', 'two', 'three']);
    expect(store.get('a')).toMatchObject({ title: 'First', user_id: 'default', topic: null });
  });

  it('that is made twice is the first one', () => {
    store.create({ id: 'a', title: 'First' });
    expect(store.create({ id: 'a', title: 'Second' })).toMatchObject({
      existed: true,
      conversation: { title: 'First' },
    });
  });

  it('with the newest message comes first in the list, and a page begins where it is asked to', () => {
    for (const [i, id] of ['a', 'b', 'c'].entries()) store.create({ id, created_at: i + 1 });
    store.addMessages('a', [{ role: 'user', content: 'now' }]);
    expect(store.list(ALL).items.map(({ id }) => id)).toEqual(['a', 'c', 'b']);
    expect(store.list({ start: 1, count: 1 })).toMatchObject({ items: [{ id: 'c' }], total: 3 });
  });

  it('that nobody made is not found, for reading, adding or deleting', () => {
    const message = { role: 'user', content: 'x' };
    for (const use of [() => store.get('no'), () => store.addMessages('no', [message]), () => store.delete('no')]) {
      expect(use).toThrow(expect.objectContaining({ code: 'CONVERSATION_NOT_FOUND' }));
    }
  });

  it('leaves no text on the disk once it is deleted, and can be made anew', async () => {
    store.create({ id: 'a', title: 'Secret plans' });
    store.addMessages('a', [{ role: 'user', content: 'meet at dawn' }]);
    store.delete('a');
    expect(store.list(ALL).total).toBe(0);
    expect(store.search('dawn', { count: 10 })).toEqual([]);
    const raw = new DatabaseSync(file);
    expect(raw.prepare('SELECT title FROM conversations').all()).toEqual([{ title: '' }]);
    expect(raw.prepare('SELECT content FROM messages').all()).toEqual([{ content: '' }]);
    raw.close();
    store.close();
    for (const word of ['Secret', 'secret', 'dawn']) expect(readFileSync(file).includes(word)).toBe(false);
    store = await Conversations.open(file, new KeptLog());
    store.create({ id: 'a', title: 'Again' });
    expect(store.get('a').title).toBe('Again');
    expect(store.messages('a', ALL).items).toEqual([]);
  });

  it('is readable by its user alone', () => {
    expect(statSync(file).mode & 0o077).toBe(0);
  });
});

describe('a search', () => {
  beforeEach(() => {
    store.create({ id: 'bread', title: 'Baking bread' });
    store.addMessages('bread', [{ role: 'user', content: 'How long must the dough rest? Crème fraîche beside it.' }]);
    store.create({ id: 'boats', title: 'Boats' });
    store.addMessages('boats', [
      { role: 'user', content: 'A boat, some bread and water. "OR" NEAR(x) -minus title:y *' },
    ]);
    store.create({ id: 'tokyo', title: '東京の天気' });
  });
  const found = (query: string) => store.search(query, { count: 10 }).map(({ id }) => id);

  it('finds all the words in any order, the last one by its beginning, whatever their accents and case', () => {
    expect(found('REST dough')).toEqual(['bread']);
    expect(found('creme fra')).toEqual(['bread']);
    expect(found('dough water')).toEqual([]);
  });

  it('puts a conversation first that has the words in its title, and gives each once', () => {
    expect(found('bread')).toEqual(['bread', 'boats']);
  });

  it.each(['"', 'OR', 'NEAR(x)', '-minus', 'title:y', '*', "'; DROP TABLE messages; --", '((('])(
    'reads %s as text and never as an operator',
    (query) => {
      expect(() => found(query)).not.toThrow();
    },
  );

  it('finds a part of what is written without spaces', () => {
    expect(found('天気')).toEqual(['tokyo']);
  });

  it('shows where it was found', () => {
    expect(store.search('dough', { count: 1 })[0]).toMatchObject({ snippet: expect.stringContaining('dough') });
    expect(store.search('dough', { count: 1 })[0]?.message_id).toEqual(expect.any(String));
  });
});

describe('synchronizing', () => {
  it('lets the last write win, by its time, in whatever order they come', () => {
    store.push({ conversations: [row('a', 5, { title: 'new' })], messages: [said('m', 'a', 5, 'new')] });
    const counts = store.push({ conversations: [row('a', 3, { title: 'old' })], messages: [said('m', 'a', 3, 'old')] });
    expect(counts).toEqual({ conversations: { synced: 0, skipped: 1 }, messages: { synced: 0, skipped: 1 } });
    expect(store.get('a').title).toBe('new');
    expect(store.messages('a', ALL).items[0]?.content).toBe('new');
  });

  it('carries deletions', () => {
    store.push({ conversations: [row('a', 1), row('b', 1)], messages: [said('m', 'a', 1), said('n', 'b', 1)] });
    const { change } = store.pull({ count: 100 });
    store.delete('a');
    store.push({ conversations: [], messages: [said('n', 'b', 2, '', true)] });
    const pulled = store.pull({ after: change, count: 100 });
    expect(pulled.conversations).toMatchObject([{ id: 'a', deleted: true, title: '' }]);
    expect(pulled.messages).toMatchObject([
      { id: 'm', deleted: true, content: '' },
      { id: 'n', deleted: true, content: '' },
    ]);
  });

  it('leaves nothing half written when a push breaks off', () => {
    const broken = { ...said('m2', 'a', 1), content: null as unknown as string };
    expect(() => store.push({ conversations: [row('a', 1)], messages: [said('m1', 'a', 1), broken] })).toThrow();
    expect(store.list(ALL).total).toBe(0);
    expect(store.pull({ count: 100 })).toMatchObject({ conversations: [], messages: [] });
  });

  it('keeps a message whose conversation comes later, and then knows its title', () => {
    store.push({ conversations: [], messages: [said('m', 'late', 1)] });
    store.push({ conversations: [row('late', 1, { title: 'Late' })], messages: [] });
    expect(store.get('late').title).toBe('Late');
    expect(store.messages('late', ALL).total).toBe(1);
  });

  it('gives what has the time 0 too, and what no conversation has come for', () => {
    store.push({ conversations: [], messages: [said('m', 'a', 0)] });
    expect(store.pull({ count: 10 })).toMatchObject({ conversations: [{ id: 'a' }], messages: [{ id: 'm' }] });
  });

  it('does not move a message into another conversation', () => {
    store.push({ conversations: [row('a', 1), row('b', 1)], messages: [said('m', 'a', 1)] });
    store.push({ conversations: [], messages: [said('m', 'b', 2)] });
    expect(store.messages('a', ALL).total).toBe(1);
    expect(store.messages('b', ALL).total).toBe(0);
  });

  it.each([1, 2, 3, 7, 100])('gives everything once in pieces of %i', (count) => {
    const conversations = ['a', 'b', 'c'].map((id) => row(id, 1));
    const messages = Array.from({ length: 20 }, (_, i) => said(`m${i}`, 'abc'[i % 3] ?? 'a', i + 1));
    store.push({ conversations, messages });
    store.delete('b');
    const seen: string[] = [];
    let after = 0;
    for (let more = true; more; ) {
      const pulled = store.pull({ after, count });
      seen.push(...pulled.conversations.map(({ id }) => id), ...pulled.messages.map(({ id }) => id));
      after = pulled.change;
      more = pulled.hasMore;
    }
    expect(seen.toSorted()).toEqual(['a', 'b', 'c', ...messages.map(({ id }) => id)].toSorted());
  });
});

describe('a database', () => {
  it('that cannot be read at all is kept under another name, which is reported once', async () => {
    store.close();
    writeFileSync(file, Buffer.alloc(8192, 0x41));
    store = await Conversations.open(file, new KeptLog());
    const recovery = store.takeRecovery();
    expect(recovery).toMatchObject({ conversations: 0, messages: 0, isPartial: true });
    expect(recovery?.setAside).toMatch(/conversations\.sqlite\.corrupt-\d+$/);
    expect(statSync(recovery?.setAside ?? '').size).toBe(8192);
    expect(store.takeRecovery()).toBeUndefined();
    expect(store.list(ALL).total).toBe(0);
  });

  describe('with damaged pages', () => {
    const CONVERSATIONS = 40;
    const MESSAGES = 50;
    const TEXT = 'x'.repeat(200);

    /** Overwrites these pages of the file, which has no log beside it. */
    function damage(pages: readonly number[]): void {
      const bytes = readFileSync(file);
      for (const page of pages) bytes.fill(0x41, (page - 1) * 4096, page * 4096);
      writeFileSync(file, bytes);
    }

    /** The leaf pages of a table, in the order of its rows. */
    function leavesOf(table: string): number[] {
      const raw = new DatabaseSync(file);
      const leaves = raw.prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path");
      const pages = leaves.all(table).map(({ pageno }) => Number(pageno));
      raw.close();
      return pages;
    }

    beforeEach(() => {
      for (let at = 0; at < CONVERSATIONS; at += 1) {
        store.create({ id: `c${at}`, title: `Conversation ${at}` });
        const messages = Array.from({ length: MESSAGES }, (_, n) => ({
          id: `m${at}-${n}`,
          role: 'user',
          content: TEXT,
        }));
        store.addMessages(`c${at}`, messages);
      }
      store.close();
    });

    it('is recovered but for the rows on them, and found again by its words', async () => {
      const leaves = leavesOf('messages');
      damage([leaves[3] ?? 0, leaves[20] ?? 0, leaves[21] ?? 0]);
      store = await Conversations.open(file, new KeptLog());
      const { conversations, messages, isPartial } = store.takeRecovery() ?? {};
      expect({ conversations, isPartial }).toEqual({ conversations: CONVERSATIONS, isPartial: true });
      expect(messages).toBeGreaterThan(CONVERSATIONS * MESSAGES - 100);
      expect(messages).toBeLessThan(CONVERSATIONS * MESSAGES);
      expect(store.list(ALL).total).toBe(CONVERSATIONS);
      expect(store.search('Conversation', { count: 100 })).toHaveLength(CONVERSATIONS);
      store.create({ id: 'new', title: 'New' });
      expect(store.get('new').title).toBe('New');
    });

    it('keeps the messages of conversations that are lost', async () => {
      damage(leavesOf('conversations'));
      store = await Conversations.open(file, new KeptLog());
      expect(store.takeRecovery()).toMatchObject({ messages: CONVERSATIONS * MESSAGES, isPartial: true });
      expect(store.messages('c7', ALL).total).toBe(MESSAGES);
    });

    it('that are found only while it is used is closed, and recovered when it is opened again', async () => {
      let damaged = 0;
      store = await Conversations.open(file, new KeptLog(), () => {
        damaged += 1;
      });
      const pages = [...leavesOf('messages'), ...leavesOf('messages_in_order')];
      store.close();
      store = await Conversations.open(file, new KeptLog(), () => {
        damaged += 1;
      });
      damage(pages);
      expect(() => store.messages('c7', ALL)).toThrow(expect.objectContaining({ code: 'CACHE_ERROR' }));
      expect(damaged).toBe(1);
      store = await Conversations.open(file, new KeptLog());
      expect(store.takeRecovery()).toMatchObject({ conversations: CONVERSATIONS, isPartial: true });
    });
  });

  it('of a later version is left as it is', async () => {
    const raw = new DatabaseSync(file);
    raw.exec('PRAGMA user_version = 99');
    raw.close();
    await expect(Conversations.open(file, new KeptLog())).rejects.toMatchObject({ code: 'DATABASE_TOO_NEW' });
  });

  it('is shared: what one host writes, another reads', async () => {
    const other = await Conversations.open(file, new KeptLog());
    store.create({ id: 'a', title: 'Shared' });
    expect(other.get('a').title).toBe('Shared');
    other.close();
  });
});
