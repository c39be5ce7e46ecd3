import { type LlamaShape, llamaTensors, sentencePiece, vocabulary } from './llama-parts.ts';
import { packTernary, type Ternary } from './ternary.ts';
import { float32, string, type TensorSpec, tensorSize, uint32, writeGguf } from './write-gguf.ts';

/** The words that the model generates in a cycle. */
export const RING = ['zero', 'one', 'two', 'three', 'four'] as const;

/** The size of a ternary row is a multiple of this. */
const BLOCK = 256;

/** The number 1 as F16. */
const F16_ONE = 0x3c00;

/**
 * Returns a model with ternary weights and a known output: each word of {@link RING} is followed by the next.
 * Embeddings are one-hot and tied to the output, attention is zero, and the feed-forward network is a permutation: gate
 * and up map a word to its successor, down is the identity. Each token therefore depends on three ternary products,
 * which incorrect unpacking would change.
 */
export function ternaryModel(options: { architecture: 'llama' | 'bitnet'; type: 'TQ1_0' | 'TQ2_0' }): Buffer {
  const { architecture, type } = options;
  const spelled = RING.flatMap((word) => [...`▁${word}`].map((_, i) => `▁${word}`.slice(0, i + 1)));
  const letters = RING.flatMap((word) => [...word]);
  const tokens = vocabulary([...new Set([...letters, ...spelled])]);
  const width = Math.ceil(tokens.length / BLOCK) * BLOCK;
  const shape: LlamaShape = {
    layers: 1,
    embedding: width,
    heads: width / 64,
    kvHeads: width / 64,
    feedForward: width,
    vocabulary: tokens.length,
    contextLength: 256,
  };
  const ring = RING.map((word) => tokens.indexOf(`▁${word}`));
  const successor = new Map(ring.map((token, i) => [token, ring[(i + 1) % ring.length] ?? token]));
  const leadsTo = (row: number, column: number): Ternary => (successor.get(column) === row ? 1 : 0);
  const same = (row: number, column: number): Ternary => (row === column ? 1 : 0);
  const nothing = (): Ternary => 0;

  const data = ({ name, ...spec }: TensorSpec): Buffer => {
    const { bytes } = tensorSize({ name, ...spec });
    const row = spec.dimensions[0] ?? 0;
    const rows = spec.dimensions[1] ?? 1;
    if (name === 'token_embd.weight') {
      const embeddings = Buffer.alloc(bytes);
      for (const token of tokens.keys()) embeddings.writeUInt16LE(F16_ONE, 2 * (token * width + token));
      return embeddings;
    }
    if (name.includes('norm')) return floats(row, norm(name) / Math.sqrt(width));
    if (/ffn_(gate|up)/.test(name)) return packTernary(type, { rows, row, at: leadsTo }, 4);
    return packTernary(type, { rows, row, at: name.includes('ffn_down') ? same : nothing }, 1);
  };

  const TERNARY_FILE = { TQ1_0: 36, TQ2_0: 37 };
  const key = (name: string) => `${architecture}.${name}`;
  return writeGguf({
    metadata: {
      'general.architecture': string(architecture),
      'general.name': string('Ring'),
      'general.file_type': uint32(TERNARY_FILE[type]),
      [key('block_count')]: uint32(shape.layers),
      [key('context_length')]: uint32(shape.contextLength),
      [key('embedding_length')]: uint32(width),
      [key('feed_forward_length')]: uint32(width),
      [key('attention.head_count')]: uint32(shape.heads),
      [key('attention.head_count_kv')]: uint32(shape.kvHeads),
      [key('attention.layer_norm_rms_epsilon')]: float32(1e-6),
      [key('rope.dimension_count')]: uint32(64),
      [key('vocab_size')]: uint32(tokens.length),
      ...sentencePiece(tokens),
    },
    tensors: tensorsOf(architecture, shape, type).map((tensor) => ({ ...tensor, data: data(tensor) })),
  });
}

function tensorsOf(architecture: 'llama' | 'bitnet', shape: LlamaShape, type: string): TensorSpec[] {
  const tensors = llamaTensors(shape, type)
    .filter(({ name }) => name !== 'output.weight')
    .map((tensor) => (tensor.name === 'token_embd.weight' ? { ...tensor, type: 'F16' } : tensor));
  if (architecture === 'llama') return tensors;
  const norm = (name: string) => ({ name, dimensions: [shape.embedding], type: 'F32' });
  return [...tensors, norm('blk.0.attn_sub_norm.weight'), norm('blk.0.ffn_sub_norm.weight')];
}

/**
 * Returns the weight of a norm for a one-hot vector. The successor must outweigh the word itself, which is in the
 * residual.
 */
function norm(name: string): number {
  if (name === 'output_norm.weight') return 20;
  return name.includes('ffn_sub_norm') ? 8 : 1;
}

function floats(count: number, value: number): Buffer {
  return Buffer.from(new Float32Array(count).fill(value).buffer);
}
