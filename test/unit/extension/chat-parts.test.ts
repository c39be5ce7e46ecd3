import { describe, expect, it } from '@jest/globals';
import { MAX_FILE_BYTES, readAttachment, withAttachments } from '../../../extension/page/chat/attachments.ts';
import { ChatStorage } from '../../../extension/page/chat/chat-storage.ts';
import { fileName, toJson, toMarkdown } from '../../../extension/page/chat/export.ts';
import {
  answeredTurns,
  type ChatMessage,
  endedTurns,
  withoutOldestTurns,
} from '../../../extension/page/chat/history.ts';

const message = (role: ChatMessage['role'], content: string): ChatMessage => ({
  id: content,
  role,
  content,
  createdAt: 1,
});
const [user, assistant] = [(text: string) => message('user', text), (text: string) => message('assistant', text)];
const turn = (question: string, answer: string) => [
  { role: 'user' as const, content: question },
  { role: 'assistant' as const, content: answer },
];

describe('the messages sent with a question', () => {
  it('are the answered turns', () => {
    expect(answeredTurns([user('1'), assistant('one'), user('2'), assistant('two')])).toEqual([
      ...turn('1', 'one'),
      ...turn('2', 'two'),
    ]);
  });

  it('leave out questions without an answer or with an empty one, and answers without a question', () => {
    const messages = [assistant('?'), user('1'), user('2'), assistant('two'), user('3'), assistant(' '), user('4')];
    expect(answeredTurns(messages)).toEqual(turn('2', 'two'));
  });

  it('lose the oldest turns until the share fits, at least one, never the question', () => {
    const question = { role: 'user' as const, content: 'q' };
    const all = [...turn('aaaa', 'aaaa'), ...turn('bbbb', 'bbbb'), ...turn('cccc', 'cccc'), question];
    expect(withoutOldestTurns(all, 0.99)).toEqual(all.slice(2));
    expect(withoutOldestTurns(all, 0.4)).toEqual(all.slice(4));
    expect(withoutOldestTurns(all, 0)).toEqual([question]);
    expect(withoutOldestTurns([question], 0.5)).toBeUndefined();
  });
});

describe('an attached file', () => {
  it('is read as text', async () => {
    expect(await readAttachment(new File(['Grüße\n'], 'a.txt'))).toEqual({ name: 'a.txt', text: 'Grüße\n' });
  });

  it.each([
    ['tooLarge', new File(['x'.repeat(MAX_FILE_BYTES + 1)], 'a.txt')],
    ['notText', new File([new Uint8Array([0xff, 0xfe, 0x00])], 'a.bin')],
    ['notText', new File(['a\0b'], 'a.bin')],
  ])('is refused: %s', async (problem, file) => {
    expect(await readAttachment(file)).toBe(problem);
  });

  it('stands in a code block that its content cannot end', () => {
    expect(withAttachments('Look:', [{ name: 'a.md', text: '```\ncode\n```\n' }])).toBe(
      'Look:\n\na.md\n````\n```\ncode\n```\n````',
    );
    expect(withAttachments('', [{ name: 'a.txt', text: 'x' }])).toBe('a.txt\n```\nx\n```');
  });
});

describe('the stored messages of a page', () => {
  it('are shown without turns that are being answered or have failed', () => {
    const message = (id: string, role: string, status: string) => ({ id, role, status });
    const ids = endedTurns([
      message('a', 'user', 'done'),
      message('b', 'assistant', 'stopped'),
      message('c', 'user', 'done'),
      message('d', 'assistant', 'failed'),
      message('e', 'user', 'done'),
      message('f', 'assistant', 'streaming'),
    ]).map(({ id }) => id);
    expect(ids).toEqual(['a', 'b']);
  });
});

describe('an exported conversation', () => {
  const conversation = {
    id: 'c',
    user_id: 'default',
    title: 'A title',
    topic: null,
    domain: null,
    created_at: 1,
    updated_at: 2,
  };
  const stored = {
    id: 'm',
    conversation_id: 'c',
    role: 'user',
    content: 'Hi.\n',
    created_at: 1,
    updated_at: 1,
    status: 'done' as const,
    parent_id: null,
  };

  it('is Markdown or JSON', () => {
    expect(toMarkdown({ conversation, messages: [stored] })).toBe('# A title\n\n## user\n\nHi.\n');
    expect(JSON.parse(toJson({ conversation, messages: [stored] }))).toEqual({ conversation, messages: [stored] });
  });

  it.each([
    ['What is 1/2?', 'What is 1 2'],
    ['../../etc', 'etc'],
    ['', 'conversation'],
    ['CON: a <b>', 'CON a b'],
  ])('%j is saved as %j', (title, name) => {
    expect(fileName(title)).toBe(name);
  });
});

describe('what the chat stores in the browser', () => {
  it('is stored by conversation, and removed when empty', async () => {
    const items: Record<string, unknown> = {};
    const storage = new ChatStorage({
      get: async (key) => ({ [key]: items[key] }),
      set: async (more) => void Object.assign(items, more),
      remove: async (key) => void delete items[key],
    });
    await storage.draft.set('new');
    await storage.draft.set('of c', 'c');
    await storage.pending.set('asked', 'c');
    expect([await storage.draft.get(), await storage.draft.get('c'), await storage.pending.get('c')]).toEqual([
      'new',
      'of c',
      'asked',
    ]);
    await storage.draft.set('', 'c');
    expect(await storage.draft.get('c')).toBe('');
    expect(Object.keys(items)).toHaveLength(2);
  });
});
