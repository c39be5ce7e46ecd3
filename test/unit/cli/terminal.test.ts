import { describe, expect, it } from '@jest/globals';
import { downloadStep } from '../../../host/cli/download-step.ts';
import { barLine, progressView } from '../../../host/cli/terminal/progress.ts';
import { paint } from '../../../host/cli/terminal/styles.ts';
import { displayWidth, facts, printable, table } from '../../../host/cli/terminal/text.ts';
import { FakeTerminal } from '../../support/cli/fake-terminal.ts';

describe('human-readable text', () => {
  it('removes control characters from names', () => {
    expect(printable('a\u001b]0;title\u0007b\u202ec\r\n\td')).toBe('a]0;titlebc\n\td');
    expect(table([['a\u001b[2J', 'b']])).toBe('a[2J  b\n');
  });

  it('aligns columns', () => {
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

  it('uses styles only if they are enabled', () => {
    expect(paint('x', 'red', true)).toBe('\u001b[31mx\u001b[39m');
    expect(paint('x', 'red', false)).toBe('x');
  });
});

describe('progress', () => {
  const step = (percent: number) => ({ label: 'file.gguf', percent, done: percent * 10, total: 1000 });

  it('is a line for each 10 % without a terminal', () => {
    const terminal = new FakeTerminal();
    const view = progressView(terminal);
    for (let percent = 0; percent <= 100; percent += 0.5) view.update(step(percent));
    view.end();
    expect(terminal.err.split('\n').filter(Boolean)).toHaveLength(11);
    expect(terminal.err).toContain('file.gguf 50.0 %, 500 B of 1.0 kB\n');
    expect(terminal.out).toBe('');
  });

  it('is one bar that is redrawn on a terminal, and removed at the end', () => {
    const terminal = new FakeTerminal({ columns: 80 });
    const view = progressView(terminal);
    view.update(step(50));
    view.end();
    expect(terminal.err).toBe('\r\u001b[K[###############---------------] file.gguf 50.0 %, 500 B of 1.0 kB\r\u001b[K');
  });

  it.each([1, 10, 30, 40, 80, 200])('never exceeds a line of %i columns', (columns) => {
    const line = barLine({ ...step(33), bytesPerSecond: 1e6, etaSeconds: 7000 }, columns);
    expect(line.length).toBeLessThan(columns);
  });
});

describe('a progress line', () => {
  const step = {
    label: 'Qwen3-Coder-30B-A3B-Instruct-UD-Q4_K_XL.gguf',
    percent: 42.1,
    done: 7.4e9,
    total: 17.7e9,
    bytesPerSecond: 23.4e6,
    etaSeconds: 440,
  };

  it.each([40, 60, 80, 100, 120, 200])('shows all numbers in %i columns, with any name', (columns) => {
    for (const label of ['m.gguf', step.label, '模型'.repeat(40), 'e\u0301'.repeat(60)]) {
      const line = barLine({ ...step, label }, columns);
      for (const figure of ['42', '7.4 GB', '23.4 MB/s', '7 min 20 s']) expect(line).toContain(figure);
      expect(displayWidth(line)).toBeLessThan(columns);
    }
  });

  it('shortens a long name in the middle, since files of a repository differ at the end', () => {
    expect(barLine(step, 80)).toMatch(/^Qwen3\S*…\S*Q4_K_XL\.gguf /);
  });

  it('shows speed and remaining time only when they are known', () => {
    const line = barLine({ ...step, bytesPerSecond: 0, etaSeconds: null }, 200);
    expect(line).not.toMatch(/\/s|left/);
  });

  it('shows the number of connections if there is enough space', () => {
    expect(barLine({ ...step, connections: 8 }, 200)).toContain('8 connections');
    expect(barLine({ ...step, connections: 1 }, 200)).toMatch(/1 connection$/);
    expect(barLine({ ...step, connections: 8 }, 60)).toBe(barLine(step, 60));
  });

  it('shows why no data arrives, and what happens next', () => {
    const payload = {
      modelId: 'a/b/m.gguf',
      repoId: 'a/b',
      fileName: 'm.gguf',
      loaded: 10,
      total: 100,
      progress: 10,
      bytesPerSecond: 0,
      etaSeconds: null,
      connections: 1,
      stalled: true,
      stalledSince: 1000,
    };
    const shown = (next: { action: 'wait' | 'retry' | 'reconnect'; inSeconds: number; code: string | null } | null) =>
      barLine(downloadStep('m.gguf', { ...payload, next }, 1_012_000), 120);
    expect(shown({ action: 'wait', inSeconds: 83, code: 'RATE_LIMITED' })).toContain(
      '1 connection, no data for 12 s, requests are limited, continues in 1 min 23 s',
    );
    expect(shown({ action: 'wait', inSeconds: 3, code: 'HUB_ERROR' })).toContain(
      'the server is busy, continues in 3 s',
    );
    expect(shown({ action: 'retry', inSeconds: 2, code: 'HUB_UNREACHABLE' })).toContain('tries again in 2 s');
    expect(shown({ action: 'reconnect', inSeconds: 8, code: null })).toContain('reconnects in 8 s');
    expect(shown(null)).toMatch(/no data for 12 s$/);
    expect(
      downloadStep('m.gguf', { ...payload, stalled: false, stalledSince: null, next: null }).stall,
    ).toBeUndefined();
  });

  it('prints one line about each kind of stall without a terminal', () => {
    const terminal = new FakeTerminal({});
    const view = progressView(terminal);
    const stall = (kind: string, text: string) => view.update({ ...step, stall: { kind, text } });
    view.update(step);
    stall('retry', 'tries again in 2 s');
    stall('retry', 'tries again in 1 s');
    view.update(step);
    stall('retry', 'tries again in 9 s');
    stall('wait', 'continues in 9 s');
    expect(terminal.err.match(/(tries again|continues) in \d s/g)).toEqual([
      'tries again in 2 s',
      'tries again in 9 s',
      'continues in 9 s',
    ]);
  });

  it('adapts to a resized window', () => {
    const terminal = new FakeTerminal({ columns: 200 });
    const view = progressView(terminal);
    view.update(step);
    terminal.columns = 40;
    terminal.err = '';
    view.update(step);
    expect(terminal.err.length).toBeLessThan(44);
  });
});
