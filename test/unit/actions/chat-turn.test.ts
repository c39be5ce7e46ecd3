import { describe, expect, it } from '@jest/globals';
import { turnStart } from '../../../host/actions/chat-turn.ts';
import { MAX_DETAILS_BYTES } from '../../../host/protocol/limits.ts';

const image = (url: string) => ({ type: 'image_url', image_url: { url } });

describe('the question that a request with `messages` stores', () => {
  it('has all fields of the last message', () => {
    const result = { role: 'tool', content: '21 °C', tool_call_id: 'call_1', name: 'weather' };
    expect(turnStart({ chat_id: 'talk', messages: [{ role: 'user', content: 'Warm?' }, result] })).toEqual({
      type: 'ask',
      role: 'tool',
      content: '21 °C',
      details: { tool_call_id: 'call_1', name: 'weather' },
      parent: undefined,
    });
  });

  it('has content parts only if they are more than text', () => {
    const content = [{ type: 'text', text: 'What is ' }, { type: 'text', text: 'this?' }, image('data:,')];
    const ask = (some: typeof content) => turnStart({ chat_id: 'talk', messages: [{ role: 'user', content: some }] });
    expect(ask(content)).toMatchObject({ content: 'What is this?', details: { parts: content } });
    expect(ask(content.slice(0, 2))).toMatchObject({ content: 'What is this?', details: null });
  });

  it('is rejected if its other fields are too large to store', () => {
    const content = [image('x'.repeat(MAX_DETAILS_BYTES))];
    expect(() => turnStart({ chat_id: 'talk', messages: [{ role: 'user', content }] })).toThrow('messages.0');
  });
});
