import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { HostError } from '../../../host/common/errors.ts';
import type { Budget } from '../../../host/engine/budget.ts';
import { RunnerGuard } from '../../../host/engine/runner-guard.ts';

const BUDGET: Budget = {
  file: 'm.gguf',
  memoryBytes: 1_000,
  mappedBytes: 500,
  loadMs: 0,
  stepMs: ({ size }) => size * 1_000,
  contextBytes: (tokens) => tokens,
};

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function guarded(memory: { now: number | undefined } = { now: 0 }) {
  const errors: HostError[] = [];
  const guard = new RunnerGuard({ readMemory: () => memory.now, onExceeded: (error) => errors.push(error) });
  guard.limit(BUDGET);
  return { guard, errors, memory };
}

describe('the time limit', () => {
  it('depends on the size of a step, and restarts with the next one', () => {
    const { guard, errors } = guarded();
    guard.begin(1, 'generate');
    for (let piece = 0; piece < 5; piece += 1) {
      guard.step(1, { kind: 'evaluate', size: 10 });
      jest.advanceTimersByTime(9_500);
    }
    expect(errors).toEqual([]);
    jest.advanceTimersByTime(1_000);
    expect(errors).toMatchObject([{ code: 'ENGINE_ENDED', details: { reason: 'progress', limitMs: 10_000 } }]);
  });

  it('ignores steps of other commands', () => {
    const { guard, errors } = guarded();
    guard.begin(1, 'generate');
    guard.step(1, { kind: 'evaluate', size: 100 });
    guard.begin(2, 'countTokens');
    guard.step(2, { kind: 'tokenize', size: 1 });
    guard.end(2);
    jest.advanceTimersByTime(99_000);
    expect(errors).toEqual([]);
  });

  it('does not expire while the computer sleeps', () => {
    const { guard, errors } = guarded();
    guard.begin(1, 'generate');
    guard.step(1, { kind: 'evaluate', size: 10 });
    const now = performance.now();
    const sleeping = jest.spyOn(performance, 'now').mockImplementation(() => now + 3_600_000);
    jest.advanceTimersByTime(250);
    sleeping.mockRestore();
    expect(errors).toEqual([]);
  });

  it('applies to every command except loads, which have their own limit', () => {
    const { guard, errors } = guarded();
    guard.begin(1, 'load');
    jest.advanceTimersByTime(600_000);
    expect(errors).toEqual([]);
    guard.begin(2, 'countTokens');
    jest.advanceTimersByTime(121_000);
    expect(errors).toMatchObject([{ details: { reason: 'progress' } }]);
  });
});

describe('the memory limit', () => {
  it('is checked only while a command runs', () => {
    const { guard, errors, memory } = guarded({ now: 1_000 });
    guard.begin(1, 'generate');
    jest.advanceTimersByTime(1_000);
    guard.end(1);
    memory.now = 1_001;
    jest.advanceTimersByTime(1_000);
    expect(errors).toEqual([]);
    guard.begin(2, 'generate');
    jest.advanceTimersByTime(1_000);
    expect(errors).toMatchObject([{ details: { reason: 'memory', bytes: 1_001, limitBytes: 1_000, file: 'm.gguf' } }]);
  });

  it('increases for up to two announced contexts', () => {
    const { guard, errors, memory } = guarded({ now: 1_400 });
    guard.begin(1, 'embed');
    guard.step(1, { kind: 'context', size: 200 });
    jest.advanceTimersByTime(1_000);
    expect(errors).toEqual([]);
    memory.now = 1_401;
    jest.advanceTimersByTime(1_000);
    expect(errors).toHaveLength(1);
  });

  it('includes the mapped file if the runner reports its memory', () => {
    const { guard, errors } = guarded({ now: undefined });
    guard.reported(1_500);
    expect(errors).toEqual([]);
    guard.reported(1_501);
    expect(errors).toMatchObject([{ details: { limitBytes: 1_500 } }]);
  });
});
