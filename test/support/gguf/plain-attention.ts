import type { ModelShape } from '../../../host/gguf/model.ts';

/**
 * The properties of a model with flash attention whose layers store the whole context.
 *
 * @param bytesPerToken Bytes of keys and values per token in each layer, at F16: half of them are keys.
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
