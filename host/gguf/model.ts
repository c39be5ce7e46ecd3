import type { ModelAbilities } from './abilities.ts';

/** Where the bytes of a GGUF file come from: a local file, or a hub by range requests. */
export interface ByteSource {
  /** Bytes of the whole file. */
  readonly size: number;
  /** Reads `length` bytes at `offset`; fewer only where the file ends. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * What a model needs and is, read from its GGUF header (of every part, when sharded). Sizes are bytes; nothing here
 * needs the weights themselves, so it can be known before a download.
 */
export interface ModelShape {
  /** `general.architecture`: `llama`, `qwen3moe`, … */
  readonly architecture: string;
  /** `general.name`, where there is one. */
  readonly name: string | undefined;
  /** `Q4_K_M`, `F16`, `TQ2_0`, …: `general.file_type`, or the type most of the weight bytes have. */
  readonly quantization: string;
  /** `bitnet` where the weights are ternary (TQ1_0, TQ2_0) or the architecture is a BitNet one. */
  readonly modelType: 'gguf' | 'bitnet';
  readonly vocabSize: number;
  readonly embeddingDim: number;
  /** Width of the feed-forward part: the widest block's; of a mixture of experts, of all that work on a token. */
  readonly feedForwardDim: number;
  readonly trainContextSize: number;
  /** Weight bytes of each block (`blk.N.*`), in order; its length is the number of layers. */
  readonly layerBytes: readonly number[];
  /** Weight bytes before the first block: the token embeddings, which stay in main memory. */
  readonly inputBytes: number;
  /** Weight bytes after the last block: output norm and matrix; they count as one more layer when offloaded. */
  readonly outputBytes: number;
  /** KV-cache bytes one token takes in each layer at F16 (sliding windows and recurrent state not deducted). */
  readonly kvBytesPerToken: readonly number[];
  /** Numbers in one key, and in one value, of one head. */
  readonly keyLength: number;
  readonly valueLength: number;
  /** Bytes of all files together. */
  readonly fileBytes: number;
}

/**
 * A model whose files have passed the preflight: every header parsed within bounds, every tensor inside its file, the
 * architecture and tensor types known. Only `inspectModel` makes one, so whatever takes it need not check again.
 */
export interface InspectedModel {
  /** Absolute paths of all parts, in order; llama.cpp is given the first. */
  readonly files: readonly string[];
  readonly shape: ModelShape;
  readonly abilities: ModelAbilities;
}
