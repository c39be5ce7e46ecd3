import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Conversations } from '../../../host/conversations/conversations.ts';
import type { PushedConversation } from '../../../host/conversations/types.ts';
import { itOnPosix } from '../../support/describe-on-posix.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

let folder: ReturnType<typeof tempFolder>;
let file: string;
let store: Conversations;

beforeEach(async () => {
  folder = tempFolder('conversations');
  file = join(folder.path, 'conversations.sqlite');
  store = await Conversations.open(file, new RecordedLog());
});
afterEach(() => {
  store.close();
  folder.remove();
});

const LIMITS = { count: 100, bytes: 1_000_000 };
const ALL = { limits: LIMITS };

function row(id: string, updated_at: number, more: Partial<PushedConversation> = {}) {
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

function messageRow(id: string, conversation_id: string, updated_at: number, content = id, deleted = false) {
  return { id, conversation_id, role: 'user', content, created_at: updated_at, updated_at, deleted };
}

describe('a conversation', () => {
  it('keeps the order of its messages after a restart', async () => {
    store.create({ id: 'a', title: 'First' });
    store.addMessages('a', [
      { role: 'user', content: 'one\u0000 🙂' },
      { role: 'assistant', content: 'two' },
    ]);
    store.addMessages('a', [{ role: 'user', content: 'three' }]);
    store.close();
    store = await Conversations.open(file, new RecordedLog());
    expect(store.messages('a', ALL).items.map(({ content }) => content)).toEqual(['one\u0000 🙂', 'two', 'three']);
    expect(store.get('a')).toMatchObject({ title: 'First', user_id: 'default', topic: null });
  });

  it('is returned unchanged if it is created again', () => {
    store.create({ id: 'a', title: 'First' });
    expect(store.create({ id: 'a', title: 'Second' })).toMatchObject({
      existed: true,
      conversation: { title: 'First' },
    });
  });

  it('is listed first if it has the newest message, and a page starts at an offset', () => {
    for (const [i, id] of ['a', 'b', 'c'].entries()) store.create({ id, created_at: i + 1 });
    store.addMessages('a', [{ role: 'user', content: 'now' }]);
    expect(store.list(ALL).items.map(({ id }) => id)).toEqual(['a', 'c', 'b']);
    expect(store.list({ offset: 1, limits: { ...LIMITS, count: 1 } })).toMatchObject({
      items: [{ id: 'c' }],
      total: 3,
    });
  });

  it('is not found if it does not exist, for reading, adding and deleting', () => {
    const message = { role: 'user', content: 'x' };
    for (const use of [() => store.get('no'), () => store.addMessages('no', [message]), () => store.delete('no')]) {
      expect(use).toThrow(expect.objectContaining({ code: 'CONVERSATION_NOT_FOUND' }));
    }
  });

  it('leaves no text in the file after it is deleted, and can be created again', async () => {
    store.create({ id: 'a', title: 'Secret plans' });
    store.addMessages('a', [{ role: 'user', content: 'meet at dawn' }]);
    store.delete('a');
    expect(store.list(ALL).total).toBe(0);
    expect(await store.search('dawn', { count: 10 })).toEqual([]);
    const raw = new DatabaseSync(file);
    expect(raw.prepare('SELECT title FROM conversations').all()).toEqual([{ title: '' }]);
    expect(raw.prepare('SELECT content FROM messages').all()).toEqual([{ content: '' }]);
    raw.close();
    store.close();
    for (const word of ['Secret', 'secret', 'dawn']) expect(readFileSync(file).includes(word)).toBe(false);
    store = await Conversations.open(file, new RecordedLog());
    store.create({ id: 'a', title: 'Again' });
    expect(store.get('a').title).toBe('Again');
    expect(store.messages('a', ALL).items).toEqual([]);
  });

  it('with many messages is deleted before all of its words are erased', async () => {
    const words = Array.from({ length: 200 }, (_, i) => `word${i}`).join(' ');
    store.create({ id: 'long' });
    store.addMessages(
      'long',
      Array.from({ length: 40 }, (_, i) => ({ id: `m${i}`, role: 'user', content: `only${i} ${words}` })),
    );
    store.create({ id: 'other' });
    store.addMessages('other', [{ role: 'user', content: 'word7' }]);
    store.delete('long');
    const raw = new DatabaseSync(file);
    const waiting = () => Number(raw.prepare('SELECT count(*) AS count FROM erasures').get()?.count);
    expect(waiting()).toBeGreaterThan(0);
    expect((await store.search('word7', { count: 10 })).map(({ id }) => id)).toEqual(['other']);
    // A message that is restored before its words are erased is found only by its new words.
    const row = { ...messageRow('m39', 'long', 9e9, 'returned'), incarnation: 1 };
    store.push({ conversations: [], messages: [row] });
    expect((await store.search('returned', { count: 10 })).map(({ id }) => id)).toEqual(['long']);
    expect(await store.search('only39', { count: 10 })).toEqual([]);
    store.close();
    expect(waiting()).toBe(0);
    raw.exec("INSERT INTO message_words (message_words, rank) VALUES ('integrity-check', 1)");
    raw.close();
    for (const word of ['only22', 'word199']) expect(readFileSync(file).includes(word)).toBe(false);
    store = await Conversations.open(file, new RecordedLog());
    expect((await store.search('returned', { count: 10 })).map(({ id }) => id)).toEqual(['long']);
  });

  itOnPosix('is readable only by its user', 'permission bits', () => {
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
  const found = async (query: string) => (await store.search(query, { count: 10 })).map(({ id }) => id);

  it('finds all words in any order, the last one as a prefix, regardless of accents and case', async () => {
    expect(await found('REST dough')).toEqual(['bread']);
    expect(await found('creme fra')).toEqual(['bread']);
    expect(await found('dough water')).toEqual([]);
  });

  it('ranks matching titles first, and returns each conversation once', async () => {
    expect(await found('bread')).toEqual(['bread', 'boats']);
  });

  it.each(['"', 'OR', 'NEAR(x)', '-minus', 'title:y', '*', "'; DROP TABLE messages; --", '((('])(
    'treats %s as text and not as an operator',
    async (query) => {
      await expect(found(query)).resolves.toBeDefined();
    },
  );

  it('finds parts of text written without spaces', async () => {
    expect(await found('天気')).toEqual(['tokyo']);
  });

  it('finds words that SQLite would split', async () => {
    store.addMessages('boats', [{ role: 'user', content: 'ab\u{1E900}cd' }]);
    expect(await found('ab\u{1E900}cd')).toEqual(['boats']);
  });

  it('returns the conversations with the newest matches first, each once', async () => {
    for (let i = 0; i < 30; i += 1) {
      store.create({ id: `many${i}` });
      store.addMessages(`many${i}`, [
        { role: 'user', content: 'common words' },
        { role: 'user', content: 'common again' },
      ]);
    }
    const expected = Array.from({ length: 10 }, (_, i) => `many${29 - i}`);
    for (const query of ['common', 'c', 'comm']) expect(await found(query)).toEqual(expected);
  });

  it('returns a snippet of the match', async () => {
    expect((await store.search('dough', { count: 1 }))[0]).toMatchObject({ snippet: expect.stringContaining('dough') });
    expect((await store.search('dough', { count: 1 }))[0]?.message_id).toEqual(expect.any(String));
  });
});

describe('synchronization', () => {
  it('applies the last write by its time, in any order of arrival', () => {
    store.push({ conversations: [row('a', 5, { title: 'new' })], messages: [messageRow('m', 'a', 5, 'new')] });
    const counts = store.push({
      conversations: [row('a', 3, { title: 'old' })],
      messages: [messageRow('m', 'a', 3, 'old')],
    });
    expect(counts).toMatchObject({ conversations: { synced: 0, skipped: 1 }, messages: { synced: 0, skipped: 1 } });
    expect(store.get('a').title).toBe('new');
    expect(store.messages('a', ALL).items[0]?.content).toBe('new');
  });

  it('includes deletions', () => {
    store.push({
      conversations: [row('a', 1), row('b', 1)],
      messages: [messageRow('m', 'a', 1), messageRow('n', 'b', 1)],
    });
    const { change } = store.pull(ALL);
    store.delete('a');
    store.push({ conversations: [], messages: [messageRow('n', 'b', 2, '', true)] });
    const pulled = store.pull({ after: change, limits: LIMITS });
    expect(pulled.conversations).toMatchObject([{ id: 'a', deleted: true, title: '' }]);
    expect(pulled.messages).toMatchObject([
      { id: 'm', deleted: true, content: '' },
      { id: 'n', deleted: true, content: '' },
    ]);
  });

  it('writes nothing if a push fails', () => {
    const broken = { ...messageRow('m2', 'a', 1), content: null as unknown as string };
    expect(() => store.push({ conversations: [row('a', 1)], messages: [messageRow('m1', 'a', 1), broken] })).toThrow();
    expect(store.list(ALL).total).toBe(0);
    expect(store.pull(ALL)).toMatchObject({ conversations: [], messages: [] });
  });

  it('stores a message whose conversation arrives later, and then its title', () => {
    store.push({ conversations: [], messages: [messageRow('m', 'late', 1)] });
    store.push({ conversations: [row('late', 1, { title: 'Late' })], messages: [] });
    expect(store.get('late').title).toBe('Late');
    expect(store.messages('late', ALL).total).toBe(1);
  });

  it('returns rows with the time 0, and messages without a conversation', () => {
    store.push({ conversations: [], messages: [messageRow('m', 'a', 0)] });
    expect(store.pull(ALL)).toMatchObject({ conversations: [{ id: 'a' }], messages: [{ id: 'm' }] });
  });

  it('rejects a message with the ID of a message in another conversation', () => {
    store.push({ conversations: [row('a', 1), row('b', 1)], messages: [messageRow('m', 'a', 1)] });
    expect(store.push({ conversations: [], messages: [messageRow('m', 'b', 2)] })).toMatchObject({
      messages: { synced: 0, skipped: 1 },
      refused: [{ id: 'm', conversation_id: 'b' }],
    });
    expect(store.messages('a', ALL).total).toBe(1);
    expect(store.messages('b', ALL).total).toBe(0);
  });

  it.each([1, 2, 3, 7, 100])('returns everything once in pages of %i', (count) => {
    const conversations = ['a', 'b', 'c'].map((id) => row(id, 1));
    const messages = Array.from({ length: 20 }, (_, i) => messageRow(`m${i}`, 'abc'[i % 3] ?? 'a', i + 1));
    store.push({ conversations, messages });
    store.delete('b');
    const seen: string[] = [];
    let after = 0;
    for (let more = true; more; ) {
      const pulled = store.pull({ after, limits: { ...LIMITS, count } });
      seen.push(...pulled.conversations.map(({ id }) => id), ...pulled.messages.map(({ id }) => id));
      after = pulled.change;
      more = pulled.hasMore;
    }
    expect(seen.toSorted()).toEqual(['a', 'b', 'c', ...messages.map(({ id }) => id)].toSorted());
  });
});

describe('a page of messages from the end', () => {
  const contents = (page: { readonly items: readonly { readonly content: string }[] }) =>
    page.items.map(({ content }) => content);
  beforeEach(() => {
    store.create({ id: 'a' });
    store.addMessages(
      'a',
      ['one', 'two', 'three', 'four', 'five'].map((content) => ({ role: 'user', content })),
    );
  });
  const fromEnd = (count: number, cursor?: string) =>
    store.messages('a', { from: 'end', cursor, limits: { ...LIMITS, count } });

  it('has the last messages, in order, and the ones before it follow from its cursor', () => {
    const last = fromEnd(2);
    expect(contents(last)).toEqual(['four', 'five']);
    expect(last.total).toBe(5);
    const before = fromEnd(2, last.previousCursor);
    expect(contents(before)).toEqual(['two', 'three']);
    const first = fromEnd(2, before.previousCursor);
    expect(contents(first)).toEqual(['one']);
    expect(first.previousCursor).toBeUndefined();
    expect(contents(fromEnd(5))).toHaveLength(5);
    expect(fromEnd(5).previousCursor).toBeUndefined();
  });

  it('is read again by its cursor, with what was added, even if the message before it was deleted', () => {
    const { previousCursor: cursor, items } = fromEnd(2);
    store.addMessages('a', [{ role: 'user', content: 'six' }]);
    expect(contents(store.messages('a', { cursor, limits: LIMITS }))).toEqual(['four', 'five', 'six']);
    store.deleteMessages('a', [store.messages('a', ALL).items[2]?.id ?? '', items[0]?.id ?? '']);
    expect(contents(store.messages('a', { cursor, limits: LIMITS }))).toEqual(['five', 'six']);
    expect(contents(fromEnd(5, cursor))).toEqual(['one', 'two']);
  });

  it('has at least one message, however long', () => {
    const page = store.messages('a', { from: 'end', limits: { count: 5, bytes: 1 } });
    expect(contents(page)).toEqual(['five']);
  });
});

describe('a deleted message', () => {
  const add = (...contents: readonly string[]) =>
    store.addMessages(
      'a',
      contents.map((content) => ({ role: 'user', content })),
    );
  const shown = (from = store) => from.messages('a', ALL).items.map(({ content }) => content);

  it('is no longer shown, while the messages after it are', () => {
    store.create({ id: 'a' });
    const [, second, third] = add('one', 'two', 'three', 'four');
    const before = store.get('a').updated_at;
    expect(store.deleteMessages('a', [second?.id ?? '', third?.id ?? ''])).toBe(2);
    expect(shown()).toEqual(['one', 'four']);
    expect(store.get('a').updated_at).toBeGreaterThan(before);
  });

  it('is deleted in copies too, even if it is from the future there', async () => {
    const at = Date.now() / 1000 + 3600;
    store.push({ conversations: [row('a', 1)], messages: [messageRow('m', 'a', at, 'ahead')] });
    const other = await Conversations.open(join(folder.path, 'other.sqlite'), new RecordedLog());
    other.push(store.pull(ALL));
    store.deleteMessages('a', ['m']);
    other.push(store.pull(ALL));
    store.push(other.pull(ALL));
    for (const each of [store, other]) expect(shown(each)).toEqual([]);
    expect(store.pull(ALL).messages).toMatchObject([{ id: 'm', content: '', deleted: true }]);
    other.close();
  });

  it('leaves no text in the file', () => {
    store.create({ id: 'a' });
    const [message] = add('a secret of mine');
    store.deleteMessages('a', [message?.id ?? '']);
    store.close();
    for (const name of readdirSync(folder.path)) {
      expect(readFileSync(join(folder.path, name)).includes('secret')).toBe(false);
    }
  });

  it('is refused with all others of the request if one is not a message of the conversation', () => {
    store.create({ id: 'a' });
    store.create({ id: 'b' });
    const [first] = add('one');
    const [other] = store.addMessages('b', [{ role: 'user', content: 'two' }]);
    const ids = [first?.id ?? '', other?.id ?? ''];
    expect(() => store.deleteMessages('a', ids)).toThrow('message_ids.1');
    expect(() => store.deleteMessages('c', ids)).toThrow('does not exist');
    expect(shown()).toEqual(['one']);
    store.deleteMessages('a', ids.slice(0, 1));
    expect(() => store.deleteMessages('a', ids.slice(0, 1))).toThrow('message_ids.0');
  });
});

describe('a deleted conversation', () => {
  const late = () => Date.now() / 1000 + 60;

  it('keeps no text of any message, whatever its time, and can be created again', () => {
    store.push({ conversations: [row('a', 1)], messages: [messageRow('m', 'a', late(), 'ahead')] });
    store.delete('a');
    store.create({ id: 'a', title: 'Again' });
    expect(store.messages('a', ALL).total).toBe(0);
    expect(store.export(ALL).rows).toMatchObject([{ type: 'conversation', title: 'Again' }]);
  });

  it('ignores rows that arrive later', () => {
    store.create({ id: 'a', title: 'Old' });
    const pulled = store.pull(ALL);
    store.delete('a');
    const rows = { ...pulled, messages: [messageRow('m', 'a', late(), 'late')] };
    expect(store.push(rows)).toMatchObject({ conversations: { synced: 0 }, messages: { synced: 0, skipped: 1 } });
    expect(store.push({ conversations: [row('a', late())], messages: [] }).conversations.synced).toBe(0);
    expect(store.export(ALL).rows).toEqual([]);
  });

  it('does not pass late messages to a new conversation with the same ID', async () => {
    const other = await Conversations.open(join(folder.path, 'other.sqlite'), new RecordedLog());
    store.create({ id: 'a', title: 'Old' });
    other.push(store.pull(ALL));
    store.delete('a');
    store.create({ id: 'a', title: 'New' });
    other.addMessages('a', [{ role: 'user', content: 'late', created_at: late() }]);
    store.push(other.pull(ALL));
    other.push(store.pull(ALL));
    for (const each of [store, other]) {
      expect(each.get('a').title).toBe('New');
      expect(each.messages('a', ALL).items).toEqual([]);
    }
    other.close();
  });

  it('is not created again by a generation that was running', () => {
    store.create({ id: 'a' });
    store.delete('a');
    expect(() => store.create({ id: 'a', unlessDeleted: true })).toThrow(
      expect.objectContaining({ code: 'CONVERSATION_NOT_FOUND' }),
    );
  });

  it('leaves no text in any database file while hosts are running, nor do replaced texts', async () => {
    const other = await Conversations.open(file, new RecordedLog());
    const words = Array.from({ length: 60 }, (_, i) => `confidential${i}`);
    for (const [i, word] of words.entries()) {
      store.create({ id: `c${i}`, title: `title ${word}` });
      store.addMessages(`c${i}`, [
        { role: 'user', content: `${word} ${'filler '.repeat((i * 37) % 900)}` },
        { role: 'assistant', content: `kept${i} elsewhere` },
      ]);
    }
    other.list(ALL);
    for (const i of words.keys()) if (i % 2 === 0) store.delete(`c${i}`);
    for (const i of words.keys()) {
      if (i % 2 === 0) continue;
      const [question] = store.messages(`c${i}`, ALL).items;
      const messages = [{ ...messageRow(question?.id ?? '', `c${i}`, late(), 'replaced') }];
      store.push({ conversations: [row(`c${i}`, late(), { title: 'replaced' })], messages });
    }
    const files = readdirSync(folder.path).map((name) => readFileSync(join(folder.path, name)).toString('latin1'));
    expect(files.length).toBeGreaterThan(1);
    expect(words.filter((word) => files.some((text) => new RegExp(`${word}(?!\\d)`).test(text)))).toEqual([]);
    other.close();
  });
});

describe('adding messages', () => {
  it('rejects the ID of another message, and then adds none', () => {
    store.create({ id: 'a' });
    store.create({ id: 'b' });
    const message = { id: 'm', role: 'user', content: 'first' };
    store.addMessages('a', [message]);
    for (const id of ['a', 'b']) {
      expect(() => store.addMessages(id, [{ role: 'user', content: 'x' }, message])).toThrow(
        expect.objectContaining({ code: 'INVALID_REQUEST' }),
      );
      expect(store.messages(id, ALL).total).toBe(id === 'a' ? 1 : 0);
    }
    expect(() =>
      store.addMessages('b', [
        { ...message, id: 'n' },
        { ...message, id: 'n' },
      ]),
    ).toThrow();
  });

  it('keeps the order of messages added in the same millisecond', () => {
    store.create({ id: 'a' });
    const contents = Array.from({ length: 50 }, (_, i) => String(i));
    store.addMessages(
      'a',
      contents.map((content) => ({ role: 'user', content, created_at: 7 })),
    );
    expect(store.messages('a', ALL).items.map(({ content }) => content)).toEqual(contents);
  });
});

describe('pages', () => {
  const ids = Array.from({ length: 30 }, (_, i) => `c${String(i).padStart(2, '0')}`);
  const limits = { ...LIMITS, count: 7 };

  beforeEach(() => {
    for (const [i, id] of ids.entries()) {
      store.create({ id, created_at: i + 1 });
      store.addMessages(id, [{ role: 'user', content: id, created_at: i + 1 }]);
    }
  });

  it('of the list neither omit nor repeat a conversation that changes between them', () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = store.list({ cursor, limits });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      store.addMessages('c03', [{ role: 'user', content: 'moves to the front' }]);
      store.addMessages(seen[0] ?? '', [{ role: 'user', content: 'stays in front' }]);
      if (seen.length === 7) store.delete(seen[1] ?? '');
    } while (cursor !== undefined);
    expect(seen.toSorted()).toEqual(ids);
  });

  it('of an export neither omit nor repeat a row that changes between them', () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = store.export({ ...(cursor === undefined ? {} : { cursor }), limits });
      seen.push(...page.rows.map((found) => `${found.type} ${found.type === 'message' ? found.content : found.id}`));
      cursor = page.nextCursor;
      const at = Date.now() / 1000 + seen.length;
      store.push({ conversations: [row('c29', at, { title: 'c29' }), row('c00', at)], messages: [] });
    } while (cursor !== undefined);
    expect(seen).toEqual([...ids.map((id) => `conversation ${id}`), ...ids.map((id) => `message ${id}`)]);
  });

  it('of messages continue after the last one, even if it has been deleted', () => {
    store.addMessages(
      'c00',
      ids.map((content, i) => ({ role: 'user', content, created_at: i + 2 })),
    );
    const first = store.messages('c00', { limits });
    const last = first.items.at(-1);
    store.push({
      conversations: [],
      messages: [messageRow(last?.id ?? '', 'c00', 99, '', true), messageRow('early', 'c00', 0)],
    });
    const second = store.messages('c00', { cursor: first.nextCursor, limits });
    expect(second.items.map(({ content }) => content)).toEqual(ids.slice(6, 13));
  });

  it('contain as many bytes as allowed, and at least one item', () => {
    store.addMessages('c00', [{ role: 'user', content: 'x'.repeat(5_000) }]);
    const sizes = [100, 1_000, 100_000].map(
      (bytes) => store.messages('c00', { limits: { count: 100, bytes } }).items.length,
    );
    expect(sizes).toEqual([1, 1, 2]);
  });

  it('of a list that this host did not read are rejected', () => {
    expect(() => store.list({ cursor: '999.7', limits })).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });
});

describe('an export', () => {
  it('can be imported without changes', async () => {
    store.push({
      conversations: [row('a', 5, { title: 'A\u0000\u{1F642}', topic: '', domain: 'd', user_id: 'u' })],
      messages: [messageRow('m', 'a', 9.125, 'text\r\n'), messageRow('n', 'a', 9.125), messageRow('o', 'b', 1e-7)],
    });
    store.delete('b');
    store.create({ id: 'b', title: 'again' });
    store.addMessages('b', [{ role: 'tool', content: '' }]);
    const { rows } = store.export(ALL);
    const copy = await Conversations.open(join(folder.path, 'copy.sqlite'), new RecordedLog());
    copy.push({
      conversations: rows
        .filter((found) => found.type === 'conversation')
        .map((found) => ({ ...found, deleted: false })),
      messages: rows.filter((found) => found.type === 'message').map((found) => ({ ...found, deleted: false })),
    });
    expect(copy.export(ALL).rows).toEqual(rows);
    copy.close();
  });
});

describe('a database', () => {
  it('that is unreadable is kept under another name, which is reported once', async () => {
    store.close();
    writeFileSync(file, Buffer.alloc(8192, 0x41));
    store = await Conversations.open(file, new RecordedLog());
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

    /** Overwrites these pages of the database file, which has no WAL. */
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

    it('is recovered except for the rows on them, and searchable', async () => {
      const leaves = leavesOf('messages');
      damage([leaves[3] ?? 0, leaves[20] ?? 0, leaves[21] ?? 0]);
      store = await Conversations.open(file, new RecordedLog());
      const { conversations, messages, isPartial } = store.takeRecovery() ?? {};
      expect({ conversations, isPartial }).toEqual({ conversations: CONVERSATIONS, isPartial: true });
      expect(messages).toBeGreaterThan(CONVERSATIONS * MESSAGES - 100);
      expect(messages).toBeLessThan(CONVERSATIONS * MESSAGES);
      expect(store.list(ALL).total).toBe(CONVERSATIONS);
      expect(await store.search('Conversation', { count: 100 })).toHaveLength(CONVERSATIONS);
      store.create({ id: 'new', title: 'New' });
      expect(store.get('new').title).toBe('New');
    });

    it('keeps the messages of conversations that are lost', async () => {
      damage(leavesOf('conversations'));
      store = await Conversations.open(file, new RecordedLog());
      expect(store.takeRecovery()).toMatchObject({ messages: CONVERSATIONS * MESSAGES, isPartial: true });
      expect(store.messages('c7', ALL).total).toBe(MESSAGES);
    });

    it('is closed if they are found while it is used, and recovered when it is opened again', async () => {
      let damaged = 0;
      const onDamage = () => {
        damaged += 1;
      };
      store = await Conversations.open(file, new RecordedLog(), { onDamage });
      const pages = [...leavesOf('messages'), ...leavesOf('messages_in_order')];
      store.close();
      store = await Conversations.open(file, new RecordedLog(), { onDamage });
      damage(pages);
      expect(() => store.messages('c7', ALL)).toThrow(expect.objectContaining({ code: 'CACHE_ERROR' }));
      expect(damaged).toBe(1);
      store = await Conversations.open(file, new RecordedLog(), { checkFirst: true });
      expect(store.takeRecovery()).toMatchObject({ conversations: CONVERSATIONS, isPartial: true });
    });
  });

  it('that is large can be used immediately, and is closed if its check finds damage', async () => {
    store.create({ id: 'large', title: 'Large' });
    store.addMessages(
      'large',
      Array.from({ length: 12 }, (_, i) => ({ role: 'user', content: `${i}`.repeat(400 * 1024) })),
    );
    store.create({ id: 'small', title: 'Small' });
    store.close();
    const size = statSync(file).size;
    expect(size).toBeGreaterThan(4 * 1024 * 1024);
    const bytes = readFileSync(file);
    // Pages of the long messages, which neither opening nor listing reads.
    bytes.fill(0xff, Math.floor(size / 2), Math.floor(size / 2) + 64 * 1024);
    writeFileSync(file, bytes);
    const found = Promise.withResolvers<void>();
    store = await Conversations.open(file, new RecordedLog(), { onDamage: found.resolve });
    expect(store.list(ALL).total).toBe(2);
    await found.promise;
    store = await Conversations.open(file, new RecordedLog(), { checkFirst: true });
    expect(store.takeRecovery()).toMatchObject({ conversations: 2 });
    expect(store.get('small').title).toBe('Small');
  });

  it('of a newer version is not changed', async () => {
    const raw = new DatabaseSync(file);
    raw.exec('PRAGMA user_version = 99');
    raw.close();
    await expect(Conversations.open(file, new RecordedLog())).rejects.toMatchObject({ code: 'DATABASE_TOO_NEW' });
  });

  it('is shared by several hosts', async () => {
    const other = await Conversations.open(file, new RecordedLog());
    store.create({ id: 'a', title: 'Shared' });
    expect(other.get('a').title).toBe('Shared');
    other.close();
  });
});
