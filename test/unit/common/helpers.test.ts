import { describe, expect, it } from '@jest/globals';
import { defined } from '../../../host/common/defined.ts';
import { lazy } from '../../../host/common/lazy.ts';
import { sum } from '../../../host/common/sum.ts';

describe('sum', () => {
  it('adds the numbers of any iterable, and returns 0 for an empty one', () => {
    expect(sum([1, 2, 3.5])).toBe(6.5);
    expect(sum(new Map([['a', 4]]).values())).toBe(4);
    expect(sum([])).toBe(0);
  });
});

describe('defined', () => {
  it('omits undefined properties, and no others', () => {
    const properties = defined({ a: 1, b: undefined, c: null, d: false });
    expect(Object.keys(properties)).toEqual(['a', 'c', 'd']);
  });
});

describe('lazy', () => {
  it('creates a value on first use, and once for concurrent calls', async () => {
    let created = 0;
    const value = lazy(async () => {
      created += 1;
      return created;
    });
    expect(await value.current()).toBeUndefined();
    expect(created).toBe(0);
    expect(await Promise.all([value(), value()])).toEqual([1, 1]);
    expect(await value()).toBe(1);
    expect(await value.current()).toBe(1);
  });

  it('tries again after a failure', async () => {
    const outcomes = [Promise.reject(new Error('disk full')), Promise.resolve('opened')];
    const value = lazy(async () => outcomes.shift() ?? 'created twice');
    await expect(value()).rejects.toThrow('disk full');
    expect(await value.current()).toBeUndefined();
    expect(await value()).toBe('opened');
    expect(await value()).toBe('opened');
  });

  it('creates a new value after a reset, even while the first one is being created', async () => {
    const first = Promise.withResolvers<string>();
    const values = [first.promise, Promise.resolve('second')];
    const value = lazy(async () => values.shift() ?? 'third');
    const pending = value();
    value.reset();
    expect(await value()).toBe('second');
    first.reject(new Error('closed'));
    await expect(pending).rejects.toThrow('closed');
    expect(await value()).toBe('second');
  });
});
