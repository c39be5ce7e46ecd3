import type { ModelAbilities } from './abilities.ts';

/** A source of the bytes of a GGUF file: a local file, or a hub through range requests. */
export interface ByteSource {
  /** Size of the file, bytes. */
  readonly size: number;
  /** Reads `length` bytes at `offset`; fewer only at the end of the file. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What a layer stores of the text that it has evaluated. */
export interface LayerCache {
  /** Elements of keys and of values per token. */
  readonly keys: number;
  readonly values: number;
  /** Whether only the tokens of the sliding window, or of a chunk, are stored. */
  readonly isWindowed: boolean;
  /** Size of the state of a recurrent layer for one sequence, whatever the length of the text. */
  readonly stateBytes: number;
}

/**
 * Properties of a model, read from the GGUF headers of all its parts. Sizes are bytes. The weights are not needed, so
 * it is known before a download.
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
   * Width of the widest block's feed-forward network; for a mixture of experts, the total of all experts used per
   * token. 0 if there is none.
   */
  readonly feedForwardDim: number;
  readonly trainContextSize: number;
  /** Weight bytes of each block (`blk.N.*`), in order; its length is the number of layers. */
  readonly layerBytes: readonly number[];
  /** Weight bytes of each block that one token uses: of experts, those that are used. */
  readonly usedLayerBytes: readonly number[];
  /** Weight bytes before the first block: the token embeddings, which stay in main memory. */
  readonly inputBytes: number;
  /** Weight bytes after the last block: output norm and matrix; it counts as one more layer when offloaded. */
  readonly outputBytes: number;
  /** What each layer stores of a text, in order. */
  readonly caches: readonly LayerCache[];
  /** Tokens that layers with a sliding window look back, or that a chunk has; 0 if there are no such layers. */
  readonly windowSize: number;
  /** Attention heads; 0 if no layer has attention. */
  readonly heads: number;
  /** Elements of one key and of one value of an attention head. */
  readonly keyLength: number;
  readonly valueLength: number;
  /** Elements per token that latent attention copies from its keys to use as values; 0 for other models. */
  readonly latentValues: number;
  /** Elements per token that attention works with at a time, besides the scores of the heads. */
  readonly attentionWidth: number;
  /** Elements per token that a recurrent layer works with at a time; 0 without such layers. */
  readonly recurrentWidth: number;
  /** Whether flash attention is used by default: it needs no memory for the scores of the heads. */
  readonly flashAttention: boolean;
  /** Bytes of all files together. */
  readonly fileBytes: number;
}

/**
 * A model whose files have been checked: headers are within limits, tensors are inside their files, and architecture
 * and tensor types are supported. Only `inspectModel` creates it, so its users need not check again.
 */
export interface InspectedModel {
  /** Absolute paths of all parts, in order; llama.cpp opens the first. */
  readonly files: readonly string[];
  readonly shape: ModelShape;
  readonly abilities: ModelAbilities;
}
