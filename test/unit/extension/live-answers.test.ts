import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { StoredMessage } from '../../../extension/page/chat/conversations.svelte.ts';
import { LiveAnswers } from '../../../extension/page/chat/live-answers.svelte.ts';

const PROGRESS = { numTokens: 3, tps: 2 };

/** Returns the live answers of a host that reports one generation. */
function answersOf(generation: object): LiveAnswers {
  const generations = [
    { message_id: null, conversation_id: null, text: '', reasoning: '', ...PROGRESS, ...generation },
  ];
  const all = (_action: string, itemsOf: (payload: { generations: unknown[] }) => unknown[]) =>
    Promise.resolve(itemsOf({ generations }));
  return new LiveAnswers({ all } as never);
}

function streaming(fields: Partial<StoredMessage> = {}): StoredMessage {
  const times = { created_at: 1, updated_at: 1 };
  return {
    id: 'm',
    conversation_id: 'c',
    role: 'assistant',
    content: '',
    status: 'streaming',
    parent_id: null,
    ...times,
    ...fields,
  };
}

describe('an answer that the host is generating', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it("has the host's text, which includes the continued part", async () => {
    const answers = answersOf({ message_id: 'm', conversation_id: 'c', text: 'one two', reasoning: 'hm so' });
    await answers.read();
    const message = streaming({ content: 'one', reasoning_content: 'hm' });
    expect(answers.get(message)).toEqual({ text: 'one two', reasoning: 'hm so', tokens: 3, tokensPerSecond: 2 });
    expect(answers.get({ ...message, status: 'done' })).toBeUndefined();
    expect(answers.get(streaming({ id: 'other' }))).toBeUndefined();
  });

  it('is appended to the part that it continues, in a temporary conversation', async () => {
    const answers = answersOf({ conversation_id: 'c', text: ' two', reasoning: ' so' });
    await answers.read();
    const message = streaming({ content: 'one', reasoning_content: 'hm' });
    expect(answers.get(message)).toMatchObject({ text: 'one two', reasoning: 'hm so' });
  });

  it('is read again if its start is missing, and then grows with each event', async () => {
    const answers = answersOf({ message_id: 'm', conversation_id: 'c', text: 'one' });
    const event = { chat_id: 'c', message_id: 'm', token: ' two', ...PROGRESS };
    answers.append(event as never);
    await answers.read();
    expect(answers.get(streaming())).toMatchObject({ text: 'one', reasoning: '' });
    jest.useFakeTimers();
    answers.append({ ...event, reasoning: 'hm' } as never);
    jest.runAllTimers();
    expect(answers.get(streaming())).toMatchObject({ text: 'one two', reasoning: 'hm' });
  });
});
