import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { TurnStart } from '../../../host/conversations/answers.ts';
import { Conversations } from '../../../host/conversations/conversations.ts';
import { MIGRATIONS } from '../../../host/conversations/schema.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const ALL = { limits: { count: 10_000, bytes: 100_000_000 } };
const OPTIONS = { title: 'Title', writer: 'host', model: 'a/b/m.gguf', maxCharacters: 1_000_000 };

let folder: ReturnType<typeof tempFolder>;
let file: string;
let store: Conversations;
beforeEach(async () => {
  folder = tempFolder('answers');
  file = join(folder.path, 'conversations.sqlite');
  store = await Conversations.open(file, new RecordedLog());
});
afterEach(() => {
  store.close();
  folder.remove();
});

const asking = (content: string, parent?: string | null): TurnStart => ({
  type: 'ask',
  role: 'user',
  content,
  details: null,
  parent,
});

/** Stores a question and its answer. */
function turn(start: TurnStart, content: string, status: 'done' | 'stopped' | 'length' | 'failed' = 'done') {
  const started = store.startTurn('a', start, OPTIONS);
  store.finishAnswer(started.answerId, 'host', { content, details: null, status });
  return started;
}

const shown = () => store.messages('a', ALL).items.map(({ content }) => content);
const prompt = (start: TurnStart) => store.startTurn('a', start, OPTIONS).messages.map(({ content }) => content);

describe('an answer', () => {
  it('sets the title of a conversation without one', () => {
    store.create({ id: 'a' });
    store.update('a', { system_prompt: 'Be brief.' });
    turn(asking('one'), 'two');
    expect(store.get('a')).toMatchObject({ title: 'Title', system_prompt: 'Be brief.' });
    store.update('a', { title: 'Mine' });
    turn(asking('three'), 'four');
    expect(store.get('a').title).toBe('Mine');
  });

  it('is stored with its question before, during and after its generation', async () => {
    const { questionId, answerId, isNew, messages } = store.startTurn('a', asking('one'), OPTIONS);
    expect(isNew).toBe(true);
    expect(messages).toEqual([{ role: 'user', content: 'one' }]);
    expect(store.get('a').title).toBe('Title');
    const read = () => store.messages('a', ALL).items;
    expect(read()).toMatchObject([
      { id: questionId, role: 'user', content: 'one', status: 'done', parent_id: null },
      { id: answerId, role: 'assistant', content: '', status: 'streaming', parent_id: questionId, model: 'a/b/m.gguf' },
    ]);
    expect(store.saveAnswer(answerId, 'host', { content: 'tw', details: { reasoning_content: 'hm' } })).toBe(true);
    expect(read()[1]).toMatchObject({ content: 'tw', status: 'streaming', details: { reasoning_content: 'hm' } });
    expect(await store.search('tw', { count: 5 })).toEqual([]);
    const usage = { completionTokens: 1 };
    expect(store.finishAnswer(answerId, 'host', { content: 'two', details: { usage }, status: 'length' })).toBe(true);
    expect(read()[1]).toMatchObject({ content: 'two', status: 'length', details: { usage } });
    expect(await store.search('two', { count: 5 })).toHaveLength(1);
    // Nothing is stored after the end.
    expect(store.saveAnswer(answerId, 'host', { content: 'more', details: null })).toBe(false);
    expect(read()[1]?.content).toBe('two');
  });

  it('is the only message being generated, even if it follows a message of the assistant', () => {
    store.startTurn('a', { type: 'ask', role: 'assistant', content: 'I', details: null, parent: undefined }, OPTIONS);
    expect(store.messages('a', ALL).items).toMatchObject([
      { role: 'assistant', content: 'I', status: 'done', model: null },
      { role: 'assistant', content: '', status: 'streaming', model: 'a/b/m.gguf' },
    ]);
  });

  it('is not stored if its conversation is deleted meanwhile', () => {
    const { answerId } = store.startTurn('a', asking('one'), OPTIONS);
    store.delete('a');
    expect(store.saveAnswer(answerId, 'host', { content: 'two', details: null })).toBe(false);
    expect(store.finishAnswer(answerId, 'host', { content: 'two', details: null, status: 'done' })).toBe(false);
    const raw = new DatabaseSync(file);
    expect(raw.prepare("SELECT count(*) AS count FROM messages WHERE content <> ''").get()?.count).toBe(0);
    raw.close();
  });

  it('keeps its stored text if the host is killed, and a search finds it', async () => {
    const { answerId } = store.startTurn('a', asking('one'), OPTIONS);
    store.saveAnswer(answerId, 'host', { content: 'half', details: null });
    store.close();
    store = await Conversations.open(file, new RecordedLog());
    expect(store.otherWriters('other')).toEqual(['host']);
    expect(store.otherWriters('host')).toEqual([]);
    expect(store.endWriter('host')).toEqual(['a']);
    expect(store.messages('a', ALL).items[1]).toMatchObject({ content: 'half', status: 'stopped' });
    expect(await store.search('half', { count: 5 })).toHaveLength(1);
    expect(store.otherWriters('other')).toEqual([]);
  });

  it('can be regenerated for the same question, which keeps the first one', () => {
    const first = turn(asking('one'), 'two');
    turn(asking('three'), 'four');
    const again = turn({ type: 'regenerate', message: first.answerId }, 'TWO');
    expect(again.questionId).toBe(first.questionId);
    expect(again.messages).toEqual([{ role: 'user', content: 'one' }]);
    expect(shown()).toEqual(['one', 'TWO']);
    expect(store.messages('a', ALL).items[1]?.siblings).toEqual([first.answerId, again.answerId]);
    store.update('a', { selected_message: first.answerId });
    expect(shown()).toEqual(['one', 'two', 'three', 'four']);
  });

  it('starts a branch if a question is edited, even the first one', () => {
    const first = turn(asking('one'), 'two');
    const second = turn(asking('three'), 'four');
    turn(asking('THREE', first.answerId), 'FOUR');
    expect(shown()).toEqual(['one', 'two', 'THREE', 'FOUR']);
    turn(asking('ONE', null), 'TWO');
    expect(shown()).toEqual(['ONE', 'TWO']);
    expect(prompt(asking('next'))).toEqual(['ONE', 'TWO', 'next']);
    store.update('a', { selected_message: second.questionId ?? '' });
    expect(prompt(asking('next'))).toEqual(['one', 'two', 'three', 'four', 'next']);
  });

  it('is continued in the same message', () => {
    const { answerId } = turn(asking('one'), 'tw', 'length');
    const continued = store.startTurn('a', { type: 'continue' }, OPTIONS);
    expect(continued).toMatchObject({ answerId, continued: { content: 'tw', reasoning: '' } });
    expect(continued.messages).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'tw' },
    ]);
    store.finishAnswer(answerId, 'host', { content: 'two', details: null, status: 'done' });
    expect(shown()).toEqual(['one', 'two']);
  });

  it('is rejected for messages that are not in the conversation', () => {
    expect(() => store.startTurn('a', { type: 'continue' }, OPTIONS)).toThrow(
      expect.objectContaining({ code: 'CONVERSATION_NOT_FOUND' }),
    );
    turn(asking('one'), 'two');
    const before = shown();
    for (const start of [asking('x', 'no'), { type: 'regenerate', message: 'no' }] as const) {
      expect(() => store.startTurn('a', start, OPTIONS)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
    }
    expect(() => store.update('a', { selected_message: 'no' })).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    );
    expect(shown()).toEqual(before);
  });

  it('is generated from the latest complete turns, within a limit, and from all system messages', () => {
    store.create({ id: 'a' });
    store.addMessages('a', [{ role: 'system', content: 'brief' }]);
    for (const name of ['one', 'two', 'three']) turn(asking(name), name.toUpperCase().repeat(10));
    const started = store.startTurn('a', asking('next'), { ...OPTIONS, maxCharacters: 60 });
    expect(started.messages.map(({ content }) => content)).toEqual(['brief', 'three', 'THREE'.repeat(10), 'next']);
    expect(started.omitted).toEqual({ messages: 4, characters: 3 + 30 + 3 + 30 });
  });
});

describe('a conversation', () => {
  it('keeps its settings after a restart and in an export', async () => {
    store.create({ id: 'a', title: 'A' });
    const settings = { temperature: 0, reasoning: 'off' };
    store.update('a', { pinned: true, system_prompt: 'Be brief.', model: 'a/b/m.gguf', settings });
    store.update('a', { title: 'B' });
    store.close();
    store = await Conversations.open(file, new RecordedLog());
    const expected = { title: 'B', pinned: true, system_prompt: 'Be brief.', model: 'a/b/m.gguf', settings };
    expect(store.get('a')).toMatchObject(expected);
    const other = await Conversations.open(join(folder.path, 'other.sqlite'), new RecordedLog());
    const { conversations, messages } = store.pull(ALL);
    other.push({ conversations, messages });
    expect(other.get('a')).toMatchObject(expected);
    other.close();
    // A client that does not send them does not change them.
    const { id, user_id, topic, domain, created_at } = store.get('a');
    const old = { id, user_id, title: 'C', topic, domain, created_at, updated_at: 9e9, deleted: false };
    store.push({ conversations: [old], messages: [] });
    expect(store.get('a')).toMatchObject({ ...expected, title: 'C' });
    expect(store.modelOf('a')).toBe('a/b/m.gguf');
  });

  it('is listed first if it is pinned', () => {
    for (const [i, id] of ['a', 'b', 'c'].entries()) store.create({ id, created_at: i + 1 });
    store.update('a', { pinned: true });
    expect(store.list(ALL).items.map(({ id }) => id)).toEqual(['a', 'c', 'b']);
  });

  it('is exported and imported with its branches', async () => {
    const first = turn(asking('one'), 'two');
    turn({ type: 'regenerate', message: first.answerId }, 'TWO');
    turn(asking('ONE', null), 'three');
    store.update('a', { selected_message: first.answerId });
    const other = await Conversations.open(join(folder.path, 'other.sqlite'), new RecordedLog());
    const rows = store.export(ALL).rows.map((row) => ({ ...row, deleted: false }));
    other.push({
      conversations: rows.filter((row) => row.type === 'conversation'),
      messages: rows.filter((row) => row.type === 'message'),
    });
    expect(other.messages('a', ALL)).toEqual(store.messages('a', ALL));
    other.update('a', { selected_message: store.messages('a', ALL).items[1]?.siblings?.[1] ?? '' });
    expect(other.messages('a', ALL).items.map(({ content }) => content)).toEqual(['one', 'TWO']);
    other.close();
  });

  it('can be restored with its branches after it was deleted, once, and only by the host that deleted it', async () => {
    const first = turn(asking('one'), 'two');
    turn({ type: 'regenerate', message: first.answerId }, 'TWO');
    store.update('a', { pinned: true });
    const before = store.messages('a', ALL).items.map(({ id, content, siblings }) => ({ id, content, siblings }));
    store.delete('a');
    const other = await Conversations.open(file, new RecordedLog());
    const notFound = expect.objectContaining({ code: 'CONVERSATION_NOT_FOUND' });
    expect(() => other.restore('a')).toThrow(notFound);
    other.close();
    expect(store.restore('a')).toMatchObject({ id: 'a', title: 'Title', pinned: true });
    expect(store.messages('a', ALL).items.map(({ id, content, siblings }) => ({ id, content, siblings }))).toEqual(
      before,
    );
    expect(() => store.restore('a')).toThrow(notFound);
    expect(await store.search('two', { count: 5 })).toHaveLength(1);
  });

  it('cannot be restored after one with the same ID was created', () => {
    turn(asking('one'), 'two');
    store.delete('a');
    store.create({ id: 'a', title: 'Other' });
    expect(() => store.restore('a')).toThrow(expect.objectContaining({ code: 'CONVERSATION_NOT_FOUND' }));
    expect(store.get('a').title).toBe('Other');
  });

  it.each([1, 2, 3, 4, 5])(
    'from a database of version %i is complete, and shown in the same order',
    async (version) => {
      store.close();
      folder.remove();
      folder = tempFolder('answers');
      file = join(folder.path, 'conversations.sqlite');
      const raw = new DatabaseSync(file);
      for (const step of MIGRATIONS.slice(0, version)) raw.exec(step);
      raw.exec(`INSERT INTO conversations (id, user_id, title, created_at, updated_at, change)
      VALUES ('a', 'default', 'Old title', 1, 3, 1)`);
      const contents = ['first words', 'second words', 'third words'];
      for (const [i, content] of contents.entries()) {
        raw
          .prepare(`INSERT INTO messages (id, conversation_id, role, content, created_at, updated_at, change)
          VALUES (?, 'a', ?, ?, ?, ?, ?)`)
          .run(`m${i}`, i % 2 === 0 ? 'user' : 'assistant', content, i + 1, i + 1, i + 2);
      }
      raw.exec(`PRAGMA user_version = ${version}`);
      raw.close();
      store = await Conversations.open(file, new RecordedLog());
      expect(store.get('a').title).toBe('Old title');
      expect(shown()).toEqual(contents);
      expect(await store.search('second', { count: 5 })).toHaveLength(1);
      turn(asking('fourth'), 'fifth');
      expect(shown()).toEqual([...contents, 'fourth', 'fifth']);
      store.delete('a');
      expect(await store.search('words', { count: 5 })).toEqual([]);
      store.close();
      const check = new DatabaseSync(file);
      check.exec("INSERT INTO message_words (message_words, rank) VALUES ('integrity-check', 1)");
      check.close();
      store = await Conversations.open(file, new RecordedLog());
    },
  );
});
