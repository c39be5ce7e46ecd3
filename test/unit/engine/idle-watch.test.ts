import { describe, expect, it } from '@jest/globals';
import { IdleWatch } from '../../../host/engine/idle-watch.ts';
import { ManualClock } from '../../support/extension/manual-clock.ts';

function watched(keepAliveMs?: number) {
  const clock = new ManualClock();
  const idle: number[] = [];
  return { clock, idle, watch: new IdleWatch({ clock, keepAliveMs, onIdle: () => idle.push(clock.now()) }) };
}

describe('a model with a keepAlive', () => {
  it('is told idle once, after that long', () => {
    const { clock, idle } = watched(1000);
    clock.advance(999);
    expect(idle).toEqual([]);
    clock.advance(1);
    clock.advance(10_000);
    expect(idle).toEqual([1000]);
  });

  it('is never idle while it works, and counts from the end of the last work', async () => {
    const { clock, idle, watch } = watched(1000);
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    const works = [watch.during(() => first.promise), watch.during(() => second.promise)];
    clock.advance(5000);
    first.resolve();
    await works[0];
    clock.advance(5000);
    expect([idle, watch.isWorking]).toEqual([[], true]);
    second.resolve();
    await works[1];
    expect([watch.isWorking, watch.lastUsed]).toEqual([false, 10_000]);
    clock.advance(999);
    expect(idle).toEqual([]);
    clock.advance(1);
    expect(idle).toEqual([11_000]);
  });

  it('counts work that failed as done', async () => {
    const { clock, idle, watch } = watched(1000);
    await expect(watch.during(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    clock.advance(1000);
    expect(idle).toEqual([1000]);
  });

  it('can be given another, or none, and is not watched once it has gone', () => {
    const { clock, idle, watch } = watched();
    clock.advance(1e9);
    watch.keepAlive(1000);
    clock.advance(900);
    watch.keepAlive(2000);
    clock.advance(1900);
    watch.keepAlive(undefined);
    clock.advance(1e9);
    watch.keepAlive(1000);
    watch.close();
    clock.advance(1e9);
    expect([idle, clock.delays]).toEqual([[], []]);
  });
});
