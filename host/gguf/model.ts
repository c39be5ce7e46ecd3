import type { ModelAbilities } from './abilities.ts';

/** A source of the bytes of a GGUF file: a local file, or a hub through range requests. */
export interface ByteSource {
  /** Size of the file, bytes. */
  readonly size: number;
  /** Reads `length` bytes at `offset`; fewer only at the end of the file. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
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
   * token.
   */
  readonly feedForwardDim: number;
  readonly trainContextSize: number;
  /** Weight bytes of each block (`blk.N.*`), in order; its length is the number of layers. */
  readonly layerBytes: readonly number[];
  /** Weight bytes before the first block: the token embeddings, which stay in main memory. */
  readonly inputBytes: number;
  /** Weight bytes after the last block: output norm and matrix; it counts as one more layer when offloaded. */
  readonly outputBytes: number;
  /**
   * KV cache bytes per token in each layer at F16 (sliding windows and recurrent states are not taken into account).
   */
  readonly kvBytesPerToken: readonly number[];
  /** Elements of one key and of one value of an attention head. */
  readonly keyLength: number;
  readonly valueLength: number;
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
