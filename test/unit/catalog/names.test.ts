import { describe, expect, it } from '@jest/globals';
import { assertRunnable, modelTypeOf } from '../../../host/catalog/model-type.ts';
import { quantizationOf } from '../../../host/catalog/quantization-name.ts';

describe('quantizationOf', () => {
  it.each([
    ['Qwen3-30B-A3B-Q4_K_M.gguf', 'Q4_K_M'],
    ['qwen2.5-1.5b-instruct-q4_k_m.gguf', 'Q4_K_M'],
    ['Phi-3-mini-4k-instruct-q4.gguf', 'Q4'],
    ['nomic-embed-text-v1.5.Q8_0.gguf', 'Q8_0'],
    ['gpt-oss-20b-mxfp4.gguf', 'MXFP4'],
    ['GLM-4.5-UD-TQ1_0.gguf', 'UD-TQ1_0'],
    ['UD-Q4_K_XL/Qwen3-235B-UD-Q4_K_XL-00001-of-00003.gguf', 'UD-Q4_K_XL'],
    ['Llama-3.2-1B-IQ2_XXS.gguf', 'IQ2_XXS'],
    ['Llama-3.2-1B-IQ4_NL.gguf', 'IQ4_NL'],
    ['ggml-model-i2_s.gguf', 'I2_S'],
    ['model-BF16.gguf', 'BF16'],
    ['model-fp16.gguf', 'F16'],
    ['mmproj-model-f16.gguf', 'F16'],
    ['Qwen3-8B.gguf', undefined],
    ['Q-star-7b.gguf', undefined],
  ])('reads %s as %s', (file, quantization) => expect(quantizationOf(file)).toBe(quantization));
});

describe('modelTypeOf', () => {
  it.each([
    ['Qwen3-8B-Q4_K_M.gguf', 'gguf'],
    ['bitnet_b1_58-large-TQ2_0.gguf', 'bitnet'],
    ['ggml-model-i2_s.gguf', 'bitnet'],
    ['onnx/model_q4.onnx', 'onnx'],
    ['model.onnx_data', 'onnx'],
    ['model-00001-of-00002.safetensors', 'safetensors'],
    ['gemma3-1b-it-int4.task', 'mediapipe'],
    ['gemma-3n-E2B-it.litertlm', 'mediapipe'],
  ])('takes %s for %s', (file, type) => expect(modelTypeOf(file)).toBe(type));

  it('says what would run what this host does not', () => {
    expect(() => assertRunnable('model.onnx')).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_MODEL_TYPE', message: expect.stringContaining('ONNX Runtime') }),
    );
    expect(() => assertRunnable('model.gguf')).not.toThrow();
  });
});
