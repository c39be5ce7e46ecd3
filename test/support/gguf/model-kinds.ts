import { open } from 'node:fs/promises';
import { sentencePiece, vocabulary } from './llama-parts.ts';
import { Seeded } from './seeded.ts';
import { array, float32, ggufFront, string, type TensorSpec, tensorSize, uint32, type Value } from './write-gguf.ts';

/** The dimensions that all kinds of models share. */
const EMBEDDING = 512;
const HEADS = 8;
const KV_HEADS = 2;
const HEAD = 64;
const FEED_FORWARD = 1536;
const LAYERS = 8;
const CONTEXT_LENGTH = 131_072;
const EXPERTS = 8;
const EXPERT_FEED_FORWARD = 256;

/** Kinds of models, by what their layers store for each token. */
export const MODEL_KINDS = [
  'dense',
  'sliding-window',
  'sliding-window-by-layer',
  'chunked',
  'shared-kv',
  'latent',
  'experts',
  'recurrent',
  'hybrid',
  'hybrid-grouped',
  'hybrid-delta',
  'hybrid-convolution',
  'parallel-hybrid',
] as const;

export type ModelKind = (typeof MODEL_KINDS)[number];

/** Options for {@link writeModelKind}. */
export interface KindOptions {
  readonly layers?: number;
  /** Number of pieces in the vocabulary, in addition to bytes. Default: 4,096. */
  readonly pieces?: number;
  /** Type of the matrices. Default: F16. */
  readonly matrixType?: string;
  /** Seed for random weights, with which the output depends on the whole text. Default: all weights are zero. */
  readonly seed?: number;
}

/**
 * Writes a model of a kind: an architecture of llama.cpp with all its tensors. It loads and evaluates text. Without a
 * seed, the file is sparse and takes almost no space on the disk.
 */
export async function writeModelKind(path: string, kind: ModelKind, options: KindOptions = {}): Promise<void> {
  const { metadata, tensors } = modelKind(kind, options);
  const file = await open(path, 'w');
  try {
    const header = ggufFront({ metadata, tensors });
    await file.write(header);
    const size = tensors.reduce((total, tensor) => {
      const { bytes, padding } = tensorSize(tensor);
      return total + bytes + padding;
    }, header.length);
    await file.truncate(size);
    if (options.seed === undefined) return;
    const random = new Seeded(options.seed);
    let at = header.length;
    for (const tensor of tensors) {
      const { bytes, padding } = tensorSize(tensor);
      await file.write(weightsOf(tensor, bytes, random), 0, bytes, at);
      at += bytes + padding;
    }
  } finally {
    await file.close();
  }
}

/**
 * Returns random F16 weights with absolute values between 2^-8 and 2^-4. F32 tensors are scales: state decays,
 * everything else is unchanged.
 */
function weightsOf({ name, type }: TensorSpec, bytes: number, random: Seeded): Buffer {
  if (type !== 'F16') return Buffer.from(new Float32Array(bytes / 4).fill(name.includes('ssm_a') ? -0.5 : 1).buffer);
  const halves = new Uint16Array(bytes / 2);
  for (let i = 0; i < halves.length; i += 1) {
    halves[i] = (random.below(2) << 15) | ((7 + random.below(4)) << 10) | random.below(1024);
  }
  return Buffer.from(halves.buffer);
}

/** A kind's architecture-specific metadata, and the tensors of each layer. */
interface Kind {
  readonly architecture: string;
  readonly metadata: Readonly<Record<string, Value>>;
  readonly tensorsOf: (layer: number) => TensorSpec[];
  /** Default: `output_norm.weight`. */
  readonly outputNorm?: string;
}

/** Returns the metadata and the tensors of a model of a kind. */
export function modelKind(kind: ModelKind, options: KindOptions = {}) {
  const { pieces = 4096, matrixType = 'F16' } = options;
  const make = KINDS[kind];
  const layers = options.layers ?? LAYERS;
  const {
    architecture,
    metadata,
    tensorsOf,
    outputNorm = 'output_norm.weight',
  } = make(new TensorFactory(matrixType), layers);
  const tokens = vocabulary(Array.from({ length: pieces }, (_, i) => `▁w${i}`));
  const key = (name: string) => `${architecture}.${name}`;
  const matrix = new TensorFactory(matrixType).matrix;
  return {
    metadata: {
      'general.architecture': string(architecture),
      'general.type': string('model'),
      'general.name': string(kind),
      'general.file_type': uint32(1),
      [key('block_count')]: uint32(layers),
      [key('context_length')]: uint32(CONTEXT_LENGTH),
      [key('embedding_length')]: uint32(EMBEDDING),
      [key('attention.layer_norm_rms_epsilon')]: float32(1e-6),
      [key('vocab_size')]: uint32(tokens.length),
      ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [key(name), value])),
      ...sentencePiece(tokens),
    },
    tensors: [
      matrix('token_embd.weight', EMBEDDING, tokens.length),
      ...Array.from({ length: layers }, (_, layer) => tensorsOf(layer)).flat(),
      vector(outputNorm, EMBEDDING),
      matrix('output.weight', EMBEDDING, tokens.length),
    ],
  };
}

const vector = (name: string, ...dimensions: number[]): TensorSpec => ({ name, dimensions, type: 'F32' });

/** Creates tensors that several architectures have in common. */
class TensorFactory {
  readonly #type: string;

  constructor(type: string) {
    this.#type = type;
  }

  readonly matrix = (name: string, ...dimensions: number[]): TensorSpec => ({ name, dimensions, type: this.#type });

  attention(i: number, { head = HEAD, withKeys = true, queryFactor = 1 } = {}): TensorSpec[] {
    return [
      vector(`blk.${i}.attn_norm.weight`, EMBEDDING),
      this.matrix(`blk.${i}.attn_q.weight`, EMBEDDING, HEADS * head * queryFactor),
      ...(withKeys
        ? [
            this.matrix(`blk.${i}.attn_k.weight`, EMBEDDING, KV_HEADS * head),
            this.matrix(`blk.${i}.attn_v.weight`, EMBEDDING, KV_HEADS * head),
          ]
        : []),
      this.matrix(`blk.${i}.attn_output.weight`, HEADS * head, EMBEDDING),
    ];
  }

  norms(i: number, head: number, withKeys = true): TensorSpec[] {
    return [
      vector(`blk.${i}.attn_q_norm.weight`, head),
      ...(withKeys ? [vector(`blk.${i}.attn_k_norm.weight`, head)] : []),
    ];
  }

  feedForward(i: number, width = FEED_FORWARD, suffix = ''): TensorSpec[] {
    return [
      this.matrix(`blk.${i}.ffn_gate${suffix}.weight`, EMBEDDING, width),
      this.matrix(`blk.${i}.ffn_up${suffix}.weight`, EMBEDDING, width),
      this.matrix(`blk.${i}.ffn_down${suffix}.weight`, width, EMBEDDING),
    ];
  }

  experts(i: number): TensorSpec[] {
    return [
      vector(`blk.${i}.ffn_gate_inp.weight`, EMBEDDING, EXPERTS),
      this.matrix(`blk.${i}.ffn_gate_exps.weight`, EMBEDDING, EXPERT_FEED_FORWARD, EXPERTS),
      this.matrix(`blk.${i}.ffn_up_exps.weight`, EMBEDDING, EXPERT_FEED_FORWARD, EXPERTS),
      this.matrix(`blk.${i}.ffn_down_exps.weight`, EXPERT_FEED_FORWARD, EMBEDDING, EXPERTS),
    ];
  }

  norm(i: number, name: string): TensorSpec {
    return vector(`blk.${i}.${name}.weight`, EMBEDDING);
  }
}

/** Returns attention metadata with the shared dimensions. */
function attentionKeys(head = HEAD): Record<string, Value> {
  return {
    feed_forward_length: uint32(FEED_FORWARD),
    'attention.head_count': uint32(HEADS),
    'attention.head_count_kv': uint32(KV_HEADS),
    'attention.key_length': uint32(head),
    'attention.value_length': uint32(head),
    'rope.dimension_count': uint32(head),
  };
}

const expertKeys = {
  expert_count: uint32(EXPERTS),
  expert_used_count: uint32(2),
  expert_feed_forward_length: uint32(EXPERT_FEED_FORWARD),
};

/**
 * Returns the number of KV heads of each layer, where every `interval`th layer has attention and the others are
 * recurrent.
 */
const headsEvery = (interval: number, layers: number) =>
  array(
    'uint32',
    Array.from({ length: layers }, (_, layer) => ((layer + 1) % interval === 0 ? KV_HEADS : 0)),
  );

const isAttention = (interval: number, layer: number) => (layer + 1) % interval === 0;

const SSM_INNER = 2 * EMBEDDING;
const SSM_STATE = 16;
const SSM_RANK = 32;
const CONVOLUTION = 4;
const GROUP_STATE = 128;

const KINDS: Readonly<Record<ModelKind, (create: TensorFactory, layers: number) => Kind>> = {
  dense: (create) => ({
    architecture: 'llama',
    metadata: attentionKeys(),
    tensorsOf: (i) => [...create.attention(i), create.norm(i, 'ffn_norm'), ...create.feedForward(i)],
  }),
  'sliding-window': (create) => ({
    architecture: 'gemma3',
    metadata: { ...attentionKeys(), 'attention.sliding_window': uint32(1024) },
    tensorsOf: (i) => [
      ...create.attention(i),
      ...create.norms(i, HEAD),
      create.norm(i, 'post_attention_norm'),
      create.norm(i, 'ffn_norm'),
      ...create.feedForward(i),
      create.norm(i, 'post_ffw_norm'),
    ],
  }),
  'sliding-window-by-layer': (create, layers) => ({
    architecture: 'gemma4',
    metadata: {
      ...attentionKeys(128),
      'attention.sliding_window': uint32(512),
      'attention.sliding_window_pattern': array(
        'bool',
        Array.from({ length: layers }, (_, i) => (isAttention(3, i) ? 0 : 1)),
      ),
      'attention.key_length_swa': uint32(HEAD),
      'attention.value_length_swa': uint32(HEAD),
      'rope.dimension_count_swa': uint32(HEAD),
      'rope.freq_base_swa': float32(10_000),
      embedding_length_per_layer_input: uint32(0),
    },
    tensorsOf: (i) => gemma4Layer(create, i, true),
  }),
  'shared-kv': (create, layers) => ({
    architecture: 'gemma4',
    metadata: {
      ...attentionKeys(128),
      'attention.sliding_window': uint32(512),
      'attention.sliding_window_pattern': array(
        'bool',
        Array.from({ length: layers }, (_, i) => (isAttention(3, i) ? 0 : 1)),
      ),
      'attention.shared_kv_layers': uint32(2),
      'attention.key_length_swa': uint32(HEAD),
      'attention.value_length_swa': uint32(HEAD),
      'rope.dimension_count_swa': uint32(HEAD),
      'rope.freq_base_swa': float32(10_000),
      embedding_length_per_layer_input: uint32(0),
    },
    tensorsOf: (i) => gemma4Layer(create, i, i < layers - 2),
  }),
  chunked: (create) => ({
    architecture: 'llama4',
    metadata: { ...attentionKeys(), ...expertKeys, interleave_moe_layer_step: uint32(2) },
    tensorsOf: (i) => [
      ...create.attention(i),
      create.norm(i, 'ffn_norm'),
      ...(i % 2 === 1
        ? [...create.experts(i), ...create.feedForward(i, EXPERT_FEED_FORWARD, '_shexp')]
        : create.feedForward(i)),
    ],
  }),
  experts: (create) => ({
    architecture: 'qwen3moe',
    metadata: { ...attentionKeys(), ...expertKeys },
    tensorsOf: (i) => [
      ...create.attention(i),
      ...create.norms(i, HEAD),
      create.norm(i, 'ffn_norm'),
      ...create.experts(i),
    ],
  }),
  latent: (create) => {
    const rank = 256;
    const rope = 64;
    const nope = 128;
    return {
      architecture: 'deepseek2',
      metadata: {
        ...expertKeys,
        feed_forward_length: uint32(FEED_FORWARD),
        'attention.head_count': uint32(HEADS),
        'attention.head_count_kv': uint32(1),
        'attention.key_length': uint32(rank + rope),
        'attention.value_length': uint32(rank),
        'attention.key_length_mla': uint32(nope + rope),
        'attention.value_length_mla': uint32(nope),
        'attention.q_lora_rank': uint32(192),
        'attention.kv_lora_rank': uint32(rank),
        'rope.dimension_count': uint32(rope),
        leading_dense_block_count: uint32(1),
        expert_shared_count: uint32(1),
      },
      tensorsOf: (i) => [
        create.norm(i, 'attn_norm'),
        vector(`blk.${i}.attn_q_a_norm.weight`, 192),
        vector(`blk.${i}.attn_kv_a_norm.weight`, rank),
        create.matrix(`blk.${i}.attn_q_a.weight`, EMBEDDING, 192),
        create.matrix(`blk.${i}.attn_q_b.weight`, 192, HEADS * (nope + rope)),
        create.matrix(`blk.${i}.attn_kv_a_mqa.weight`, EMBEDDING, rank + rope),
        create.matrix(`blk.${i}.attn_k_b.weight`, nope, rank, HEADS),
        create.matrix(`blk.${i}.attn_v_b.weight`, rank, nope, HEADS),
        create.matrix(`blk.${i}.attn_output.weight`, HEADS * nope, EMBEDDING),
        create.norm(i, 'ffn_norm'),
        ...(i < 1
          ? create.feedForward(i)
          : [...create.experts(i), ...create.feedForward(i, EXPERT_FEED_FORWARD, '_shexp')]),
      ],
    };
  },
  recurrent: (create) => ({
    architecture: 'mamba',
    metadata: {
      feed_forward_length: uint32(0),
      'attention.head_count': uint32(0),
      'ssm.conv_kernel': uint32(CONVOLUTION),
      'ssm.inner_size': uint32(SSM_INNER),
      'ssm.state_size': uint32(SSM_STATE),
      'ssm.time_step_rank': uint32(SSM_RANK),
    },
    tensorsOf: (i) => [create.norm(i, 'attn_norm'), ...mamba(create, i)],
  }),
  hybrid: (create, layers) => ({
    architecture: 'jamba',
    metadata: {
      ...attentionKeys(),
      'attention.head_count_kv': headsEvery(4, layers),
      'ssm.conv_kernel': uint32(CONVOLUTION),
      'ssm.inner_size': uint32(SSM_INNER),
      'ssm.state_size': uint32(SSM_STATE),
      'ssm.time_step_rank': uint32(SSM_RANK),
    },
    tensorsOf: (i) => [
      ...(isAttention(4, i)
        ? create.attention(i)
        : [
            create.norm(i, 'attn_norm'),
            ...mamba(create, i),
            vector(`blk.${i}.ssm_dt_norm.weight`, SSM_RANK),
            vector(`blk.${i}.ssm_b_norm.weight`, SSM_STATE),
            vector(`blk.${i}.ssm_c_norm.weight`, SSM_STATE),
          ]),
      create.norm(i, 'ffn_norm'),
      ...create.feedForward(i),
    ],
  }),
  'hybrid-grouped': (create, layers) => ({
    architecture: 'granitehybrid',
    metadata: {
      ...attentionKeys(),
      'attention.head_count_kv': headsEvery(4, layers),
      ...groupedStateKeys,
    },
    tensorsOf: (i) => [
      ...(isAttention(4, i) ? create.attention(i) : [create.norm(i, 'attn_norm'), ...groupedState(create, i)]),
      create.norm(i, 'ffn_norm'),
      ...create.feedForward(i),
    ],
  }),
  'parallel-hybrid': (create) => ({
    architecture: 'falcon-h1',
    metadata: { ...attentionKeys(), ...groupedStateKeys },
    tensorsOf: (i) => [
      ...create.attention(i),
      ...groupedState(create, i),
      // The only one of these tensors without the suffix `.weight`.
      vector(`blk.${i}.ffn_norm`, EMBEDDING),
      ...create.feedForward(i),
    ],
  }),
  'hybrid-delta': (create) => {
    const state = 64;
    const keyHeads = 4;
    const valueHeads = 8;
    const keys = state * keyHeads;
    const values = state * valueHeads;
    return {
      architecture: 'qwen3next',
      metadata: {
        ...attentionKeys(),
        ...expertKeys,
        expert_shared_feed_forward_length: uint32(EXPERT_FEED_FORWARD),
        'ssm.conv_kernel': uint32(CONVOLUTION),
        'ssm.inner_size': uint32(values),
        'ssm.state_size': uint32(state),
        'ssm.time_step_rank': uint32(valueHeads),
        'ssm.group_count': uint32(keyHeads),
      },
      tensorsOf: (i) => [
        ...(isAttention(4, i)
          ? [...create.attention(i, { queryFactor: 2 }), ...create.norms(i, HEAD)]
          : [
              create.norm(i, 'attn_norm'),
              create.matrix(`blk.${i}.attn_qkv.weight`, EMBEDDING, keys * 2 + values),
              create.matrix(`blk.${i}.attn_gate.weight`, EMBEDDING, values),
              vector(`blk.${i}.ssm_conv1d.weight`, CONVOLUTION, keys * 2 + values),
              vector(`blk.${i}.ssm_dt.bias`, valueHeads),
              vector(`blk.${i}.ssm_a`, valueHeads),
              create.matrix(`blk.${i}.ssm_ba.weight`, EMBEDDING, valueHeads * 2),
              vector(`blk.${i}.ssm_norm.weight`, state),
              create.matrix(`blk.${i}.ssm_out.weight`, values, EMBEDDING),
            ]),
        create.norm(i, 'post_attention_norm'),
        ...create.experts(i),
        vector(`blk.${i}.ffn_gate_inp_shexp.weight`, EMBEDDING),
        ...create.feedForward(i, EXPERT_FEED_FORWARD, '_shexp'),
      ],
    };
  },
  'hybrid-convolution': (create, layers) => ({
    architecture: 'lfm2',
    metadata: {
      ...attentionKeys(),
      'attention.head_count_kv': headsEvery(4, layers),
      'shortconv.l_cache': uint32(3),
    },
    outputNorm: 'token_embd_norm.weight',
    tensorsOf: (i) => [
      ...(isAttention(4, i)
        ? [...create.attention(i), ...create.norms(i, HEAD)]
        : [
            create.norm(i, 'attn_norm'),
            vector(`blk.${i}.shortconv.conv.weight`, 3, EMBEDDING),
            create.matrix(`blk.${i}.shortconv.in_proj.weight`, EMBEDDING, 3 * EMBEDDING),
            create.matrix(`blk.${i}.shortconv.out_proj.weight`, EMBEDDING, EMBEDDING),
          ]),
      create.norm(i, 'ffn_norm'),
      ...create.feedForward(i),
    ],
  }),
};

const groupedStateKeys = {
  'ssm.conv_kernel': uint32(CONVOLUTION),
  'ssm.inner_size': uint32(SSM_INNER),
  'ssm.state_size': uint32(GROUP_STATE),
  'ssm.time_step_rank': uint32(16),
  'ssm.group_count': uint32(1),
};

/** Returns the tensors of a Mamba layer, as in `mamba.cpp` and `jamba.cpp`. */
function mamba(create: TensorFactory, i: number): TensorSpec[] {
  return [
    create.matrix(`blk.${i}.ssm_in.weight`, EMBEDDING, 2 * SSM_INNER),
    vector(`blk.${i}.ssm_conv1d.weight`, CONVOLUTION, SSM_INNER),
    vector(`blk.${i}.ssm_conv1d.bias`, SSM_INNER),
    create.matrix(`blk.${i}.ssm_x.weight`, SSM_INNER, SSM_RANK + 2 * SSM_STATE),
    create.matrix(`blk.${i}.ssm_dt.weight`, SSM_RANK, SSM_INNER),
    vector(`blk.${i}.ssm_dt.bias`, SSM_INNER),
    vector(`blk.${i}.ssm_a`, SSM_STATE, SSM_INNER),
    vector(`blk.${i}.ssm_d`, SSM_INNER),
    create.matrix(`blk.${i}.ssm_out.weight`, SSM_INNER, EMBEDDING),
  ];
}

/** Returns the tensors of a Mamba-2 layer, as in `granite-hybrid.cpp` and `falcon-h1.cpp`. */
function groupedState(create: TensorFactory, i: number): TensorSpec[] {
  const heads = 16;
  return [
    create.matrix(`blk.${i}.ssm_in.weight`, EMBEDDING, 2 * SSM_INNER + 2 * GROUP_STATE + heads),
    vector(`blk.${i}.ssm_conv1d.weight`, CONVOLUTION, SSM_INNER + 2 * GROUP_STATE),
    vector(`blk.${i}.ssm_conv1d.bias`, SSM_INNER + 2 * GROUP_STATE),
    vector(`blk.${i}.ssm_dt.bias`, heads),
    vector(`blk.${i}.ssm_a`, 1, heads),
    vector(`blk.${i}.ssm_d`, 1, heads),
    vector(`blk.${i}.ssm_norm.weight`, SSM_INNER, 1),
    create.matrix(`blk.${i}.ssm_out.weight`, SSM_INNER, EMBEDDING),
  ];
}

/** Returns the tensors of a layer of Gemma 4. Every third layer has full attention, with larger heads. */
function gemma4Layer(create: TensorFactory, i: number, withKeys: boolean): TensorSpec[] {
  const head = isAttention(3, i) ? 128 : HEAD;
  return [
    ...create.attention(i, { head, withKeys }),
    ...create.norms(i, head, withKeys),
    ...(isAttention(3, i) && i === 2 ? [vector('rope_freqs.weight', 64)] : []),
    create.norm(i, 'post_attention_norm'),
    create.norm(i, 'ffn_norm'),
    ...create.feedForward(i),
    create.norm(i, 'post_ffw_norm'),
  ];
}
