import { arrayOf, type GgufHeader, type GgufTensor, numberOf } from './header.ts';
import type { LayerCache } from './model.ts';
import { slidingWindow } from './sliding-window.ts';

/** Tensors of recurrent layers, which have a state of fixed size instead of keys and values. */
const RECURRENT_TENSOR = /^blk\.(\d+)\.(ssm_|time_mix_|shortconv)/;

/** Tensors of attention layers, which have keys and values. Layers of falcon-h1 have a recurrent state as well. */
const ATTENTION_TENSOR = /^blk\.(\d+)\.attn_(k|kv_a_mqa|kv_b)\./;

/** Bytes per element of a recurrent state, which llama.cpp stores in F32. */
const STATE_ELEMENT_BYTES = 4;

/** Architectures whose layers for multi-token prediction get no cache. Source: `llama_model::create_memory`. */
const WITHOUT_NEXTN_CACHE: ReadonlySet<string> = new Set([
  'deepseek32',
  'dots3note',
  'glm-dsa',
  'hy_v3',
  'mimo2',
  'step35',
  'qwen3next',
  'qwen35',
  'qwen35moe',
  'qwen4exp',
]);

/** Architectures for which node-llama-cpp does not enable flash attention. Source: its `GgufInsights`. */
const WITHOUT_FLASH_ATTENTION: ReadonlySet<string> = new Set(['grok', 'gemma2']);

/** The caches of a model's layers, and the sizes that determine the memory used during evaluation. */
export interface Attention {
  readonly caches: readonly LayerCache[];
  /** Tokens of the sliding windows; 0 if there are none. */
  readonly windowSize: number;
  readonly heads: number;
  readonly keyLength: number;
  readonly valueLength: number;
  readonly latentValues: number;
  readonly attentionWidth: number;
  readonly recurrentWidth: number;
  readonly flashAttention: boolean;
}

/**
 * Returns the cache of each layer and related sizes. The rules are those of `llama_hparams`, `llama-kv-cache.cpp` and
 * `llama-memory-recurrent.cpp`:
 * - the number of heads is `attention.head_count_kv` (one number, or one per layer), otherwise `attention.head_count`;
 * - the lengths are `attention.key_length` and `value_length`, otherwise embedding length / heads; layers with a
 *   sliding window can have different lengths;
 * - multi-head latent attention (`key_length_mla` present: deepseek2 and similar) stores only the compressed keys;
 * - the indexer of sparse attention stores an additional key;
 * - encoders (`attention.causal` false) and the last `attention.shared_kv_layers` store nothing;
 * - recurrent layers have a state per sequence.
 */
export function readAttention(
  header: GgufHeader,
  architecture: string,
  layers: number,
  tensors: readonly GgufTensor[],
): Attention {
  const number = (key: string) => numberOf(header, `${architecture}.${key}`);
  const perLayer = (key: string, layer: number) => numberOfLayer(header, `${architecture}.${key}`, layer);
  const embedding = number('embedding_length') ?? 0;
  const heads = perLayer('attention.head_count', 0) ?? 0;
  const headLength = heads > 0 ? Math.floor(embedding / heads) : 0;
  const keyLength = number('attention.key_length') ?? headLength;
  const fullValueLength = number('attention.value_length') ?? headLength;
  const isLatent = number('attention.key_length_mla') !== undefined;
  const valueLength = isLatent ? 0 : fullValueLength;
  const indexed = number('attention.indexer.key_length') ?? 0;

  const ownLayers = layers - (number('nextn_predict_layers') ?? 0);
  const cachedLayers = WITHOUT_NEXTN_CACHE.has(architecture) ? ownLayers : layers;
  const withOwnCache = Math.min(cachedLayers, layers - (number('attention.shared_kv_layers') ?? 0));
  const window = slidingWindow(header, architecture, ownLayers);
  const isEncoder = header.metadata.get(`${architecture}.attention.causal`)?.value === false;
  const recurrent = layersWith(tensors, RECURRENT_TENSOR);
  const attending = layersWith(tensors, ATTENTION_TENSOR);
  const state = recurrentState(header, architecture, heads);

  const caches = Array.from({ length: layers }, (_, layer): LayerCache => {
    const isRecurrent = recurrent.has(layer);
    const stateBytes = isRecurrent && layer < ownLayers ? state.elements * STATE_ELEMENT_BYTES : 0;
    const isWindowed = window?.has(layer) ?? false;
    if (isEncoder || layer >= withOwnCache || (isRecurrent && !attending.has(layer))) {
      return { keys: 0, values: 0, isWindowed: false, stateBytes };
    }
    const kvHeads = perLayer('attention.head_count_kv', layer) ?? perLayer('attention.head_count', layer) ?? 0;
    const key = isWindowed ? (number('attention.key_length_swa') ?? keyLength) : keyLength;
    const value = isWindowed && !isLatent ? (number('attention.value_length_swa') ?? valueLength) : valueLength;
    return {
      keys: Math.floor(kvHeads * key) + (kvHeads > 0 ? indexed : 0),
      values: Math.floor(kvHeads * value),
      isWindowed,
      stateBytes,
    };
  });
  const isAttending = caches.some(({ keys }) => keys > 0);
  return {
    caches,
    windowSize: caches.some(({ isWindowed }) => isWindowed) ? (window?.size ?? 0) : 0,
    heads: isAttending || isEncoder ? heads : 0,
    keyLength,
    valueLength,
    latentValues: isLatent ? fullValueLength : 0,
    attentionWidth:
      2 * embedding +
      heads * (2 * keyLength + fullValueLength) +
      Math.max(0, ...caches.map(({ keys, values }) => keys + values)),
    recurrentWidth: recurrent.size > 0 ? embedding + state.width : 0,
    flashAttention: !WITHOUT_FLASH_ATTENTION.has(architecture) && keyLength === fullValueLength,
  };
}

/**
 * Returns the number of elements of a recurrent layer's state for a sequence (`llama_hparams::n_embd_r` and
 * `n_embd_s`), and the number of elements per token during evaluation: projections, the input and output of the
 * convolution, and vectors of the inner size.
 */
function recurrentState(
  header: GgufHeader,
  architecture: string,
  heads: number,
): { readonly elements: number; readonly width: number } {
  const number = (key: string) => numberOf(header, `${architecture}.${key}`) ?? 0;
  const embedding = number('embedding_length');
  const wkvHead = number('wkv.head_size');
  if (wkvHead > 0) {
    const shifts = numberOf(header, `${architecture}.token_shift_count`) ?? 2;
    return { elements: embedding * (shifts + wkvHead), width: 8 * embedding };
  }
  const convolution = number('shortconv.l_cache');
  if (convolution > 0) return { elements: embedding * (convolution - 1), width: 4 * embedding };
  const kernel = number('ssm.conv_kernel');
  const kdaHead = number('kda.head_dim');
  if (kdaHead > 0) {
    const inner = heads * kdaHead;
    return { elements: 3 * (kernel > 0 ? kernel - 1 : 3) * inner + kdaHead * inner, width: 8 * inner };
  }
  const inner = number('ssm.inner_size');
  const state = number('ssm.state_size');
  const groups = number('ssm.group_count');
  const convolved = inner + 2 * groups * state;
  return {
    elements: Math.max(0, kernel - 1) * convolved + state * inner,
    width: 2 * inner + 2 * groups * state + 2 * convolved + (groups > 0 ? 3 : 2) * inner,
  };
}

/**
 * Returns the value for a layer of a key whose value is one number for all layers or a list with a number per layer.
 */
function numberOfLayer(header: GgufHeader, key: string, layer: number): number | undefined {
  const value = arrayOf(header, key)?.numbers?.[layer] ?? numberOf(header, key);
  return value === undefined ? undefined : Number(value);
}

function layersWith(tensors: readonly GgufTensor[], pattern: RegExp): Set<number> {
  return new Set(
    tensors.flatMap(({ name }) => {
      const layer = pattern.exec(name)?.[1];
      return layer === undefined ? [] : [Number(layer)];
    }),
  );
}
