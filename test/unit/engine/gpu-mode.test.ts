import { describe, expect, it } from '@jest/globals';
import { readGpuMode } from '../../../host/engine/gpu-mode.ts';

describe('TABAGENT_GPU', () => {
  it('leaves the choice to llama.cpp when it is not set', () => {
    expect(readGpuMode({})).toBe('auto');
    expect(readGpuMode({ TABAGENT_GPU: '' })).toBe('auto');
  });

  it.each(['auto', 'cuda', 'vulkan', 'metal', 'off'] as const)('can be %s, in any case', (mode) => {
    expect(readGpuMode({ TABAGENT_GPU: mode.toUpperCase() })).toBe(mode);
  });

  it('is refused by name when it is something else', () => {
    expect(() => readGpuMode({ TABAGENT_GPU: 'opencl' })).toThrow(
      /TABAGENT_GPU to be one of auto, cuda, vulkan, metal, off, got "opencl"/,
    );
  });
});
