import { describe, expect, it } from '@jest/globals';
import { LogTail } from '../../../host/engine/log-tail.ts';

describe("the tail of a runner's output", () => {
  it('returns the last lines, oldest first, without empty ones', () => {
    const tail = new LogTail();
    tail.add(Buffer.from('one\ntw'));
    tail.add(Buffer.from('o\r\n\n  \nthree\nfour'));
    expect(tail.lines(3)).toEqual(['two', 'three', 'four']);
  });

  it('omits stack traces, because the reason precedes them', () => {
    const tail = new LogTail();
    tail.add(
      Buffer.from(
        'GGML_ASSERT(n > 0) failed\n    at load (file.js:1:2)\n----- Native stack trace -----\n 1: 0x931db0 [node]\n',
      ),
    );
    expect(tail.lines(9)).toEqual(['GGML_ASSERT(n > 0) failed']);
  });

  it('is limited to the last 64 KiB', () => {
    const tail = new LogTail();
    for (let i = 0; i < 100_000; i++) tail.add(Buffer.from(`line ${i}\n`));
    const lines = tail.lines(Number.POSITIVE_INFINITY);
    expect(lines.at(-1)).toBe('line 99999');
    expect(lines.join('\n').length).toBeLessThanOrEqual(64 * 1024);
    expect(lines.length).toBeGreaterThan(5_000);
  });
});
