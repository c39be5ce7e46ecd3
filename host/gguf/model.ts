import type { ModelAbilities } from './abilities.ts';

/** A source of the bytes of a GGUF file: a local file, or a hub that answers range requests. */
export interface ByteSource {
  /** Size of the file in bytes. */
  readonly size: number;
  /** Reads `length` bytes at `offset`; fewer only at the end of the file. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** The size of a layer's cache. */
export interface LayerCache {
  /** Elements of the keys and of the values, per token. */
  readonly keys: number;
  readonly values: number;
  /** Whether only the tokens in the sliding window, or in the current chunk, are stored. */
  readonly isWindowed: boolean;
  /** Size of a recurrent layer's state per sequence, which does not depend on the number of tokens. */
  readonly stateBytes: number;
}

/** What LoRA adapters add to a model. Sizes are bytes. */
export interface AdapterShape {
  /** Matrices of each layer, in order. */
  readonly layerBytes: readonly number[];
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** Elements per token of the widest product of its matrices, which needs memory in addition to the model's own result. */
  readonly width: number;
}

/**
 * Properties of a model, read from the GGUF headers of all its parts, which a hub can provide before the download.
 * Sizes are in bytes.
 */
export interface ModelShape {
  /** `general.architecture`: `llama`, `qwen3moe`, … */
  readonly architecture: string;
  /** `general.name`, if present. */
  readonly name: string | undefined;
  /** `Q4_K_M`, `F16`, `TQ2_0`, …: `general.file_type`, or the type of most of the weight bytes. */
  readonly quantization: string;
  /** `bitnet` if the weights are ternary (TQ1_0, TQ2_0) or the architecture is BitNet. */
  readonly modelType: 'gguf' | 'bitnet';
  readonly vocabSize: number;
  readonly embeddingDim: number;
  /**
   * Maximum width of the feed-forward networks of all blocks; for a mixture of experts, the total of the experts used
   * per token. 0 if there are none.
   */
  readonly feedForwardDim: number;
  readonly trainContextSize: number;
  /** Weight bytes of each block (`blk.N.*`), in order; its length is the number of layers. */
  readonly layerBytes: readonly number[];
  /** Weight bytes of each block that are used for one token: of the experts, only the selected ones. */
  readonly usedLayerBytes: readonly number[];
  /** Weight bytes before the first block: the token embeddings, which are not offloaded. */
  readonly inputBytes: number;
  /** Weight bytes after the last block: output norm and matrix, which count as a layer when they are offloaded. */
  readonly outputBytes: number;
  /** The cache of each layer, in order. */
  readonly caches: readonly LayerCache[];
  /** Size of the sliding window, or of a chunk of chunked attention, in tokens; 0 if no layer has one. */
  readonly windowSize: number;
  /** Attention heads; 0 if no layer has attention. */
  readonly heads: number;
  /** Elements of a key and of a value of an attention head. */
  readonly keyLength: number;
  readonly valueLength: number;
  /** Elements per token that latent attention copies from its keys as values; 0 for other models. */
  readonly latentValues: number;
  /** Elements per token in the intermediate results of an attention layer, besides the attention scores. */
  readonly attentionWidth: number;
  /** Elements per token in the intermediate results of a recurrent layer; 0 without such layers. */
  readonly recurrentWidth: number;
  /** Whether flash attention is used by default: it needs no memory for attention scores. */
  readonly flashAttention: boolean;
  /** Total size of all files. */
  readonly fileBytes: number;
  /** What its LoRA adapters add; absent without adapters. */
  readonly adapters?: AdapterShape | undefined;
}

/**
 * A model whose files were checked: the headers are within the limits, the tensors are inside their files, and the
 * architecture and tensor types are supported. Only `inspectModel` creates it, so its users need not check again.
 */
export interface InspectedModel {
  /** Absolute paths of all parts, in order; llama.cpp opens the first. */
  readonly files: readonly string[];
  readonly shape: ModelShape;
  readonly abilities: ModelAbilities;
}
