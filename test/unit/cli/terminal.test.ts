import { describe, expect, it } from '@jest/globals';
import { barLine, progressView } from '../../../host/cli/terminal/progress.ts';
import { paint } from '../../../host/cli/terminal/styles.ts';
import { facts, printable, table } from '../../../host/cli/terminal/text.ts';
import { FakeTerminal } from '../../support/cli/fake-terminal.ts';

describe('words for people', () => {
  it('lets no name command the terminal', () => {
    expect(printable('a\u001b]0;title\u0007b\u202ec\r\n\td')).toBe('a]0;titlebc\n\td');
    expect(table([['a\u001b[2J', 'b']])).toBe('a[2J  b\n');
  });

  it('puts columns below each other', () => {
    expect(
      table([
        ['MODEL', 'SIZE'],
        ['one', '5 B'],
      ]),
    ).toBe('MODEL  SIZE\none    5 B\n');
    expect(
      facts([
        ['Name', 'x'],
        ['Missing', undefined],
      ]),
    ).toBe('Name:  x\n');
  });

  it('styles only where styles are wanted', () => {
    expect(paint('x', 'red', true)).toBe('\u001b[31mx\u001b[39m');
    expect(paint('x', 'red', false)).toBe('x');
  });
});

describe('progress', () => {
  const step = (percent: number) => ({ label: 'file.gguf', percent, done: percent * 10, total: 1000 });

  it('is a line for each 10 % where there is no terminal', () => {
    const terminal = new FakeTerminal();
    const view = progressView(terminal);
    for (let percent = 0; percent <= 100; percent += 0.5) view.update(step(percent));
    view.end();
    expect(terminal.err.split('\n').filter(Boolean)).toHaveLength(11);
    expect(terminal.err).toContain('file.gguf 50.0 %, 500 B of 1.0 kB\n');
    expect(terminal.out).toBe('');
  });

  it('is one bar that is drawn over on a terminal, and gone at the end', () => {
    const terminal = new FakeTerminal({ columns: 80 });
    const view = progressView(terminal);
    view.update(step(50));
    view.end();
    expect(terminal.err).toBe('\r\u001b[K[###############---------------] file.gguf 50.0 %, 500 B of 1.0 kB\r\u001b[K');
  });

  it.each([1, 10, 30, 40, 80, 200])('never breaks a line of %i columns', (columns) => {
    const line = barLine({ ...step(33), bytesPerSecond: 1e6, etaSeconds: 7000 }, columns);
    expect(line.length).toBeLessThan(columns);
  });
});
