import { describe, expect, it } from '@jest/globals';
import { writeChat } from '../../../../host/engine/runner/generation/fallback-chat.ts';

const messages = [
  { role: 'system', content: 'Be brief.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'Why' },
      { type: 'text', text: '?' },
    ],
  },
];

describe('A conversation without a template', () => {
  it("is ChatML if the vocabulary has ChatML's tokens", () => {
    expect(writeChat(messages, true)).toEqual({
      text: '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n',
      stop: ['<|im_end|>'],
    });
  });

  it('is a transcript otherwise, ended by the next user line', () => {
    expect(writeChat([...messages, { role: 'assistant', content: null }], false)).toEqual({
      text: 'system: Be brief.\nuser: Why?\nassistant: \nassistant:',
      stop: ['\nuser:'],
    });
  });
});
