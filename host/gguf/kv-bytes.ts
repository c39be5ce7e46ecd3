import { arrayOf, type GgufHeader, type GgufTensor, numberOf } from './header.ts';

/** Bytes per element of the KV cache: F16, llama.cpp's default for keys and values. */
const F16_BYTES = 2;

/** Tensors of a layer that has a state of fixed size instead of keys and values. */
const RECURRENT_TENSOR = /^blk\.(\d+)\.(ssm_|time_mix_|shortconv)/;

/** Tensors of a layer with keys and values, even if it also has a state (falcon-h1 has both). */
const ATTENTION_TENSOR = /^blk\.(\d+)\.attn_(k|kv_a_mqa|kv_b)\./;

/**
 * Returns the bytes of keys and values per token in each layer, at F16: heads × (key length + value length) × 2. The
 * rules are those of `llama_hparams::n_embd_k_gqa` and `llama-kv-cache.cpp`:
 * - heads are `attention.head_count_kv` (one number, or one per layer), otherwise `attention.head_count`;
 * - lengths are `attention.key_length` and `value_length`, otherwise embedding length / heads;
 * - multi-head latent attention (`key_length_mla` present: deepseek2 and similar) stores only the compressed keys;
 * - recurrent layers, encoders (`attention.causal` false) and the last `attention.shared_kv_layers` store none.
 */
export function kvBytesPerToken(
  header: GgufHeader,
  architecture: string,
  layers: number,
  tensors: readonly GgufTensor[],
): number[] {
  const number = (key: string) => numberOf(header, `${architecture}.${key}`);
  const perLayer = (key: string, layer: number) => numberOfLayer(header, `${architecture}.${key}`, layer);
  const { keyLength, valueLength } = headLengths(header, architecture);

  if (header.metadata.get(`${architecture}.attention.causal`)?.value === false)
    return new Array<number>(layers).fill(0);
  const recurrent = layersWith(tensors, RECURRENT_TENSOR);
  const attending = layersWith(tensors, ATTENTION_TENSOR);
  const withOwnCache = layers - (number('attention.shared_kv_layers') ?? 0);
  return Array.from({ length: layers }, (_, layer) => {
    if (layer >= withOwnCache || (recurrent.has(layer) && !attending.has(layer))) return 0;
    const heads = perLayer('attention.head_count_kv', layer) ?? perLayer('attention.head_count', layer) ?? 0;
    return Math.floor(heads * (keyLength + valueLength)) * F16_BYTES;
  });
}

/** Returns the elements of one key and of one value of a head, by the rules of {@link kvBytesPerToken}. */
export function headLengths(
  header: GgufHeader,
  architecture: string,
): { readonly keyLength: number; readonly valueLength: number } {
  const number = (key: string) => numberOf(header, `${architecture}.${key}`);
  const heads = numberOfLayer(header, `${architecture}.attention.head_count`, 0) ?? 1;
  const headLength = (number('embedding_length') ?? 0) / Math.max(1, heads);
  return {
    keyLength: number('attention.key_length') ?? headLength,
    valueLength:
      number('attention.key_length_mla') === undefined ? (number('attention.value_length') ?? headLength) : 0,
  };
}

/** Returns the value for a layer of a key with one number for all layers or a list with one per layer. */
function numberOfLayer(header: GgufHeader, key: string, layer: number): number | undefined {
  const value = arrayOf(header, key)?.numbers?.[layer] ?? numberOf(header, key);
  return value === undefined ? undefined : Number(value);
}

function layersWith(tensors: readonly GgufTensor[], pattern: RegExp): Set<number> {
  return new Set(tensors.map(({ name }) => Number(pattern.exec(name)?.[1] ?? Number.NaN)));
}
