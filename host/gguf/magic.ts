import { quote, type Rejection } from './reject.ts';

/** The first four bytes of every GGUF file. */
const MAGIC = 'GGUF';

/** Other formats of files named like a model, recognized by their first bytes, with a description. */
const OTHER_FORMATS: readonly (readonly [prefix: RegExp | string, what: string])[] = [
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer: the clone did not download the file itself'],
  [/^\s*<(!doctype|html|\?xml)/i, 'a web page, which a server may send instead of a file'],
  [/^\s*[{[]/, 'JSON text'],
  [/^(ggml|lmgg|ggjt|tjgg|ggmf|fmgg|ggla|algg)/, 'a model in a format older than GGUF'],
  ['PK\x03\x04', 'a ZIP archive, the format of PyTorch models'],
  ['\0\0\0\0', 'empty: its first bytes are zeros, as after an interrupted download'],
];

/** Rejects a file that is not a GGUF file and names its likely format. `front`: the first bytes, about 64. */
export function checkMagic(front: Buffer, reject: Rejection): void {
  if (front.subarray(0, 4).toString('latin1') === MAGIC) return;
  const mismatch = { expected: MAGIC, found: front.subarray(0, 4).toString('latin1') };
  if (front.length === 0) throw reject('it is empty (0 bytes)', { ...mismatch, found: '0 bytes' });
  const text = front.toString('latin1');
  // safetensors starts with a 64-bit length, followed by JSON.
  const isSafetensors = front.length > 8 && front.readUInt16LE(6) === 0 && front[8] === '{'.charCodeAt(0);
  const otherFormat = isSafetensors
    ? 'a safetensors file'
    : OTHER_FORMATS.find(([prefix]) => (typeof prefix === 'string' ? text.startsWith(prefix) : prefix.test(text)))?.[1];
  const begins = `begins with ${quote(text.slice(0, 16))}`;
  throw reject(`not a GGUF file: it ${begins}${otherFormat === undefined ? '' : ` and is ${otherFormat}`}`, mismatch);
}
