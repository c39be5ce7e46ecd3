import { describe, expect, it } from '@jest/globals';
import { variantOf } from '../../../host/engine/runner/cpu-variant.ts';

describe('the CPU variant', () => {
  it.each([
    ['/opt/tabagent/lib/libggml-cpu-zen4.so', 'zen4'],
    ['/x/libggml-cpu-armv8.2_1.so', 'armv8.2_1'],
    ['C:\\Program Files\\TabAgent\\ggml-cpu-sapphirerapids.dll', 'sapphirerapids'],
    ['/x/libggml-cpu-apple_m1.dylib', 'apple_m1'],
    ['/x/libggml-cpu.so', null],
    ['/x/libggml-base.so', null],
    ['/x/libllama.v0.5.0.so', null],
  ])('of %s is %s', (library, variant) => {
    expect(variantOf(library)).toBe(variant);
  });
});
