import { describe, expect, it } from '@jest/globals';
import { readGgufHeader } from '../../../host/gguf/inspect.ts';
import { memorySource } from '../../support/gguf/memory-source.ts';
import { tinyGguf } from '../../support/gguf/tiny-gguf.ts';
import { array, string } from '../../support/gguf/write-gguf.ts';

describe('readGgufHeader', () => {
  it('reads every type of value', async () => {
    const values = {
      a: { type: 'uint8', value: 255 },
      b: { type: 'int8', value: -128 },
      c: { type: 'uint16', value: 65_535 },
      d: { type: 'int16', value: -32_768 },
      e: { type: 'uint32', value: 4_294_967_295 },
      f: { type: 'int32', value: -2_147_483_648 },
      g: { type: 'float32', value: 0.5 },
      h: { type: 'bool', value: true },
      i: { type: 'string', value: 'größer 🎲' },
      j: { type: 'uint64', value: 2n ** 64n - 1n },
      k: { type: 'int64', value: -5 },
      l: { type: 'float64', value: Math.PI },
    } as const;
    const { metadata } = await readGgufHeader(memorySource(tinyGguf({ keys: values })));
    for (const [key, value] of Object.entries(values)) expect(metadata.get(key)).toEqual(value);
  });

  it('stores short lists of numbers, and only the length of longer ones', async () => {
    const keys = {
      short: array('int16', [-1, 2, 3]),
      long: array('uint8', new Array(5000).fill(7)),
      words: array('string', ['one', 'two']),
    };
    const { metadata } = await readGgufHeader(memorySource(tinyGguf({ keys })));
    expect(metadata.get('short')?.value).toEqual({ elementType: 'int16', length: 3, numbers: [-1, 2, 3] });
    expect(metadata.get('long')?.value).toEqual({ elementType: 'uint8', length: 5000 });
    expect(metadata.get('words')?.value).toEqual({ elementType: 'string', length: 2 });
  });

  it('returns the same result for any window boundaries', async () => {
    const template = string('{{ messages }}');
    const tail = await readGgufHeader(memorySource(tinyGguf({ keys: { 'tokenizer.chat_template': template } })));
    // The first window has 256 KiB. The filler shifts each following byte across its boundary.
    for (let shift = 0; shift < 1_100; shift++) {
      const filler = string('x'.repeat(262_144 - 1_100 + shift));
      const keys = { filler, 'tokenizer.chat_template': template };
      const header = await readGgufHeader(memorySource(tinyGguf({ keys })));
      expect(header.tensors).toEqual(tail.tensors);
      expect(header.metadata.get('tokenizer.chat_template')).toEqual(template);
    }
  });

  it('skips the vocabulary without storing it, in growing windows', async () => {
    const words = Array.from({ length: 200_000 }, (_, i) => `token ${i}`);
    const source = memorySource(tinyGguf({ keys: { 'tokenizer.ggml.tokens': array('string', words) } }));
    const header = await readGgufHeader(source);
    expect(header.metadata.get('tokenizer.ggml.tokens')?.value).toEqual({ elementType: 'string', length: 200_000 });
    expect(source.reads.length).toBeLessThan(8);
  });

  it('reads neither skipped lists of numbers nor weights', async () => {
    const scores = array('float32', new Array(500_000).fill(0.5));
    const source = memorySource(tinyGguf({ keys: { 'a.scores': scores } }));
    await readGgufHeader(source);
    const fetched = source.reads.reduce((sum, { length }) => sum + length, 0);
    expect(fetched).toBeLessThan(1_000_000);
  });

  it('rejects a claim of 2^63-1 entries after reading one window', async () => {
    const bytes = tinyGguf();
    bytes.writeBigUInt64LE(2n ** 63n - 1n, 16);
    const source = memorySource(bytes);
    await expect(readGgufHeader(source)).rejects.toMatchObject({ code: 'MODEL_REJECTED' });
    expect(source.reads).toHaveLength(1);
  });

  it('rejects a source that is shorter than announced', async () => {
    const bytes = tinyGguf();
    const source = { ...memorySource(bytes.subarray(0, 100)), size: bytes.length };
    await expect(readGgufHeader(source, { file: 'm.gguf' })).rejects.toMatchObject({
      message: expect.stringMatching(/reading it ended unexpectedly at byte 100/),
    });
  });

  it('throws the reason of the abort signal', async () => {
    const reason = new Error('enough');
    await expect(readGgufHeader(memorySource(tinyGguf()), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
