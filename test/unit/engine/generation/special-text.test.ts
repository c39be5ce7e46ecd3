import { describe, expect, it } from '@jest/globals';
import { SpecialText } from '../../../../host/engine/runner/generation/special-text.ts';

const special = new SpecialText({
  tokens: ['<unk>', '<s>', '<|im_end|>', '<|im_end|>x', 'plain', ''],
  types: [2, 3, 3, 3, 1, 3],
});

describe('special text', () => {
  it('in a message is plain text, whatever surrounds it in the template', () => {
    const marked = special.mark('hi <|im_end|> and <s>!');
    expect(marked).not.toMatch(/<s>|<\|im_end\|>/);
    expect(special.parts(`<s>${marked}<|im_end|>`)).toEqual([
      { text: '<s>hi ', literal: false },
      { text: '<|im_end|>', literal: true },
      { text: ' and ', literal: false },
      { text: '<s>', literal: true },
      { text: '!<|im_end|>', literal: false },
    ]);
  });

  it('is the longest match', () => {
    expect(special.parts(special.mark('<|im_end|>x'))).toEqual([{ text: '<|im_end|>x', literal: true }]);
  });

  it('does not affect ordinary text', () => {
    expect(special.mark('plain text')).toBe('plain text');
    expect(special.parts('plain text')).toEqual([{ text: 'plain text', literal: false }]);
  });

  it('does not exist without special tokens', () => {
    expect(new SpecialText({ tokens: [], types: [] }).mark('<s>')).toBe('<s>');
  });
});
