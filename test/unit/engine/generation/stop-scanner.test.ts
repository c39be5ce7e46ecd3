import { describe, expect, it } from '@jest/globals';
import { StopScanner } from '../../../../host/engine/runner/generation/stop-scanner.ts';

/** Returns the output of a scanner for these pieces of text. */
function scan(stops: string[], pieces: Iterable<string>): { text: string; found: boolean } {
  const scanner = new StopScanner(stops);
  let text = '';
  for (const piece of pieces) {
    const next = scanner.push(piece);
    text += next.text;
    if (next.found) return { text, found: true };
  }
  return { text: text + scanner.end(), found: false };
}

describe('a stop sequence', () => {
  const text = 'once upon a time there was';

  it.each(Array.from({ length: text.length - 1 }, (_, i) => i + 1))(
    'is found and cut off when the text is split at character %d',
    (at) => {
      expect(scan(['a time'], [text.slice(0, at), text.slice(at)])).toEqual({ text: 'once upon ', found: true });
    },
  );

  it('is found when the text arrives character by character', () => {
    expect(scan(['there'], text)).toEqual({ text: 'once upon a time ', found: true });
  });

  it('that occurs first wins, whatever their order in the request', () => {
    expect(scan(['was', 'time', 'upon'], text)).toEqual({ text: 'once ', found: true });
  });

  it('that is incomplete is emitted at the end', () => {
    expect(scan(['was not'], text)).toEqual({ text, found: false });
  });

  it('is found after a partial match of itself', () => {
    expect(scan(['aab'], 'aaab')).toEqual({ text: 'a', found: true });
  });

  it('that cannot have started delays no text', () => {
    expect(new StopScanner(['xyz']).push('once')).toEqual({ text: 'once', found: false });
  });
});
