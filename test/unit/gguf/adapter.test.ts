import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { inspectModel } from '../../../host/gguf/inspect.ts';
import { markovAdapter, zeroPair } from '../../support/gguf/markov-adapter.ts';
import { markovModel, markovSpec } from '../../support/gguf/markov-model.ts';
import { writeModelKind } from '../../support/gguf/model-kinds.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { array, float32, string, uint32, writeGguf } from '../../support/gguf/write-gguf.ts';

const folder = tempFolder('adapter');
afterAll(() => folder.remove());

const model = join(folder.path, 'model.gguf');
const tied = join(folder.path, 'tied.gguf');
const experts = join(folder.path, 'experts.gguf');
const file = join(folder.path, 'adapter.gguf');

const spec = markovSpec();
const EMBEDDING = spec.tensors[0]?.dimensions[0] ?? 0;
const VOCABULARY = spec.tensors[0]?.dimensions[1] ?? 0;

beforeAll(async () => {
  writeFileSync(model, markovModel());
  writeFileSync(tied, writeGguf({ ...spec, tensors: spec.tensors.filter(({ name }) => name !== 'output.weight') }));
  await writeModelKind(experts, 'experts', { pieces: 8, layers: 2 });
});

/** Inspects the model with an adapter. */
async function inspected(adapter: Buffer, base = model) {
  writeFileSync(file, adapter);
  const { shape } = await inspectModel([base], { adapters: [file] });
  return shape.adapters;
}

const norm = {
  name: 'blk.0.attn_norm.weight',
  dimensions: [EMBEDDING],
  type: 'F32',
  data: new Uint8Array(4 * EMBEDDING),
};
const query = zeroPair('blk.1.attn_q.weight', { a: [EMBEDDING, 4], b: [4, EMBEDDING] });
const embeddings = zeroPair('token_embd.weight', { a: [4, VOCABULARY], b: [4, EMBEDDING] });

describe('an adapter that fits', () => {
  it('is counted where the tensors are that it changes', async () => {
    const tensors = [
      ...query,
      norm,
      ...embeddings,
      ...zeroPair('output.weight', { a: [EMBEDDING, 1], b: [1, VOCABULARY] }),
    ];
    expect(await inspected(markovAdapter({ tensors }))).toEqual({
      layerBytes: [0, 4 * 2 * 4 * EMBEDDING],
      inputBytes: 4 * 4 * (VOCABULARY + EMBEDDING),
      outputBytes: 4 * (VOCABULARY + EMBEDDING),
      width: Math.max(VOCABULARY, EMBEDDING),
    });
  });

  it.each([
    ['without an alpha', { keys: { 'adapter.lora.alpha': undefined } }],
    [
      'of quantized matrices',
      { tensors: zeroPair('output.weight', { a: [EMBEDDING, 32], b: [32, VOCABULARY], type: 'Q8_0' }) },
    ],
    ['that also has norms, which llama.cpp skips', { tensors: [norm, ...query] }],
  ])('is accepted %s', async (_, options) => {
    expect(await inspected(markovAdapter(options))).toBeDefined();
  });

  it('is counted together with others', async () => {
    writeFileSync(file, markovAdapter({ tensors: query }));
    const { shape } = await inspectModel([model], { adapters: [file, file] });
    expect(shape.adapters).toMatchObject({ layerBytes: [0, 2 * 4 * 2 * 4 * EMBEDDING], width: EMBEDDING });
  });

  it('may change the matrices of experts', async () => {
    const tensors = zeroPair('blk.1.ffn_up_exps.weight', { a: [512, 4, 8], b: [4, 256, 8] });
    const keys = { 'general.architecture': string('qwen3moe') };
    expect(await inspected(markovAdapter({ tensors, keys }), experts)).toMatchObject({ width: 2 * 256 });
  });
});

describe('an adapter that does not fit', () => {
  it.each([
    ['a model', markovModel(), /adapter\.gguf cannot be loaded: it is a model, so it is not a LoRA adapter/],
    ['no GGUF file', Buffer.from('PK\x03\x04'), /not a GGUF file/],
    ['a truncated file', markovAdapter().subarray(0, -64), /the file is truncated/],
    ['a file without a type', markovAdapter({ keys: { 'general.type': undefined } }), /its type is missing/],
    ['a type that is no text', markovAdapter({ keys: { 'general.type': uint32(1) } }), /its type is missing/],
    [
      'another architecture',
      markovAdapter({ keys: { 'general.architecture': string('qwen3') } }),
      /it is for models of architecture "qwen3", but this model has "llama"/,
    ],
    ['no architecture', markovAdapter({ keys: { 'general.architecture': undefined } }), /of architecture ""/],
    [
      'another kind of adapter',
      markovAdapter({ keys: { 'adapter.type': string('ia3') } }),
      /of type "ia3", but only LoRA adapters are supported/,
    ],
    ['no kind of adapter', markovAdapter({ keys: { 'adapter.type': undefined } }), /of type ""/],
    [
      'an activated adapter',
      markovAdapter({ keys: { 'adapter.alora.invocation_tokens': array('uint32', [1]) } }),
      /activated LoRA/,
    ],
    [
      'an alpha of another type',
      markovAdapter({ keys: { 'adapter.lora.alpha': uint32(1) } }),
      /its alpha is not a number/,
    ],
    ['an alpha that is no number', markovAdapter({ keys: { 'adapter.lora.alpha': float32(Number.NaN) } }), /its alpha/],
    ['no tensors', markovAdapter({ tensors: [] }), /it changes no tensors/],
    [
      'a tensor that the model lacks',
      markovAdapter({ tensors: zeroPair('blk.2.attn_q.weight', { a: [EMBEDDING, 4], b: [4, EMBEDDING] }) }),
      /it changes tensor "blk\.2\.attn_q\.weight", which the model does not have/,
    ],
    ['half of a pair', markovAdapter({ tensors: query.slice(0, 1) }), /it has only lora_a of tensor/],
    ['the other half', markovAdapter({ tensors: query.slice(1) }), /it has only lora_b of tensor/],
    [
      'a tensor of no adapter',
      markovAdapter({ tensors: [...query, { ...norm, name: 'blk.0.attn_q.weight' }] }),
      /which is not part of a LoRA adapter/,
    ],
    [
      'rows of another length',
      markovAdapter({ tensors: zeroPair('output.weight', { a: [EMBEDDING + 1, 4], b: [4, VOCABULARY] }) }),
      /its matrices for tensor "output\.weight".*do not fit the model's/,
    ],
    [
      'columns of another length',
      markovAdapter({ tensors: zeroPair('output.weight', { a: [EMBEDDING, 4], b: [4, VOCABULARY + 1] }) }),
      /do not fit/,
    ],
    [
      'matrices of different ranks',
      markovAdapter({ tensors: zeroPair('output.weight', { a: [EMBEDDING, 4], b: [5, VOCABULARY] }) }),
      /do not fit/,
    ],
    [
      'embeddings of different ranks, which llama.cpp does not notice',
      markovAdapter({ tensors: zeroPair('token_embd.weight', { a: [4, VOCABULARY], b: [5, EMBEDDING] }) }),
      /do not fit/,
    ],
    [
      'a third dimension',
      markovAdapter({ tensors: zeroPair('output.weight', { a: [EMBEDDING, 4, 2], b: [4, VOCABULARY, 2] }) }),
      /do not fit/,
    ],
    [
      'integers',
      markovAdapter({ tensors: zeroPair('output.weight', { a: [EMBEDDING, 4], b: [4, VOCABULARY], type: 'I32' }) }),
      /has type I32, which cannot be multiplied/,
    ],
  ])('is rejected: %s', async (_, bytes, message) => {
    await expect(inspected(bytes)).rejects.toMatchObject({
      code: 'MODEL_REJECTED',
      message: expect.stringMatching(message),
      details: { file },
    });
  });

  it('is rejected: matrices for another number of experts', async () => {
    const tensors = zeroPair('blk.1.ffn_up_exps.weight', { a: [512, 4, 4], b: [4, 256, 4] });
    const keys = { 'general.architecture': string('qwen3moe') };
    await expect(inspected(markovAdapter({ tensors, keys }), experts)).rejects.toThrow(/do not fit/);
  });

  it('is rejected: embeddings of a model that also uses them as its output matrix', async () => {
    await expect(inspected(markovAdapter({ tensors: embeddings }), tied)).rejects.toThrow(/also uses as its output/);
  });

  it('is rejected: a file that does not exist', async () => {
    const missing = join(folder.path, 'missing.gguf');
    await expect(inspectModel([model], { adapters: [missing] })).rejects.toMatchObject({
      code: 'MODEL_NOT_DOWNLOADED',
    });
  });
});
