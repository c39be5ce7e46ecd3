import { describe, expect, it } from '@jest/globals';
import { readFacts } from '../../../host/gguf/kind.ts';
import { TINY_TENSORS, tinyGguf } from '../../support/gguf/tiny-gguf.ts';
import { string, uint32, writeGguf } from '../../support/gguf/write-gguf.ts';

const lora = {
  name: 'blk.0.attn_q.weight.lora_a',
  dimensions: [32, 2],
  type: 'F32',
  data: new Uint8Array(256),
} as const;
const long = { type: 'array', of: 'string', value: Array.from({ length: 20_000 }, (_, i) => `token${i}`) } as const;

describe('readFacts', () => {
  it.each([
    ['a model', tinyGguf(), 'model'],
    ['a projector by its type', tinyGguf({ keys: { 'general.type': string('mmproj') } }), 'projector'],
    ['a projector by its architecture', tinyGguf({ keys: { 'general.architecture': string('clip') } }), 'projector'],
    ['an adapter by its type', tinyGguf({ keys: { 'general.type': string('adapter') } }), 'adapter'],
    ['an adapter by its tensors', tinyGguf({ tensors: [lora] }), 'adapter'],
    ['an importance matrix', tinyGguf({ keys: { 'general.type': string('imatrix') } }), 'imatrix'],
    ['a vocabulary', tinyGguf({ tensors: [] }), 'vocabulary'],
    ['a draft model', tinyGguf({ keys: { 'general.architecture': string('eagle3') } }), 'draft'],
    ['a file that does not say', writeGguf({ metadata: { x: uint32(1) }, tensors: TINY_TENSORS }), undefined],
    ['another file', Buffer.from('<html>'.repeat(100)), undefined],
  ])('classifies %s correctly', (_what, bytes, kind) => expect(readFacts(bytes).kind).toBe(kind));

  it('requires only the start of a file, whatever follows or is claimed', () => {
    const file = tinyGguf({ keys: { 'tokenizer.ggml.tokens': long } });
    expect(readFacts(file.subarray(0, 4096)).kind).toBe('model');
    const hostile = tinyGguf({ keys: { 'general.type': string('adapter') } });
    hostile.writeBigUInt64LE(2n ** 62n, 8);
    hostile.writeBigUInt64LE(2n ** 62n, 16);
    expect(readFacts(hostile).kind).toBe('adapter');
    for (let length = 0; length < hostile.length; length += 1) readFacts(hostile.subarray(0, length));
  });
});
