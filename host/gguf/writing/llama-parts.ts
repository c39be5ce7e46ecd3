import type { TensorSpec, Value } from './write-gguf.ts';
import { array, float32, string, uint32 } from './write-gguf.ts';

/** The dimensions of a model with the llama architecture. */
export interface LlamaShape {
  readonly layers: number;
  readonly embedding: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  readonly contextLength: number;
}

/** Returns the metadata that llama.cpp requires of a model with the llama architecture, without the tokenizer. */
export function llamaMetadata(name: string, shape: LlamaShape, fileType: number): Record<string, Value> {
  return {
    'general.architecture': string('llama'),
    'general.type': string('model'),
    'general.name': string(name),
    'general.file_type': uint32(fileType),
    'llama.block_count': uint32(shape.layers),
    'llama.context_length': uint32(shape.contextLength),
    'llama.embedding_length': uint32(shape.embedding),
    'llama.feed_forward_length': uint32(shape.feedForward),
    'llama.attention.head_count': uint32(shape.heads),
    'llama.attention.head_count_kv': uint32(shape.kvHeads),
    'llama.attention.layer_norm_rms_epsilon': float32(1e-6),
    'llama.rope.dimension_count': uint32(shape.embedding / shape.heads),
    'llama.vocab_size': uint32(shape.vocabulary),
  };
}

/** Returns the tensors of a model with the llama architecture, in the order of published files. Norms are F32. */
export function llamaTensors(shape: LlamaShape, matrixType: string): TensorSpec[] {
  const { embedding, feedForward, vocabulary } = shape;
  const kv = (embedding / shape.heads) * shape.kvHeads;
  const matrix = (name: string, ...dimensions: number[]) => ({ name, dimensions, type: matrixType });
  const norm = (name: string) => ({ name, dimensions: [embedding], type: 'F32' });
  return [
    matrix('token_embd.weight', embedding, vocabulary),
    ...Array.from({ length: shape.layers }, (_, i) => [
      norm(`blk.${i}.attn_norm.weight`),
      matrix(`blk.${i}.attn_q.weight`, embedding, embedding),
      matrix(`blk.${i}.attn_k.weight`, embedding, kv),
      matrix(`blk.${i}.attn_v.weight`, embedding, kv),
      matrix(`blk.${i}.attn_output.weight`, embedding, embedding),
      norm(`blk.${i}.ffn_norm.weight`),
      matrix(`blk.${i}.ffn_gate.weight`, embedding, feedForward),
      matrix(`blk.${i}.ffn_up.weight`, embedding, feedForward),
      matrix(`blk.${i}.ffn_down.weight`, feedForward, embedding),
    ]).flat(),
    norm('output_norm.weight'),
    matrix('output.weight', embedding, vocabulary),
  ];
}

/** Token types. Source: `llama_token_type`. */
const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;
const BYTE = 6;

/** IDs of the control tokens with which {@link vocabulary} begins. */
export const UNKNOWN_TOKEN = 0;
export const BEGIN_TOKEN = 1;
export const END_TOKEN = 2;

/** Returns a vocabulary: three control tokens, 256 byte tokens (for text that no piece covers), then `pieces`. */
export function vocabulary(pieces: readonly string[]): string[] {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
  return ['<unk>', '<s>', '</s>', ...bytes, ...pieces];
}

/**
 * Returns the metadata of a SentencePiece tokenizer ("llama") with a {@link vocabulary}. Longer pieces have higher
 * scores, so merging ends at the longest piece. Every prefix of a piece must be a piece as well, because tokens are
 * merged in pairs. `special`: types of the special tokens, which follow the pieces.
 */
export function sentencePiece(
  tokens: readonly string[],
  special: Readonly<Record<string, 'control' | 'user-defined'>> = {},
): Record<string, Value> {
  const kinds = tokens.map((text, id) => {
    const type = special[text];
    if (type !== undefined) return type === 'control' ? CONTROL : USER_DEFINED;
    if (id === UNKNOWN_TOKEN) return UNKNOWN;
    if (id < 3) return CONTROL;
    return id < 3 + 256 ? BYTE : NORMAL;
  });
  return {
    'tokenizer.ggml.model': string('llama'),
    'tokenizer.ggml.tokens': array('string', tokens),
    'tokenizer.ggml.scores': array(
      'float32',
      tokens.map((token, id) => (kinds[id] === NORMAL ? token.length : 0)),
    ),
    'tokenizer.ggml.token_type': array('int32', kinds),
    'tokenizer.ggml.bos_token_id': uint32(BEGIN_TOKEN),
    'tokenizer.ggml.eos_token_id': uint32(END_TOKEN),
    'tokenizer.ggml.unknown_token_id': uint32(UNKNOWN_TOKEN),
  };
}
