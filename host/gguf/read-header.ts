import type { GgufEntry, GgufHeader, GgufTensor } from './header.ts';
import { DATA_ALIGNMENT, DEFAULT_ALIGNMENT, MAX_ALIGNMENT } from './limits.ts';
import { checkMagic } from './magic.ts';
import type { ByteSource } from './model.ts';
import { readMetadata } from './read-metadata.ts';
import { align, readTensors } from './read-tensors.ts';
import { quote, type Rejection, rejection } from './reject.ts';
import { WindowReader } from './window-reader.ts';

/**
 * Reads the header of a local or remote GGUF file (version 2 or 3, little-endian) through a {@link WindowReader}. The
 * file is untrusted: counts are checked against limits and the remaining bytes, tensors against the file's size.
 * Strings in arrays (a vocabulary has about 10^5) are not stored.
 *
 * @param options.file Path or name of the file, for messages.
 * @throws HostError `MODEL_REJECTED` with `{file, expected, found}`; the signal's reason when aborted.
 */
export async function readGgufHeader(
  source: ByteSource,
  options: { signal?: AbortSignal | undefined; file?: string } = {},
): Promise<GgufHeader> {
  const { signal, file = 'The file' } = options;
  const reject = rejection(file);
  const reader = new WindowReader(source, reject, signal);

  const version = await readVersion(reader, reject);
  const tensorCount = await reader.count('the number of tensors');
  const entryCount = await reader.count('the number of metadata entries');
  const metadata = await readMetadata(reader, entryCount, reject);
  const alignment = readAlignment(metadata.get('general.alignment'), reject);
  const tensors = await readTensors(reader, tensorCount, alignment, reject);
  const dataOffset = align(reader.position, alignment);
  if (tensors.length > 0 && dataOffset % DATA_ALIGNMENT !== 0) {
    throw reject(`its weights start at byte ${dataOffset}, which is not aligned (general.alignment ${alignment})`, {
      expected: `a multiple of ${DATA_ALIGNMENT}`,
      found: dataOffset,
    });
  }
  checkEnd(tensors, dataOffset, source.size, reject);
  return { file, fileBytes: source.size, version, alignment, metadata, tensors, dataOffset };
}

async function readVersion(reader: WindowReader, reject: Rejection): Promise<2 | 3> {
  checkMagic(await reader.peek(64), reject);
  reader.skip(4);
  const version = await reader.uint32();
  if (version === 2 || version === 3) return version;
  // The same test as in llama.cpp: the lower 16 bits of a byte-swapped small number are zero.
  if (version !== 0 && (version & 0xffff) === 0) {
    throw reject('it is a big-endian GGUF file, but this computer requires little-endian', {
      expected: 'little-endian',
      found: 'big-endian',
    });
  }
  throw reject(`it is GGUF version ${version}; llama.cpp reads versions 2 and 3`, {
    expected: 'version 2 or 3',
    found: version,
  });
}

function readAlignment(entry: GgufEntry | undefined, reject: Rejection): number {
  if (entry === undefined) return DEFAULT_ALIGNMENT;
  const { value } = entry;
  const valid =
    entry.type === 'uint32' &&
    typeof value === 'number' &&
    value > 0 &&
    value <= MAX_ALIGNMENT &&
    Number.isInteger(Math.log2(value));
  if (valid) return value;
  throw reject(`its alignment is ${entry.type === 'uint32' ? value : quote(entry.type)}`, {
    expected: `a power of two up to ${MAX_ALIGNMENT}, as uint32`,
    found: `${String(value)} as ${entry.type}`,
  });
}

function checkEnd(tensors: readonly GgufTensor[], dataOffset: number, fileBytes: number, reject: Rejection): void {
  const last = tensors.at(-1);
  if (last === undefined) return;
  const end = dataOffset + last.offset + last.bytes;
  if (end <= fileBytes) return;
  throw reject(`the file is truncated: its tensors end at byte ${end}, but the file has ${fileBytes} bytes`, {
    expected: `at least ${end} bytes`,
    found: fileBytes,
  });
}
