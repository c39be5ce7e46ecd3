import { describe, expect, it } from '@jest/globals';
import { readGgufHeader } from '../../../host/gguf/inspect.ts';
import type { ModelShape } from '../../../host/gguf/model.ts';
import { modelShape } from '../../../host/gguf/model-shape.ts';
import { cacheBytes } from '../../../host/hardware/cache-types.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { memorySource } from '../../support/gguf/memory-source.ts';
import {
  array,
  bool,
  string,
  type TensorSpec,
  tensorSize,
  uint32,
  type Value,
  writeGguf,
} from '../../support/gguf/write-gguf.ts';

async function shapeOf(metadata: Record<string, Value>, tensors: readonly TensorSpec[]): Promise<ModelShape> {
  const withData = tensors.map((tensor) => ({ ...tensor, data: new Uint8Array(tensorSize(tensor).bytes) }));
  return modelShape([await readGgufHeader(memorySource(writeGguf({ metadata, tensors: withData })))]);
}

const tensor = (name: string, type = 'F16', ...dimensions: number[]): TensorSpec => ({
  name,
  type,
  dimensions: dimensions.length > 0 ? dimensions : [256],
});

const keys = (architecture: string, more: Record<string, Value>): Record<string, Value> => ({
  'general.architecture': string(architecture),
  ...Object.fromEntries(Object.entries(more).map(([key, value]) => [`${architecture}.${key}`, value])),
});

describe('modelShape', () => {
  it('counts the bytes of weights per layer, and before and after the layers', async () => {
    const shape = await shapeOf(keys('llama', { block_count: uint32(2), embedding_length: uint32(256) }), [
      tensor('token_embd.weight', 'F16', 256, 8),
      tensor('blk.0.attn_q.weight', 'Q8_0', 256, 4),
      tensor('blk.1.attn_q.weight', 'Q4_K', 256, 4),
      tensor('blk.1.ffn_norm.weight', 'F32'),
      tensor('output_norm.weight', 'F32'),
      tensor('output.weight', 'Q6_K', 256, 8),
    ]);
    expect(shape.inputBytes).toBe(256 * 8 * 2);
    expect(shape.layerBytes).toEqual([(256 / 32) * 34 * 4, 144 * 4 + 1024]);
    expect(shape.outputBytes).toBe(1024 + 210 * 8);
  });

  it('reads all properties of a model', async () => {
    const bytes = markovModel({ layers: 3, contextLength: 128, name: 'Three' });
    expect(modelShape([await readGgufHeader(memorySource(bytes))])).toMatchObject({
      architecture: 'llama',
      name: 'Three',
      quantization: 'F16',
      modelType: 'gguf',
      vocabSize: 309,
      embeddingDim: 320,
      trainContextSize: 128,
      caches: new Array(3).fill({ keys: 64, values: 64, isWindowed: false, stateBytes: 0 }),
      fileBytes: bytes.length,
    });
  });

  it.each([0, 513, 2 ** 32 - 1])('rejects a header that claims %d layers without allocating them', async (count) => {
    const metadata = keys('llama', { block_count: uint32(count), embedding_length: uint32(256) });
    await expect(shapeOf(metadata, [tensor('blk.0.ffn_up.weight')])).rejects.toMatchObject({ code: 'MODEL_REJECTED' });
  });

  it('classifies ternary weights and BitNet architectures as bitnet', async () => {
    const one = { block_count: uint32(1), embedding_length: uint32(256) };
    expect((await shapeOf(keys('llama', one), [tensor('blk.0.ffn_up.weight', 'TQ2_0')])).modelType).toBe('bitnet');
    expect((await shapeOf(keys('llama', one), [tensor('blk.0.ffn_up.weight', 'TQ1_0')])).modelType).toBe('bitnet');
    expect((await shapeOf(keys('bitnet', one), [tensor('blk.0.ffn_up.weight')])).modelType).toBe('bitnet');
  });

  it('uses the quantization of most bytes if the file declares none', async () => {
    const shape = await shapeOf(keys('llama', { block_count: uint32(1), embedding_length: uint32(256) }), [
      tensor('blk.0.ffn_up.weight', 'Q5_K', 256, 100),
      tensor('blk.0.ffn_norm.weight', 'F32'),
    ]);
    expect(shape.quantization).toBe('Q5_K');
  });
});

/** Metadata of real files; bytes calculated by hand as heads × (key + value) × 2. */
const KV: readonly (readonly [model: string, Record<string, Value>, layerTensors: string[][], expected: number[]])[] = [
  [
    'Llama 3.2 1B: 8 of 32 heads, of 64',
    keys('llama', {
      block_count: uint32(1),
      embedding_length: uint32(2048),
      'attention.head_count': uint32(32),
      'attention.head_count_kv': uint32(8),
    }),
    [['attn_k']],
    [8 * 128 * 2],
  ],
  [
    'Qwen3 30B A3B: 4 heads with their own lengths',
    keys('qwen3moe', {
      block_count: uint32(1),
      embedding_length: uint32(2048),
      'attention.head_count': uint32(32),
      'attention.head_count_kv': uint32(4),
      'attention.key_length': uint32(128),
      'attention.value_length': uint32(128),
    }),
    [['attn_k']],
    [4 * 256 * 2],
  ],
  [
    'a model without head_count_kv: all heads',
    keys('llama', { block_count: uint32(1), embedding_length: uint32(64), 'attention.head_count': uint32(8) }),
    [['attn_k']],
    [64 * 2 * 2],
  ],
  [
    'OpenELM: heads by layer',
    keys('openelm', {
      block_count: uint32(3),
      embedding_length: uint32(1280),
      'attention.head_count': array('int32', [12, 16, 20]),
      'attention.head_count_kv': array('int32', [3, 4, 5]),
      'attention.key_length': uint32(64),
      'attention.value_length': uint32(64),
    }),
    [['attn_qkv'], ['attn_qkv'], ['attn_qkv']],
    [3 * 128 * 2, 4 * 128 * 2, 5 * 128 * 2],
  ],
  [
    'DeepSeek V3: compressed keys only',
    keys('deepseek2', {
      block_count: uint32(1),
      embedding_length: uint32(7168),
      'attention.head_count': uint32(128),
      'attention.head_count_kv': uint32(1),
      'attention.kv_lora_rank': uint32(512),
      'attention.key_length': uint32(576),
      'attention.value_length': uint32(512),
      'attention.key_length_mla': uint32(192),
      'attention.value_length_mla': uint32(128),
    }),
    [['attn_kv_a_mqa']],
    [576 * 2],
  ],
  [
    'Qwen3-Next: three recurrent layers, then an attention layer',
    keys('qwen3next', {
      block_count: uint32(4),
      embedding_length: uint32(2048),
      'attention.head_count': uint32(16),
      'attention.head_count_kv': uint32(2),
      'attention.key_length': uint32(256),
      'attention.value_length': uint32(256),
    }),
    [['attn_qkv', 'ssm_out'], ['attn_qkv', 'ssm_out'], ['attn_qkv', 'ssm_out'], ['attn_k']],
    [0, 0, 0, 2 * 512 * 2],
  ],
  [
    'Falcon-H1: state and attention in every layer',
    keys('falcon-h1', {
      block_count: uint32(1),
      embedding_length: uint32(1024),
      'attention.head_count': uint32(8),
      'attention.head_count_kv': uint32(2),
      'attention.key_length': uint32(64),
      'attention.value_length': uint32(64),
    }),
    [['ssm_in', 'attn_k']],
    [2 * 128 * 2],
  ],
  [
    'Mamba: none',
    keys('mamba', { block_count: uint32(2), embedding_length: uint32(768) }),
    [['ssm_in'], ['ssm_in']],
    [0, 0],
  ],
  [
    'Gemma 3n: the last layers use the cache of earlier ones',
    keys('gemma3n', {
      block_count: uint32(3),
      embedding_length: uint32(2048),
      'attention.head_count': uint32(8),
      'attention.head_count_kv': uint32(2),
      'attention.key_length': uint32(256),
      'attention.value_length': uint32(256),
      'attention.shared_kv_layers': { type: 'float32', value: 1 },
    }),
    [['attn_k'], ['attn_k'], ['attn_k']],
    [2048, 2048, 0],
  ],
  [
    'BERT: an encoder stores none',
    keys('bert', {
      block_count: uint32(1),
      embedding_length: uint32(384),
      'attention.head_count': uint32(12),
      'attention.causal': bool(false),
    }),
    [['attn_k']],
    [0],
  ],
];

describe('KV cache bytes per token', () => {
  it.each(KV)('%s', async (_model, metadata, layerTensors, expected) => {
    const tensors = layerTensors.flatMap((names, layer) => names.map((name) => tensor(`blk.${layer}.${name}.weight`)));
    const { caches } = await shapeOf(metadata, tensors);
    expect(caches.map((cache) => cacheBytes(cache, {}))).toEqual(expected);
  });
});

/** Layers with a sliding window, as a list of 0 and 1 for each layer. Source: `load_arch_hparams` in llama.cpp. */
const WINDOWS: readonly (readonly [string, string, layers: number, Record<string, Value>, string, size: number])[] = [
  ['every sixth layer is dense', 'gemma3', 8, { 'attention.sliding_window': uint32(512) }, '11111011', 512],
  ['a window of 0 is none', 'gemma3', 8, { 'attention.sliding_window': uint32(0) }, '00000000', 0],
  ['without a window there is none', 'gemma3', 8, {}, '00000000', 0],
  [
    'a stated period',
    'gemma3',
    6,
    { 'attention.sliding_window': uint32(512), 'attention.sliding_window_pattern': uint32(3) },
    '110110',
    512,
  ],
  ['a window by default', 'gemma2', 4, {}, '1010', 4096],
  ['chunks', 'llama4', 8, {}, '11101110', 8192],
  ['no chunks', 'llama4', 8, { 'attention.sliding_window': uint32(0) }, '00000000', 0],
  ['the first layer is dense', 'smallthinker', 5, { 'attention.sliding_window': uint32(100) }, '01110', 4096],
  ['a small model of a family', 'exaone4', 4, { 'attention.sliding_window': uint32(100) }, '0000', 0],
  [
    'a list',
    'gemma4',
    4,
    { 'attention.sliding_window': uint32(100), 'attention.sliding_window_pattern': array('bool', [1, 1, 0, 1]) },
    '1101',
    100,
  ],
  [
    'layers for multi-token prediction',
    'afmoe',
    5,
    { 'attention.sliding_window': uint32(100), nextn_predict_layers: uint32(1) },
    '11100',
    100,
  ],
  ['an architecture without windows', 'phi3', 2, { 'attention.sliding_window': uint32(100) }, '00', 0],
];

describe('sliding windows', () => {
  it.each(WINDOWS)('%s: %s with %d layers', async (_name, architecture, layers, metadata, expected, size) => {
    const all = { block_count: uint32(layers), embedding_length: uint32(64), 'attention.head_count': uint32(1) };
    const shape = await shapeOf(keys(architecture, { ...all, ...metadata }), [tensor('blk.0.attn_k.weight')]);
    expect(shape.caches.map(({ isWindowed }) => Number(isWindowed)).join('')).toBe(expected);
    expect(shape.windowSize).toBe(size);
  });
});
