import { type GgufSpec, string, type TensorSpec, uint32, type Value, writeGguf } from './write-gguf.ts';

/** The minimal metadata that the preflight accepts: one layer, a vocabulary of two tokens. */
export const TINY_METADATA: Readonly<Record<string, Value>> = {
  'general.architecture': string('llama'),
  'llama.block_count': uint32(1),
  'llama.context_length': uint32(64),
  'llama.embedding_length': uint32(32),
  'llama.attention.head_count': uint32(4),
  'tokenizer.ggml.model': string('llama'),
  'tokenizer.ggml.tokens': { type: 'array', of: 'string', value: ['<unk>', 'a'] },
};

/** Tensors: the embeddings, one tensor of the layer, and the output. */
export const TINY_TENSORS: readonly (TensorSpec & { readonly data: Uint8Array })[] = [
  { name: 'token_embd.weight', dimensions: [32, 2], type: 'F32', data: new Uint8Array(256) },
  { name: 'blk.0.attn_k.weight', dimensions: [32, 32], type: 'Q8_0', data: new Uint8Array(1088) },
  { name: 'output.weight', dimensions: [32, 2], type: 'F32', data: new Uint8Array(256) },
];

/** Returns a file that the preflight accepts, although llama.cpp would miss most tensors, with changes for a test. */
export function tinyGguf(
  change: Partial<GgufSpec<TensorSpec & { readonly data: Uint8Array }>> & {
    /** Keys to add or replace; `undefined` removes a key. */
    readonly keys?: Readonly<Record<string, Value | undefined>>;
  } = {},
): Buffer {
  const { keys = {}, ...spec } = change;
  const merged = Object.entries({ ...TINY_METADATA, ...keys });
  const metadata = Object.fromEntries(merged.filter((entry): entry is [string, Value] => entry[1] !== undefined));
  return writeGguf({ metadata, tensors: TINY_TENSORS, ...spec });
}
