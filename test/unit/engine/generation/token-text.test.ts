import { describe, expect, it } from '@jest/globals';
import { TokenText } from '../../../../host/engine/runner/generation/token-text.ts';

/** A detokenizer for tokens of bytes. Like the binding, it replaces incomplete characters by U+FFFD. */
function detokenize(tokens: Buffer[]): string {
  return Buffer.concat(tokens).toString('utf8');
}

function split(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

describe('text of tokens', () => {
  const text = 'aä€😀\uFFFD한글é👩‍👩‍👧z';

  it.each([1, 2, 3, 4, 5, 7])(
    'never contains part of a character with tokens of %d bytes, and is complete at the end',
    (size) => {
      const tokens = new TokenText<Buffer>(detokenize, []);
      const pieces = split(text, size).map((token) => tokens.push(token));
      for (const piece of pieces.slice(0, -1)) {
        // Only the replacement character in the text itself is allowed.
        expect(piece.replace(/\uFFFD(?=한|$)/, '')).not.toContain('\uFFFD');
        expect(piece.isWellFormed()).toBe(true);
      }
      expect(pieces.join('') + tokens.end()).toBe(text);
    },
  );

  it('is emitted as soon as it is complete', () => {
    const tokens = new TokenText<Buffer>(detokenize, []);
    const [first, second, third] = [
      Buffer.from('x\xe2', 'latin1'),
      Buffer.from('\x82', 'latin1'),
      Buffer.from('\xac', 'latin1'),
    ];
    expect([tokens.push(first), tokens.push(second), tokens.push(third)]).toEqual(['x', '', '€']);
  });

  it('ends without an incomplete character, and with all complete ones', () => {
    const tokens = new TokenText<Buffer>(detokenize, []);
    expect(tokens.push(Buffer.from([0x61, 0xf0, 0x9f]))).toBe('a');
    expect(tokens.end()).toBe('');
    expect(tokens.end()).toBe('');
  });

  it('depends on the preceding tokens', () => {
    const heard: string[][] = [];
    const tokens = new TokenText<string>(
      (now, before) => {
        heard.push(before);
        return now.join('');
      },
      ['a', 'b', 'c', 'd'],
    );
    tokens.push('e');
    tokens.push('f');
    expect(heard).toEqual([
      ['b', 'c', 'd'],
      ['c', 'd', 'e'],
    ]);
  });
});
