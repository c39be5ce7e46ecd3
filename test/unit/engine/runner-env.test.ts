import { describe, expect, it } from '@jest/globals';
import { readGpuMode, runnerEnv } from '../../../host/engine/runner-env.ts';

describe("a runner's environment", () => {
  it('contains variables that drivers and the loader need', () => {
    const env = {
      PATH: '/bin',
      HOME: '/home/u',
      LD_LIBRARY_PATH: '/cuda',
      CUDA_VISIBLE_DEVICES: '1',
      GGML_VK_VISIBLE_DEVICES: '0',
    };
    expect(runnerEnv(env)).toMatchObject(env);
  });

  it('contains no token, no proxy, and nothing that affects how Node.js starts', () => {
    const secrets = {
      HF_TOKEN: 'hf_x',
      HUGGING_FACE_HUB_TOKEN: 'hf_y',
      HTTPS_PROXY: 'http://user:pass@proxy',
      NODE_OPTIONS: '--inspect',
      AWS_SECRET_ACCESS_KEY: 'k',
      TABAGENT_HOME: '/data',
    };
    const env = runnerEnv(secrets);
    for (const name of Object.keys(secrets)) expect(env).not.toHaveProperty(name);
  });

  it('prevents ggml from starting a debugger', () => {
    expect(runnerEnv({})).toEqual({ GGML_NO_BACKTRACE: '1' });
  });
});

describe('TABAGENT_GPU', () => {
  it('lets llama.cpp choose if it is not set', () => {
    expect(readGpuMode({})).toBe('auto');
    expect(readGpuMode({ TABAGENT_GPU: '' })).toBe('auto');
  });

  it.each(['auto', 'cuda', 'vulkan', 'metal', 'off'] as const)('can be %s, in any case', (mode) => {
    expect(readGpuMode({ TABAGENT_GPU: mode.toUpperCase() })).toBe(mode);
  });

  it('is rejected by name if it is invalid', () => {
    expect(() => readGpuMode({ TABAGENT_GPU: 'opencl' })).toThrow(
      /TABAGENT_GPU must be one of auto, cuda, vulkan, metal, off, but is "opencl"/,
    );
  });
});
