import { describe, expect, it } from '@jest/globals';
import { GroupedText } from '../../../../host/engine/runner/generation/grouped-text.ts';

/** Longer than any test. */
const NEVER = 1_000_000;

describe('coalesced text', () => {
  it('is sent immediately at first, and the rest together, in order, at the end', () => {
    const sent: string[] = [];
    const grouped = new GroupedText((text) => sent.push(text), NEVER);
    for (const piece of ['a', 'b', '', 'c']) grouped.push(piece);
    expect(sent).toEqual(['a']);
    grouped.flush();
    grouped.flush();
    expect(sent).toEqual(['a', 'bc']);
  });

  it('is sent when the interval ends, even if no more arrives', async () => {
    const sent: string[] = [];
    await new Promise<void>((resolve) => {
      const grouped = new GroupedText((text) => {
        sent.push(text);
        if (sent.length === 2) resolve();
      }, 5);
      grouped.push('a');
      grouped.push('b');
    });
    expect(sent).toEqual(['a', 'b']);
  });

  it('is not sent after it was discarded', () => {
    const sent: string[] = [];
    const grouped = new GroupedText((text) => sent.push(text), NEVER);
    grouped.push('a');
    grouped.push('b');
    grouped.discard();
    grouped.flush();
    expect(sent).toEqual(['a']);
  });
});
