import { describe, expect, it } from '@jest/globals';
import { assertSupportedFile, type ModelClues, modelTypeFor } from '../../../host/catalog/model-type.ts';
import { quantizationOf } from '../../../host/catalog/quantization-name.ts';
import type { ModelType } from '../../../host/protocol/actions/catalog.ts';

const REPO = { owner: 'maker', repo: 'many' };

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
    ['m-Q4_0_4_8.gguf', 'Q4_0_4_8'],
    ['g-MXFP4_MOE.gguf', 'MXFP4_MOE'],
    ['Qwen3-8B.gguf', undefined],
    ['Q-star-7b.gguf', undefined],
  ])('reads %s as %s', (file, quantization) => expect(quantizationOf(file)).toBe(quantization));
});

describe('modelTypeFor', () => {
  const bitnet = { modelType: 'bitnet' } as const;
  const gguf = { modelType: 'gguf' } as const;

  it.each<[ModelClues, ModelType]>([
    // The extension of a file decides.
    [{ file: 'Qwen3-8B-Q4_K_M.gguf' }, 'gguf'],
    [{ file: 'onnx/model_q4.onnx' }, 'onnx'],
    [{ file: 'model.onnx_data' }, 'onnx'],
    [{ file: 'model.onnx.data' }, 'onnx'],
    [{ file: 'model-00001-of-00002.safetensors' }, 'safetensors'],
    [{ file: 'model.safetensors.index.json' }, 'safetensors'],
    [{ file: 'pytorch_model.bin' }, 'safetensors'],
    [{ file: 'gemma3-1b-it-int4.task' }, 'mediapipe'],
    [{ file: 'gemma-3n-E2B-it.litertlm' }, 'mediapipe'],
    [{ file: 'model.gguf', repo: 'onnx-community/model' }, 'gguf'],
    [{ file: 'model.onnx', repo: 'me/model-GGUF' }, 'onnx'],
    // For a GGUF file, the header decides, then its name, then the repository's.
    [{ file: 'bitnet_b1_58-large-TQ2_0.gguf' }, 'bitnet'],
    [{ file: 'ggml-model-i2_s.gguf' }, 'bitnet'],
    [{ file: 'ggml-model.gguf', repo: 'microsoft/bitnet-b1.58-2B-4T-gguf' }, 'bitnet'],
    [{ file: 'plain.gguf', header: bitnet }, 'bitnet'],
    [{ file: 'about-bitnet.gguf', header: gguf }, 'gguf'],
    // Without a file, the hub's tags and the repository's name decide.
    [{ repo: 'bartowski/Llama-3.2-3B-Instruct-GGUF' }, 'gguf'],
    [{ repo: 'onnx-community/Qwen3-0.6B-ONNX' }, 'onnx'],
    [{ repo: 'litert-community/Gemma3-1B-IT' }, 'mediapipe'],
    [{ repo: 'mlx-community/Qwen3-4B-4bit' }, 'safetensors'],
    [{ repo: 'me/model', labels: ['transformers', 'safetensors'] }, 'safetensors'],
    [{ repo: 'me/model', labels: ['safetensors', 'gguf'] }, 'gguf'],
    [{ repo: 'me/model', labels: ['transformers.js', 'onnx'] }, 'onnx'],
    [{ repo: 'HF1BitLLM/bitnet-large' }, 'bitnet'],
    [{ repo: 'me/donnxer' }, 'gguf'],
    [{}, 'gguf'],
  ])('maps %j to %s', (clues, type) => expect(modelTypeFor(clues)).toBe(type));

  it('names a program that runs models which this host cannot run', () => {
    expect(() => assertSupportedFile({ ...REPO, file: 'model.onnx' })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_MODEL_TYPE', message: expect.stringContaining('ONNX Runtime') }),
    );
    expect(() => assertSupportedFile({ ...REPO, file: 'model.gguf' })).not.toThrow();
    expect(() => assertSupportedFile({ owner: 'local', repo: 'ollama', file: 'qwen3/8b' })).not.toThrow();
  });

  it.each([
    ['README.md', /not a model file/],
    ['m-Q8_0.gguf.part1of2', /a piece of a model file/],
    ['m-part2of3.gguf', /a piece of a model file/],
    ['imatrix.dat', /not a model file/],
  ])('rejects %s', (file, why) => {
    expect(() => assertSupportedFile({ ...REPO, file })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_MODEL_TYPE', message: expect.stringMatching(why) }),
    );
  });
});
