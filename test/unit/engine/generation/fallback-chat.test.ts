import { describe, expect, it } from '@jest/globals';
import { foldSystemMessage, writeChat } from '../../../../host/engine/runner/generation/fallback-chat.ts';

const system = { role: 'system', content: 'Be brief.' };
const user = { role: 'user', content: 'Why?' };

describe('a conversation without a template', () => {
  it("is ChatML where the vocabulary has ChatML's tokens", () => {
    expect(writeChat([system, user], true)).toEqual({
      text: '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n',
      stop: ['<|im_end|>'],
    });
  });

  it("is a transcript elsewhere, which the user's next line ends", () => {
    expect(writeChat([system, user], false)).toEqual({
      text: 'system: Be brief.\nuser: Why?\nassistant:',
      stop: ['\nuser:'],
    });
  });
});

describe('a system message', () => {
  it('that a template refuses goes before the first words of the user', () => {
    expect(foldSystemMessage([system, { role: 'assistant', content: 'Hello' }, user])).toEqual([
      { role: 'assistant', content: 'Hello' },
      { role: 'user', content: 'Be brief.\n\nWhy?' },
    ]);
  });

  it('alone becomes the words of the user', () => {
    expect(foldSystemMessage([system])).toEqual([{ role: 'user', content: 'Be brief.' }]);
  });

  it('that is not there leaves nothing to do', () => {
    expect(foldSystemMessage([user])).toBeUndefined();
  });
});
