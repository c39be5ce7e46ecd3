import { describe, expect, it } from '@jest/globals';
import { MAX_FILE_BYTES, readAttachment, withAttachments } from '../../../extension/page/chat/attachments.ts';
import { ChatStorage } from '../../../extension/page/chat/chat-storage.ts';
import { groupConversations } from '../../../extension/page/chat/conversation-groups.ts';
import { fileName, toJson, toMarkdown } from '../../../extension/page/chat/export.ts';

describe('an attached file', () => {
  it('is read as text', async () => {
    expect(await readAttachment(new File(['Grüße\n'], 'a.txt'))).toEqual({ name: 'a.txt', text: 'Grüße\n' });
  });

  it.each([
    ['tooLarge', new File(['x'.repeat(MAX_FILE_BYTES + 1)], 'a.txt')],
    ['notText', new File([new Uint8Array([0xff, 0xfe, 0x00])], 'a.bin')],
    ['notText', new File(['a\0b'], 'a.bin')],
  ])('is rejected: %s', async (problem, file) => {
    expect(await readAttachment(file)).toBe(problem);
  });

  it('is in a code block that its content cannot close', () => {
    expect(withAttachments('Look:', [{ name: 'a.md', text: '```\ncode\n```\n' }])).toBe(
      'Look:\n\na.md\n````\n```\ncode\n```\n````',
    );
    expect(withAttachments('', [{ name: 'a.txt', text: 'x' }])).toBe('a.txt\n```\nx\n```');
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

describe('the list of conversations', () => {
  it('starts with pinned ones; the others are grouped by the day of their last change', () => {
    const now = new Date(2026, 2, 1, 12).getTime();
    const at = (day: number, hour: number, pinned = false) => ({
      pinned,
      updated_at: new Date(2026, 2, day, hour).getTime() / 1000,
    });
    const list = [at(-9, 1, true), at(1, 11), at(1, 0), at(0, 23), at(0, 0), at(-1, 23), at(-300, 1)];
    expect(groupConversations(list, now)).toEqual([
      { name: 'pinned', conversations: list.slice(0, 1) },
      { name: 'today', conversations: list.slice(1, 3) },
      { name: 'yesterday', conversations: list.slice(3, 5) },
      { name: 'earlier', conversations: list.slice(5) },
    ]);
    expect(groupConversations([], now)).toEqual([]);
  });
});

describe("the chat's data in the browser", () => {
  it('is stored by conversation, and removed when empty', async () => {
    const items: Record<string, unknown> = {};
    const storage = new ChatStorage({
      get: async (key) => ({ [key]: items[key] }),
      set: async (more) => void Object.assign(items, more),
      remove: async (key) => void delete items[key],
    });
    await storage.draft.set('new');
    await storage.draft.set('of c', 'c');
    await storage.last.set('c');
    expect([await storage.draft.get(), await storage.draft.get('c'), await storage.last.get()]).toEqual([
      'new',
      'of c',
      'c',
    ]);
    await storage.draft.set('', 'c');
    expect(await storage.draft.get('c')).toBe('');
    expect(await storage.newSettings.get()).toEqual({});
    await storage.newSettings.set({ system_prompt: 'Be brief.' });
    expect(await storage.newSettings.get()).toEqual({ system_prompt: 'Be brief.' });
    await storage.newSettings.set({});
    expect(Object.keys(items)).toHaveLength(2);
  });
});
