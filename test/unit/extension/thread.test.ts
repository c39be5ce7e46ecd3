import { describe, expect, it } from '@jest/globals';
import type { StoredMessage } from '../../../extension/page/chat/conversations.svelte.ts';
import {
  budgetOf,
  endOf,
  isStored,
  reasoningLength,
  reuse,
  shownBefore,
  toolCallsOf,
  trimmedOf,
  versionsOf,
} from '../../../extension/page/chat/thread.ts';
import { coalesced } from '../../../extension/page/coalesced.ts';

function message(id: string, fields: Partial<StoredMessage> = {}): StoredMessage {
  return {
    id,
    conversation_id: 'c',
    role: 'assistant',
    content: id,
    created_at: 1,
    updated_at: 1,
    status: 'done',
    parent_id: null,
    ...fields,
  };
}

const question = (id: string) => message(id, { role: 'user' });

describe('the end of a conversation', () => {
  it.each([
    [[], 'done'],
    [[question('q'), message('a')], 'done'],
    [[question('q')], 'unanswered'],
    [[question('q'), message('a', { status: 'streaming', content: '' })], 'running'],
    [[question('q'), message('a', { status: 'failed', content: '' })], 'unanswered'],
    [[question('q'), message('a', { status: 'failed' })], 'failed'],
    [[question('q'), message('a', { status: 'failed', content: '', reasoning_content: 'Hm' })], 'failed'],
    [[question('q'), message('a', { status: 'stopped' })], 'stopped'],
    [[question('q'), message('a', { status: 'length' })], 'length'],
  ] as const)('of %j is %s', (messages, end) => {
    expect(endOf(messages)).toBe(end);
  });
});

describe('the versions of a message', () => {
  it('are numbered, with the ones before and after it', () => {
    expect(versionsOf(message('a'))).toBeUndefined();
    const siblings = ['a', 'b', 'c'];
    expect(versionsOf(message('a', { siblings }))).toEqual({ number: 1, count: 3, previous: undefined, next: 'b' });
    expect(versionsOf(message('b', { siblings }))).toEqual({ number: 2, count: 3, previous: 'a', next: 'c' });
    expect(versionsOf(message('c', { siblings }))).toEqual({ number: 3, count: 3, previous: 'b', next: undefined });
  });
});

describe('while a message is being sent', () => {
  const messages = [question('q'), message('a'), question('r')];
  const before = new Set(['q', 'a']);

  it('shows only the messages before it', () => {
    const ids = (after: string | null | undefined) => shownBefore(messages, { after, before }).map(({ id }) => id);
    expect(ids(undefined)).toEqual(['q', 'a', 'r']);
    expect(ids('q')).toEqual(['q']);
    expect(ids(null)).toEqual([]);
    expect(shownBefore(messages, undefined)).toBe(messages);
  });

  it('treats it as stored when the conversation has a new message with its text', () => {
    expect(isStored(messages, { question: 'r', before })).toBe(true);
    expect(isStored(messages, { question: 'q', before })).toBe(false);
    expect(isStored(messages, { question: 'a', before: new Set() })).toBe(false);
    expect(isStored(messages, { before })).toBe(false);
    expect(isStored([question('q'), message('a', { status: 'streaming' })], { before })).toBe(true);
  });
});

describe('messages that are read again', () => {
  it('remain the same objects unless they have changed', () => {
    const before = [question('q'), message('a'), message('b')];
    for (const changed of [
      { content: 'more' },
      { updated_at: 2 },
      { status: 'stopped' as const },
      { siblings: ['x'] },
    ]) {
      const again = reuse(before, [question('q'), message('a', changed), message('c')]);
      expect(again.map((other) => before.includes(other))).toEqual([true, false, false]);
      expect(again[1]).toMatchObject(changed);
    }
  });
});

describe('the usage of an answer', () => {
  const usage = { promptTokens: 100, completionTokens: 30, reasoningTokens: 20, tokensPerSecond: 4 };

  it('shows how much of the context the conversation uses, and how many messages were omitted', () => {
    const trimmed = { messages: 6, tokens: 300 };
    const messages = [question('q'), message('a', { usage: { ...usage, trimmed } }), question('r')];
    expect(budgetOf(messages, 512)).toEqual({ used: 130, size: 512 });
    expect(budgetOf(messages, 0)).toEqual({ used: 130, size: undefined });
    expect(budgetOf([question('q')], 512)).toBeUndefined();
    expect(trimmedOf(messages.slice(0, 2))).toBe(6);
    expect(trimmedOf(messages)).toBe(0);
    expect(trimmedOf([message('a', { usage })])).toBe(0);
  });

  it('shows how long the model reasoned', () => {
    expect(reasoningLength(message('a', { usage }))).toEqual({ tokens: 20, seconds: 5 });
    expect(reasoningLength(message('a', { usage: { reasoningTokens: 3 } }))).toEqual({ tokens: 3, seconds: 0 });
    expect(reasoningLength(message('a'))).toEqual({ tokens: 0, seconds: 0 });
  });

  it('lists the tool calls, in any form that a client stored', () => {
    const calls = [
      { id: '1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
      { name: 'clock', arguments: { zone: 'UTC' } },
      { function: { name: 'broken', arguments: '{"city"' } },
      { function: null },
    ];
    expect(toolCallsOf(message('a', { tool_calls: calls }))).toEqual([
      { name: 'weather', arguments: '{\n  "city": "Rome"\n}' },
      { name: 'clock', arguments: '{\n  "zone": "UTC"\n}' },
      { name: 'broken', arguments: '{"city"' },
      { name: '?', arguments: '' },
    ]);
    expect(toolCallsOf(message('a'))).toEqual([]);
  });
});

describe('coalesced work', () => {
  it('runs once at a time, and once more after calls during a run', async () => {
    const started: (() => void)[] = [];
    const run = coalesced(() => new Promise<void>((resolve) => started.push(resolve)));
    const [first, second, third] = [run(), run(), run()];
    expect(started).toHaveLength(1);
    started[0]?.();
    await Promise.resolve();
    expect(started).toHaveLength(2);
    started[1]?.();
    await Promise.all([first, second, third]);
    expect(started).toHaveLength(2);
  });

  it('can run again after a failure', async () => {
    let runs = 0;
    const run = coalesced(async () => {
      runs += 1;
      if (runs === 1) throw new Error('No host.');
    });
    await expect(run()).rejects.toThrow('No host.');
    await run();
    expect(runs).toBe(2);
  });
});
