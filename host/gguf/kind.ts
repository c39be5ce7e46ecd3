import type { FileKind } from '../protocol/file-kinds.ts';
import { BASE_MODEL_NAME, BASE_MODEL_URL, type BaseModel, baseModelFrom } from './base-model.ts';

/** Descriptions of the kinds of files, as a predicate that follows "it is". */
export const KIND_NAMES: Readonly<Record<FileKind, string>> = {
  model: 'a model',
  draft: 'a draft model for speculative decoding',
  adapter: 'a LoRA adapter, which is used together with the model it was trained for',
  projector: 'a multimodal projector, which is used together with the model it belongs to',
  imatrix: 'an importance matrix, which is used for quantizing a model',
  vocabulary: 'a vocabulary without a model',
  part: 'a piece of a file, which must be joined with the others before it can be used',
  other: 'not a language model',
};

/** Kinds of files that llama.cpp does not load on their own. */
const COMPANIONS: readonly FileKind[] = ['adapter', 'projector', 'imatrix', 'vocabulary', 'part'];

/** Returns whether files of a kind cannot be loaded on their own. */
export function isCompanion(kind: FileKind | undefined): kind is Exclude<FileKind, 'model'> {
  return kind !== undefined && COMPANIONS.includes(kind);
}

/** Values of `general.type` for GGUF files that are not models. Source: `GGUFType` of gguf-py. */
const TYPES: ReadonlyMap<string, FileKind> = new Map([
  ['mmproj', 'projector'],
  ['adapter', 'adapter'],
  ['imatrix', 'imatrix'],
  ['vocab', 'vocabulary'],
]);

/** Architectures of files that llama.cpp cannot load as a model, or that generate nothing useful on their own. */
const ARCHITECTURES: ReadonlyMap<string, FileKind> = new Map([
  ['clip', 'projector'],
  ['eagle3', 'draft'],
  ['dflash', 'draft'],
  ['gemma4-assistant', 'draft'],
  ['wavtokenizer-dec', 'other'],
]);

/** Names of the tensors of LoRA adapters. Source: `convert_lora_to_gguf.py`. */
const ADAPTER_TENSOR = /\.lora_[ab]$/;

/** Properties in the beginning of a GGUF file that indicate its kind. */
export interface KindClues {
  /** `general.type`. */
  readonly type?: string | undefined;
  /** `general.architecture`. */
  readonly architecture?: string | undefined;
  readonly tensorCount: number;
  /** Names of tensors, as far as they have been read. */
  readonly tensorNames: readonly string[];
}

/** Returns the kind of a GGUF file; undefined if its header does not determine it. */
export function kindOf({ type, architecture, tensorCount, tensorNames }: KindClues): FileKind | undefined {
  const known = TYPES.get(type ?? '') ?? ARCHITECTURES.get(architecture ?? '');
  if (known !== undefined) return known;
  if (tensorNames.some((name) => ADAPTER_TENSOR.test(name))) return 'adapter';
  if (architecture === undefined) return undefined;
  return tensorCount === 0 ? 'vocabulary' : 'model';
}

/** The kind of a file, according to its header. */
export interface FileFacts {
  readonly kind?: FileKind | undefined;
  /** Of an adapter. */
  readonly baseModel?: BaseModel | undefined;
}

/** Number of bytes that are read: the general metadata precedes the vocabulary, which is not needed. */
export const BEGINNING_BYTES = 64 * 1024;

/** Reads the kind of a file from its first {@link BEGINNING_BYTES}. */
export function readFacts(beginning: Uint8Array): FileFacts {
  const { buffer, byteOffset, byteLength } = beginning;
  const clues = readClues(Buffer.from(buffer, byteOffset, byteLength));
  const kind = clues === undefined ? undefined : kindOf(clues);
  return kind === 'adapter' ? { kind, baseModel: baseModelFrom(clues?.baseName, clues?.baseUrl) } : { kind };
}

/** Size of a value in bytes, by type; 0 for strings (8) and arrays (9). Source: `gguf_type` of ggml. */
const VALUE_BYTES: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;

/** The values that are read, by their keys. */
const CLUES: ReadonlyMap<string, 'type' | 'architecture' | 'baseName' | 'baseUrl'> = new Map([
  ['general.type', 'type'],
  ['general.architecture', 'architecture'],
  [BASE_MODEL_NAME, 'baseName'],
  [BASE_MODEL_URL, 'baseUrl'],
]);

/** The value to read extends beyond the available bytes. */
class EndOfBeginning extends Error {}

/**
 * Reads the metadata and tensor names that are complete in the beginning of a file; undefined if it is not a GGUF file.
 */
function readClues(bytes: Buffer): (KindClues & { baseName?: string; baseUrl?: string }) | undefined {
  if (bytes.length < 24 || bytes.toString('latin1', 0, 4) !== 'GGUF') return undefined;
  let at = 8;
  const take = (length: number): number => {
    const start = at;
    if (!(length >= 0 && start + length <= bytes.length)) throw new EndOfBeginning();
    at += length;
    return start;
  };
  const count = () => Number(bytes.readBigUInt64LE(take(8)));
  const text = () => {
    const length = count();
    const start = take(length);
    return bytes.toString('utf8', start, start + length);
  };
  const skipValue = (type: number): void => {
    const size = VALUE_BYTES[type];
    if (size === undefined) throw new EndOfBeginning();
    if (type === STRING) take(count());
    else if (type !== ARRAY) take(size);
    else {
      const element = bytes.readUInt32LE(take(4));
      const length = count();
      const elementBytes = VALUE_BYTES[element] ?? 0;
      if (elementBytes > 0) take(length * elementBytes);
      // Each string has a length field of eight bytes, so the loop ends at the end of `bytes` whatever `length` claims.
      else if (element === STRING) for (let i = 0; i < length; i++) take(count());
      else throw new EndOfBeginning();
    }
  };
  const tensorCount = count();
  const entryCount = count();
  const known: { type?: string; architecture?: string; baseName?: string; baseUrl?: string } = {};
  const tensorNames: string[] = [];
  try {
    for (let i = 0; i < entryCount; i++) {
      const key = text();
      const type = bytes.readUInt32LE(take(4));
      const field = type === STRING ? CLUES.get(key) : undefined;
      if (field === undefined) skipValue(type);
      else known[field] = text();
    }
    for (let i = 0; i < tensorCount; i++) {
      tensorNames.push(text());
      // Dimensions, type and offset.
      const rank = bytes.readUInt32LE(take(4));
      take(rank * 8 + 12);
    }
  } catch (error) {
    if (!(error instanceof EndOfBeginning)) throw error;
  }
  return { ...known, tensorCount, tensorNames };
}
