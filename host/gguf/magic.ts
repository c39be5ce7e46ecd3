import { quote, type Rejection } from './reject.ts';

/** The first four bytes of every GGUF file. */
const MAGIC = 'GGUF';

/** What else is found under the name of a model, by how it begins, with the words a person needs. */
const IMPOSTORS: readonly (readonly [beginning: RegExp | string, what: string])[] = [
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer: the clone did not fetch the file itself'],
  [/^\s*<(!doctype|html|\?xml)/i, 'a web page, as a server sends in place of a file it does not give'],
  [/^\s*[{[]/, 'JSON text'],
  [/^(ggml|lmgg|ggjt|tjgg|ggmf|fmgg|ggla|algg)/, 'a model of the time before GGUF'],
  ['PK\x03\x04', 'a ZIP archive, as PyTorch writes its models'],
  ['\0\0\0\0', 'empty: its first bytes are zeros, as after a download that was broken off'],
];

/** Refuses a file that is no GGUF file, saying what it looks like instead. `front` is its first 64 bytes or so. */
export function checkMagic(front: Buffer, reject: Rejection): void {
  if (front.subarray(0, 4).toString('latin1') === MAGIC) return;
  const mismatch = { expected: MAGIC, found: front.subarray(0, 4).toString('latin1') };
  if (front.length === 0) throw reject('it is empty (0 bytes)', { ...mismatch, found: '0 bytes' });
  const text = front.toString('latin1');
  // safetensors begins with a 64-bit length, then JSON.
  const isSafetensors = front.length > 8 && front.readUInt16LE(6) === 0 && front[8] === '{'.charCodeAt(0);
  const impostor = isSafetensors
    ? 'a safetensors file'
    : IMPOSTORS.find(([beginning]) =>
        typeof beginning === 'string' ? text.startsWith(beginning) : beginning.test(text),
      )?.[1];
  const begins = `begins with ${quote(text.slice(0, 16))}`;
  throw reject(`not a GGUF file: it ${begins}${impostor === undefined ? '' : ` and is ${impostor}`}`, mismatch);
}
