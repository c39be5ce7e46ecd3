import type { ByteSource } from '../../../host/gguf/model.ts';

/** Returns a source of bytes in memory that records all reads. */
export function memorySource(bytes: Uint8Array): ByteSource & { readonly reads: { offset: number; length: number }[] } {
  const reads: { offset: number; length: number }[] = [];
  return {
    size: bytes.length,
    reads,
    async read(offset, length) {
      reads.push({ offset, length });
      return bytes.slice(offset, offset + length);
    },
    async close() {},
  };
}
