import { afterEach, describe, expect, it } from '@jest/globals';
import { Interrupts } from '../../../host/cli/interrupts.ts';

describe('an interrupted command', () => {
  let interrupts: Interrupts | undefined;
  afterEach(() => interrupts?.release());

  it.each([
    ['SIGINT', 130],
    ['SIGBREAK', 149],
    ['SIGHUP', 129],
    ['SIGTERM', 143],
  ] as const)('gives up its work on %s', (signal, exitCode) => {
    interrupts = new Interrupts();
    process.emit(signal);
    expect(interrupts.signal.aborted).toBe(true);
    expect(interrupts.exitCode).toBe(exitCode);
  });

  it('can temporarily handle Ctrl-C, but not Ctrl-Break', () => {
    interrupts = new Interrupts();
    interrupts.onCtrlC(() => {});
    process.emit('SIGINT');
    expect(interrupts.signal.aborted).toBe(false);
    process.emit('SIGBREAK');
    expect(interrupts.signal.aborted).toBe(true);
  });
});
