import type { FileKind } from '../protocol/file-kinds.ts';
import { modelStem } from '../protocol/shards.ts';
import { quantizationOf } from './quantization-name.ts';

/**
 * Patterns for the names of GGUF files that are not models, for files whose header has not been read. They match whole
 * words in a file's path: `Eagle-7B` and `Adapted-8B` are models.
 */
const WORDS: readonly [words: RegExp, kind: FileKind][] = [
  [/(^|[-_./])(mm-?proj(ector)?|projector)([-_./]|$)/i, 'projector'],
  [/(^|[-_./])imatrix([-_./]|$)/i, 'imatrix'],
  [/(^|[-_./])ggml-vocab([-_./]|$)/i, 'vocabulary'],
  [/(^|[-_./])([dq]?lora|adapters?)([-_./]|$)/i, 'adapter'],
  [/(^|[-_./])(draft(er)?|draft-?model|speculator|eagle-?[23]|dflash|medusa)([-_./]|$)/i, 'draft'],
  [/(^|[/])mtp([-_./]|$)/i, 'draft'],
  [/(^|[-_./])(wavtokenizer|vocoder)([-_./]|$)/i, 'other'],
];

/** Matches multi-token prediction in a name: of a model that supports it, or of a small file that adds it. */
const MTP = /[-_.]mtp(?=[-_.]|$)/i;

/**
 * Matches a piece of a file that was split for uploading: `m.gguf.part1of2`, `m-part2of3.gguf`, `m.gguf-split-a`.
 * Unlike shards (`m-00001-of-00002.gguf`), llama.cpp cannot read these.
 */
const PIECE = /\.gguf[-._](part[-_]?\w+|split[-_]?[a-z0-9]+)$|[-._]part[-_]?\d+[-_]?of[-_]?\d+\.gguf$/i;

/** Returns the kind of a file according to its name. */
export function kindOfName(file: string): FileKind {
  if (PIECE.test(file)) return 'part';
  const stem = file.replace(/\.gguf$/i, '');
  return WORDS.find(([words]) => words.test(stem))?.[1] ?? 'model';
}

/** Returns whether a file of a repository is listed: a GGUF file, or a piece of one. */
export function isListed(file: string): boolean {
  return /\.gguf$/i.test(file) || PIECE.test(file);
}

/**
 * Returns whether a file adds multi-token prediction to another file of the repository: one that has the same name
 * without `MTP` and is more than twice as large.
 */
export function addsMtp(file: string, sizes: ReadonlyMap<string, number | undefined>): boolean {
  if (!MTP.test(file)) return false;
  const size = sizes.get(file);
  const other = sizes.get(file.replace(MTP, ''));
  return size !== undefined && other !== undefined && size * 2 < other;
}

/** Returns the path of a file without its quantization, which is equal for files that differ only in it. */
export function familyOf(file: string): string {
  const words = (text: string) => text.split(/[-._/]/).filter((word) => word !== '');
  const stem = modelStem(file).toUpperCase();
  // A folder may repeat the quantization.
  const without = words(stem)
    .join('-')
    .replaceAll(words(quantizationOf(file) ?? '').join('-'), '');
  return words(without).join('-');
}
