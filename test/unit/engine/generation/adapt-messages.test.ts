import { describe, expect, it } from '@jest/globals';
import {
  fillContent,
  foldSystemMessages,
  joinParts,
  joinTurns,
} from '../../../../host/engine/runner/generation/adapt-messages.ts';
import type { ChatMessage } from '../../../../host/models/generation.ts';

const system: ChatMessage = { role: 'system', content: 'Be brief.' };
const user: ChatMessage = { role: 'user', content: 'Why?' };
const parts: ChatMessage = {
  role: 'user',
  content: [
    { type: 'text', text: 'a' },
    { type: 'image_url', image_url: {} },
    { type: 'text', text: 'b' },
  ],
};

describe('messages for a template that does not accept them unchanged', () => {
  it('have empty text if there is no content', () => {
    const calling: ChatMessage = { role: 'assistant', content: null, tool_calls: [] };
    expect(fillContent([user, calling, { role: 'tool' }])).toEqual([
      user,
      { ...calling, content: '' },
      { role: 'tool', content: '' },
    ]);
    expect(fillContent([user])).toBeUndefined();
  });

  it('have text instead of a list of parts', () => {
    expect(joinParts([system, parts])).toEqual([system, { role: 'user', content: 'ab' }]);
    expect(joinParts([user])).toBeUndefined();
  });

  it('have the instructions in the first user message', () => {
    expect(foldSystemMessages([system, { role: 'assistant', content: 'Hello' }, user])).toEqual([
      { role: 'assistant', content: 'Hello' },
      { role: 'user', content: 'Be brief.\n\nWhy?' },
    ]);
    expect(foldSystemMessages([system, { role: 'developer', content: 'Be kind.' }, user])).toEqual([
      { role: 'user', content: 'Be brief.\n\nBe kind.\n\nWhy?' },
    ]);
    expect(foldSystemMessages([system])).toEqual([{ role: 'user', content: 'Be brief.' }]);
    expect(foldSystemMessages([user])).toBeUndefined();
  });

  it('keep the parts of the message that the instructions are added to', () => {
    expect(foldSystemMessages([system, parts])).toEqual([
      {
        role: 'user',
        content: [{ type: 'text', text: 'Be brief.' }, { type: 'text', text: '\n\n' }, ...(parts.content ?? [])],
      },
    ]);
  });

  it('are merged if a role has two consecutive messages', () => {
    const answer: ChatMessage = { role: 'assistant', content: 'So.' };
    expect(joinTurns([user, user, answer, { role: 'assistant', content: null }, user])).toEqual([
      { role: 'user', content: 'Why?\n\nWhy?' },
      answer,
      user,
    ]);
    expect(joinTurns([user, answer])).toBeUndefined();
  });

  it('are not merged if they are tool results', () => {
    const call: ChatMessage = { role: 'assistant', content: '', tool_calls: [{ id: 'a' }] };
    const result: ChatMessage = { role: 'tool', content: '1', tool_call_id: 'a' };
    expect(joinTurns([call, result, result, { role: 'assistant', content: 'So.' }])).toBeUndefined();
    expect(joinTurns([call, { role: 'assistant', content: 'So.' }])).toBeUndefined();
  });
});
