import { describe, expect, it } from '@jest/globals';
import { throttle } from '../../../host/common/progress.ts';

describe('throttle', () => {
  it('reports the latest progress once per interval, and always the last', () => {
    let now = 0;
    const heard: number[] = [];
    const listener = throttle(
      (n: number) => heard.push(n),
      100,
      () => now,
    );
    for (let n = 0; n <= 25; n += 1) {
      now = n * 10;
      listener(n);
    }
    expect(heard).toEqual([0, 10, 20]);
    listener.flush();
    listener.flush();
    expect(heard).toEqual([0, 10, 20, 25]);
  });
});
