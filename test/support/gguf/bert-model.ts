import {
  array,
  bool,
  float32,
  string,
  type TensorSpec,
  tensorSize,
  uint32,
  type Value,
  writeGguf,
} from './write-gguf.ts';

/** Special tokens, which come first in the vocabulary. */
const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;
const CLS = SPECIAL.indexOf('[CLS]');
const SEP = SPECIAL.indexOf('[SEP]');

/** Embedding width: one attention head, of a size that all kernels of llama.cpp support. */
export const WIDTH = 64;

/** Epsilon of the layer norms, as in BERT. */
const EPSILON = 1e-12;

export interface BertOptions {
  /** The words of the vocabulary, in lower case. All other words are `[UNK]`. */
  readonly words: readonly string[];
  /** Context length in tokens. @default 64 */
  readonly contextLength?: number;
  /** The value of `<architecture>.pooling_type`; null omits the key. Default: 1, mean. */
  readonly pooling?: number | null;
  /** The weight of each word in a score. If set, the model has a rank head, and pooling is `rank`. */
  readonly rank?: Readonly<Record<string, number>>;
  readonly metadata?: Readonly<Record<string, Value>>;
}

/**
 * Returns a BERT model with known results. Token embeddings are one-hot vectors. Without a rank head, attention and
 * feed-forward weights are zero, so a token's vector is its normalized embedding, and a text's vector is the mean of
 * those ({@link bertVector}). With a rank head, attention adds the mean of all tokens to each token, and the head
 * weights the vector of the first token ({@link bertScore}).
 */
export function bertModel(options: BertOptions): Buffer {
  const { words, contextLength = 64, pooling = options.rank === undefined ? 1 : 4, rank, metadata = {} } = options;
  const tokens = vocabulary(words);
  if (tokens.length > WIDTH) throw new RangeError(`Expected at most ${WIDTH - SPECIAL.length} words`);
  const tensors = specs(tokens.length, contextLength, rank !== undefined);
  return writeGguf({
    metadata: {
      'general.architecture': string('bert'),
      'general.type': string('model'),
      'general.name': string('Bert'),
      'general.file_type': uint32(0),
      'bert.block_count': uint32(1),
      'bert.context_length': uint32(contextLength),
      'bert.embedding_length': uint32(WIDTH),
      'bert.feed_forward_length': uint32(WIDTH),
      'bert.attention.head_count': uint32(1),
      'bert.attention.layer_norm_epsilon': float32(EPSILON),
      'bert.attention.causal': bool(false),
      ...(pooling === null ? {} : { 'bert.pooling_type': uint32(pooling) }),
      'tokenizer.ggml.model': string('bert'),
      'tokenizer.ggml.pre': string('default'),
      'tokenizer.ggml.token_type_count': uint32(1),
      'tokenizer.ggml.tokens': array('string', tokens),
      'tokenizer.ggml.scores': array(
        'float32',
        tokens.map(() => 0),
      ),
      'tokenizer.ggml.token_type': array(
        'int32',
        tokens.map((_, id) => (id < SPECIAL.length ? 3 : 1)),
      ),
      'tokenizer.ggml.padding_token_id': uint32(0),
      'tokenizer.ggml.unknown_token_id': uint32(1),
      'tokenizer.ggml.cls_token_id': uint32(CLS),
      'tokenizer.ggml.bos_token_id': uint32(CLS),
      'tokenizer.ggml.seperator_token_id': uint32(SEP),
      'tokenizer.ggml.eos_token_id': uint32(SEP),
      'tokenizer.ggml.mask_token_id': uint32(4),
      ...metadata,
    },
    tensors: tensors.map((tensor) => ({ ...tensor, data: weights(tensor, words, rank) })),
  });
}

/** Returns the vector of a text before normalization: the mean of the normalized one-hot vectors of its tokens. */
export function bertVector(words: readonly string[], text: string): number[] {
  const rows = idsOf(words, text).map((id) => norm(oneHot(id)));
  return mean(rows);
}

/** Returns the score of a pair: the sigmoid of the weighted sum of the first token's vector after attention. */
export function bertScore(
  words: readonly string[],
  rank: Readonly<Record<string, number>>,
  query: string,
  document: string,
): number {
  const ids = [CLS, ...wordIds(words, query), SEP, SEP, ...wordIds(words, document), SEP];
  const rows = ids.map((id) => norm(oneHot(id)));
  const average = mean(rows);
  const first = norm(norm((rows[0] ?? []).map((value, i) => value + (average[i] ?? 0))));
  const logit = head(words, rank).reduce((sum, weight, i) => sum + weight * (first[i] ?? 0), 0);
  return 1 / (1 + Math.exp(-logit));
}

function vocabulary(words: readonly string[]): string[] {
  return [...SPECIAL, ...words.map((word) => `▁${word}`)];
}

function wordIds(words: readonly string[], text: string): number[] {
  return text.split(' ').map((word) => {
    const index = words.indexOf(word);
    return index < 0 ? SPECIAL.indexOf('[UNK]') : SPECIAL.length + index;
  });
}

function idsOf(words: readonly string[], text: string): number[] {
  return [CLS, ...wordIds(words, text), SEP];
}

function oneHot(id: number): number[] {
  return Array.from({ length: WIDTH }, (_, i) => (i === id ? 1 : 0));
}

function mean(rows: readonly number[][]): number[] {
  return Array.from({ length: WIDTH }, (_, i) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0) / rows.length);
}

/** Layer norm without weights. */
function norm(row: readonly number[]): number[] {
  const average = row.reduce((sum, value) => sum + value, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - average) ** 2, 0) / row.length;
  return row.map((value) => (value - average) / Math.sqrt(variance + EPSILON));
}

function head(words: readonly string[], rank: Readonly<Record<string, number>>): number[] {
  const weights = new Array<number>(WIDTH).fill(0);
  for (const [word, weight] of Object.entries(rank)) weights[SPECIAL.length + words.indexOf(word)] = weight;
  return weights;
}

/** Returns the tensors of a BERT with one layer, in the order of published files. */
function specs(vocabularySize: number, contextLength: number, ranks: boolean): TensorSpec[] {
  const tensor = (name: string, ...dimensions: number[]) => ({ name, dimensions, type: 'F32' });
  const pair = (name: string, ...dimensions: number[]) => [
    tensor(`${name}.weight`, ...dimensions),
    tensor(`${name}.bias`, dimensions.at(-1) ?? 0),
  ];
  return [
    tensor('token_embd.weight', WIDTH, vocabularySize),
    tensor('token_types.weight', WIDTH, 1),
    tensor('position_embd.weight', WIDTH, contextLength),
    ...pair('token_embd_norm', WIDTH),
    ...pair('blk.0.attn_q', WIDTH, WIDTH),
    ...pair('blk.0.attn_k', WIDTH, WIDTH),
    ...pair('blk.0.attn_v', WIDTH, WIDTH),
    ...pair('blk.0.attn_output', WIDTH, WIDTH),
    ...pair('blk.0.attn_output_norm', WIDTH),
    ...pair('blk.0.ffn_up', WIDTH, WIDTH),
    ...pair('blk.0.ffn_down', WIDTH, WIDTH),
    ...pair('blk.0.layer_output_norm', WIDTH),
    ...(ranks ? pair('cls.output', WIDTH, 1) : []),
  ];
}

function weights(spec: TensorSpec, words: readonly string[], rank: BertOptions['rank']): Uint8Array {
  const data = Buffer.alloc(tensorSize(spec).bytes);
  const set = (index: number, value: number) => data.writeFloatLE(value, 4 * index);
  if (spec.name === 'token_embd.weight') {
    for (let id = 0; id < SPECIAL.length + words.length; id++) set(id * WIDTH + id, 1);
  } else if (spec.name.endsWith('_norm.weight')) {
    for (let i = 0; i < WIDTH; i++) set(i, 1);
  } else if (rank !== undefined && /attn_(v|output)\.weight$/.test(spec.name)) {
    for (let i = 0; i < WIDTH; i++) set(i * WIDTH + i, 1);
  } else if (rank !== undefined && spec.name === 'cls.output.weight') {
    for (const [i, weight] of head(words, rank).entries()) set(i, weight);
  }
  return data;
}
