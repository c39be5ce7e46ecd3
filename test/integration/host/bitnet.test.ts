import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ternaryModel } from '../../support/gguf/ternary-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';

let workshop: HostFixture;
beforeEach(async () => {
  workshop = await HostFixture.open();
});
afterEach(() => workshop.close());

describe('a model with ternary weights', () => {
  it.each([
    ['llama', 'TQ2_0'],
    ['llama', 'TQ1_0'],
    ['bitnet', 'TQ2_0'],
    ['bitnet', 'TQ1_0'],
  ] as const)(
    'of the architecture %s in %s loads as bitnet and says what its weights say',
    async (architecture, type) => {
      const folder = join(workshop.home, 'models', 'maker', 'ring');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'ring.gguf'), ternaryModel({ architecture, type }));
      const host = workshop.host();
      const modelPath = 'maker/ring/ring.gguf';

      const settings = { n_gpu_layers: 0, n_threads: 1, n_ctx: 128 };
      const loaded = await host.request('LOAD_MODEL', { modelPath, settings });
      expect(loaded).toMatchObject({
        status: 'success',
        payload: { backend: 'Node-BitNet', architecture, quantization: type },
      });
      const { payload } = await host.request('GET_MODEL_STATE', { modelId: modelPath });
      expect(payload.config.model_type).toBe('bitnet');

      const greedy = { do_sample: false, repetition_penalty: 1, max_new_tokens: 6 };
      const { text } = await host.request('GENERATE', { prompt: 'zero', settings: greedy });
      expect(text.trim()).toBe('one two three four zero one');
    },
  );
});
