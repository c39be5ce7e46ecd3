import type { ModelShape } from '../../../host/gguf/model.ts';

/**
 * Returns the properties of a model with flash attention whose layers store the whole context.
 *
 * @param bytesPerToken The size of keys and values per token in each layer, in bytes, as F16. Half of it is keys.
 */
export function plainAttention(bytesPerToken: readonly number[]) {
  return {
    caches: bytesPerToken.map((bytes) => ({ keys: bytes / 4, values: bytes / 4, isWindowed: false, stateBytes: 0 })),
    windowSize: 0,
    heads: 0,
    latentValues: 0,
    attentionWidth: 0,
    recurrentWidth: 0,
    flashAttention: true,
  } satisfies Partial<ModelShape>;
}
