import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { inspectModel } from '../../../host/gguf/inspect.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { TINY_TENSORS, tinyGguf } from '../../support/gguf/tiny-gguf.ts';
import { array, string, uint32 } from '../../support/gguf/write-gguf.ts';

const folder = tempFolder('preflight');
afterAll(() => folder.remove());

const file = join(folder.path, 'model.gguf');

async function refusal(bytes: Uint8Array): Promise<unknown> {
  writeFileSync(file, bytes);
  return inspectModel([file]).then(
    () => 'accepted',
    (error: unknown) => error,
  );
}

/** Overwrites part of a valid file. */
function patch(bytes: Buffer, offset: number, change: (at: Buffer) => void): Buffer {
  change(bytes.subarray(offset));
  return bytes;
}

/** Returns the offset of a key's value, which follows the key's name and type. */
function startOfValue(bytes: Buffer, key: string): number {
  return bytes.indexOf(key) + key.length + 4;
}

const HUGE = 0x7fff_ffff_ffff_ffffn;
const [embeddings, layer, output] = TINY_TENSORS;
if (!embeddings || !layer || !output) throw new Error('The tiny model has three tensors');

const MALFORMED: readonly (readonly [promise: string, bytes: Buffer, message: RegExp])[] = [
  ['an empty file', Buffer.alloc(0), /it is empty \(0 bytes\)/],
  [
    'a web page',
    Buffer.from('<!DOCTYPE html><html>Not found</html>'),
    /not a GGUF file: it begins with "<!DOCTYPE html>.*" and is a web page/,
  ],
  ['a JSON response', Buffer.from('{"error":"Repository not found"}'), /is JSON text/],
  [
    'a Git LFS pointer',
    Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00'),
    /is a Git LFS pointer/,
  ],
  ['a PyTorch archive', Buffer.from('PK\x03\x04\x14\0\0\0\x08\x08'), /is a ZIP archive/],
  ['a safetensors file', Buffer.from('\x40\0\0\0\0\0\0\0{"__metadata__":{}}', 'latin1'), /is a safetensors file/],
  ['a file of zeros', Buffer.alloc(4096), /its first bytes are zeros/],
  ['a model from before GGUF', Buffer.from('tjgg\x03\0\0\0'), /in a format older than GGUF/],
  [
    'a file that ends after its magic',
    Buffer.from('GGUF'),
    /truncated: its header extends to at least byte 8, but the file has 4 bytes/,
  ],
  ['GGUF version 1', tinyGguf({ version: 1 }), /it is GGUF version 1; llama.cpp reads versions 2 and 3/],
  ['GGUF version 9', tinyGguf({ version: 9 }), /it is GGUF version 9/],
  ['a big-endian file', patch(tinyGguf(), 4, (at) => at.writeUInt32BE(3)), /big-endian/],
  [
    '2^63-1 tensors',
    patch(tinyGguf(), 8, (at) => at.writeBigUInt64LE(HUGE)),
    /the number of tensors is 9223372036854775807/,
  ],
  [
    '2^63-1 metadata entries',
    patch(tinyGguf(), 16, (at) => at.writeBigUInt64LE(HUGE)),
    /the number of metadata entries is \d+/,
  ],
  [
    'a billion tensors',
    patch(tinyGguf(), 8, (at) => at.writeBigUInt64LE(10n ** 9n)),
    /declares 1000000000 tensors, more than the 65536 allowed/,
  ],
  [
    'more entries than the file has bytes for',
    patch(tinyGguf(), 16, (at) => at.writeBigUInt64LE(9999n)),
    /declares 9999 metadata entries, but only/,
  ],
  [
    'a key of 4 GB',
    patch(tinyGguf(), 24, (at) => at.writeBigUInt64LE(2n ** 32n)),
    /metadata key 0 has a declared length of 4294967296 bytes/,
  ],
  [
    'a string longer than the file',
    (() => {
      const b = tinyGguf();
      return patch(b, startOfValue(b, 'general.architecture'), (at) => at.writeBigUInt64LE(1_000_000n));
    })(),
    /truncated/,
  ],
  [
    'a list of 2^62 strings',
    (() => {
      const b = tinyGguf();
      return patch(b, startOfValue(b, 'tokenizer.ggml.tokens') + 4, (at) => at.writeBigUInt64LE(2n ** 62n));
    })(),
    /the length of "tokenizer.ggml.tokens" is \d+/,
  ],
  [
    'a list longer than the file',
    (() => {
      const b = tinyGguf();
      return patch(b, startOfValue(b, 'tokenizer.ggml.tokens') + 4, (at) => at.writeBigUInt64LE(10n ** 6n));
    })(),
    /declares 1000000 elements in "tokenizer.ggml.tokens"/,
  ],
  [
    'a list of lists',
    (() => {
      const b = tinyGguf();
      return patch(b, startOfValue(b, 'tokenizer.ggml.tokens'), (at) => at.writeUInt32LE(9));
    })(),
    /is a list of lists/,
  ],
  [
    'an unknown value type',
    (() => {
      const b = tinyGguf();
      return patch(b, startOfValue(b, 'general.architecture') - 4, (at) => at.writeUInt32LE(77));
    })(),
    /has the type 77, which GGUF does not define/,
  ],
  [
    'an empty key',
    (() => {
      const b = tinyGguf({ keys: { '': uint32(1) } });
      return b;
    })(),
    /metadata key 7 is "", which is not a valid name/,
  ],
  [
    'a key that begins with a zero byte, on which llama.cpp aborts',
    tinyGguf({ keys: { '\0key': uint32(1) } }),
    /metadata key 7 is "\\u0000key", which is not a valid name/,
  ],
  [
    'a tensor name with a line break',
    tinyGguf({ tensors: [embeddings, layer, { ...output, name: 'out\nput' }] }),
    /the name of tensor 2 is "out\\nput", which is not a valid name/,
  ],
  [
    'a duplicate token, on which llama.cpp aborts',
    tinyGguf({ keys: { 'tokenizer.ggml.tokens': array('string', ['a', 'b', 'a']) } }),
    /a string in "tokenizer.ggml.tokens" occurs twice/,
  ],
  [
    'a duplicate key',
    Buffer.from(
      tinyGguf({ keys: { 'general.abc': uint32(1), 'general.abd': uint32(1) } })
        .toString('latin1')
        .replace('general.abd', 'general.abc'),
      'latin1',
    ),
    /metadata key "general.abc" occurs twice/,
  ],
  [
    'a duplicate tensor',
    tinyGguf({ tensors: [embeddings, layer, layer] }),
    /tensor "blk.0.attn_k.weight" occurs twice/,
  ],
  [
    'five dimensions',
    tinyGguf({ tensors: [embeddings, { ...layer, dimensions: [32, 1, 1, 1, 32] }, output] }),
    /has 5 dimensions/,
  ],
  [
    'a dimension of zero',
    tinyGguf({ tensors: [embeddings, { ...layer, dimensions: [32, 0], data: new Uint8Array(0) }, output] }),
    /has no elements/,
  ],
  [
    'a row that does not fill its blocks',
    tinyGguf({ tensors: [{ ...embeddings, dimensions: [33, 32], type: 'Q8_0', data: new Uint8Array(1122) }, layer] }),
    /rows of 33 elements, but the block size of Q8_0 is 32/,
  ],
  [
    'dimensions that overflow 64 bits',
    (() => {
      const b = tinyGguf();
      const at = b.indexOf('token_embd.weight') + 17 + 4;
      b.writeBigUInt64LE(2n ** 50n, at);
      b.writeBigUInt64LE(2n ** 50n, at + 8);
      return b;
    })(),
    /declares too many elements \(1125899906842624 × 1125899906842624\)/,
  ],
  [
    'an unknown tensor type',
    (() => {
      const b = tinyGguf();
      return patch(b, b.indexOf('token_embd.weight') + 17 + 4 + 16, (at) => at.writeUInt32LE(99));
    })(),
    /has type 99, which this version of llama.cpp does not support/,
  ],
  [
    'a tensor type llama.cpp has dropped',
    (() => {
      const b = tinyGguf();
      return patch(b, b.indexOf('token_embd.weight') + 17 + 4 + 16, (at) => at.writeUInt32LE(31));
    })(),
    /Q4_0_4_4.*use the Q4_0 file/,
  ],
  [
    "bitnet.cpp's I2_S packing",
    (() => {
      const b = tinyGguf();
      return patch(b, b.indexOf('token_embd.weight') + 17 + 4 + 16, (at) => at.writeUInt32LE(36));
    })(),
    /I2_S, a format of bitnet.cpp.*use a file of the model in TQ1_0 or TQ2_0/,
  ],
  [
    'overlapping tensors',
    (() => {
      const b = tinyGguf();
      return patch(b, b.indexOf('output.weight') + 13 + 4 + 16 + 4, (at) => at.writeBigUInt64LE(0n));
    })(),
    /overlaps the previous one: it starts at 0 instead of 1344/,
  ],
  [
    'a tensor far outside the file',
    (() => {
      const b = tinyGguf();
      return patch(b, b.indexOf('output.weight') + 13 + 4 + 16 + 4, (at) => at.writeBigUInt64LE(10n ** 12n));
    })(),
    /leaves a gap after the previous one/,
  ],
  ['an alignment of zero', tinyGguf({ keys: { 'general.alignment': uint32(0) } }), /its alignment is 0/],
  [
    'an alignment that is no power of two',
    tinyGguf({ keys: { 'general.alignment': uint32(48) } }),
    /its alignment is 48/,
  ],
  [
    'an alignment of 2 GiB',
    tinyGguf({ keys: { 'general.alignment': uint32(2 ** 31) } }),
    /its alignment is 2147483648/,
  ],
  [
    'weights that begin where llama.cpp cannot map them',
    tinyGguf({ alignment: 8, keys: { 'general.name': string('eight by and by') } }),
    /its weights start at byte \d+, which is not aligned \(general.alignment 8\)/,
  ],
  ['an alignment as a string', tinyGguf({ keys: { 'general.alignment': string('32') } }), /its alignment is "string"/],
  [
    'a file cut short in its weights',
    tinyGguf().subarray(0, -100),
    /the file is truncated: its tensors end at byte \d+, but the file has \d+ bytes/,
  ],
];

const NO_MODELS: readonly (readonly [promise: string, bytes: Buffer, message: RegExp])[] = [
  ['a multimodal projector', tinyGguf({ keys: { 'general.type': string('mmproj') } }), /multimodal projector/],
  [
    'a projector in the older format',
    tinyGguf({ keys: { 'general.architecture': string('clip') } }),
    /multimodal projector/,
  ],
  ['a LoRA adapter', tinyGguf({ keys: { 'general.type': string('adapter') } }), /LoRA adapter/],
  ['no architecture', tinyGguf({ keys: { 'general.architecture': undefined } }), /its architecture is missing/],
  [
    'an unknown architecture',
    tinyGguf({ keys: { 'general.architecture': string('llama99') } }),
    /its architecture, "llama99", is not supported by this version of llama.cpp/,
  ],
  ['no layer count', tinyGguf({ keys: { 'llama.block_count': undefined } }), /llama.block_count is missing/],
  ['no layers', tinyGguf({ keys: { 'llama.block_count': uint32(0) } }), /llama.block_count is 0/],
  [
    '513 layers, on which llama.cpp aborts',
    tinyGguf({ keys: { 'llama.block_count': uint32(513) } }),
    /llama.block_count is 513/,
  ],
  [
    'fewer layers than it says',
    tinyGguf({ keys: { 'llama.block_count': uint32(2) } }),
    /declares 2 layers, but contains tensors of 1/,
  ],
  [
    'tensors of a layer it does not have',
    tinyGguf({ tensors: [embeddings, { ...layer, name: 'blk.7.attn_k.weight' }, output] }),
    /contains tensor "blk.7.attn_k.weight" of layer 7/,
  ],
  [
    'no embedding length',
    tinyGguf({ keys: { 'llama.embedding_length': string('32') } }),
    /llama.embedding_length is missing or not a number/,
  ],
  ['a context of zero', tinyGguf({ keys: { 'llama.context_length': uint32(0) } }), /llama.context_length is 0/],
  [
    'more experts used than there are, on which llama.cpp aborts',
    tinyGguf({ keys: { 'llama.expert_count': uint32(4), 'llama.expert_used_count': uint32(5) } }),
    /declares 4 experts, but uses 5/,
  ],
  [
    'no attention heads, and tensors of attention',
    tinyGguf({ keys: { 'llama.attention.head_count': uint32(0) } }),
    /contains attention tensors, but declares no attention heads/,
  ],
  [
    'more heads for keys and values than there are',
    tinyGguf({ keys: { 'llama.attention.head_count_kv': uint32(2 ** 31) } }),
    /declares 4 attention heads, but 2147483648 key-value heads/,
  ],
  [
    'feed-forward networks without a length',
    tinyGguf({
      keys: { 'llama.feed_forward_length': uint32(0) },
      tensors: [...TINY_TENSORS, { ...layer, name: 'blk.0.ffn_up.weight' }],
    }),
    /contains feed-forward tensors, but declares no feed-forward length/,
  ],
  [
    'no heads for keys and values, on which llama.cpp aborts',
    tinyGguf({ keys: { 'llama.attention.head_count_kv': uint32(0) } }),
    /declares 4 attention heads, but no key-value heads/,
  ],
  [
    'an unknown rope scaling, on which llama.cpp aborts',
    tinyGguf({ keys: { 'llama.rope.scaling.type': string('warp') } }),
    /its rope scaling is "warp"/,
  ],
  [
    'a per-layer list shorter than the layers',
    tinyGguf({ keys: { 'llama.attention.head_count_kv': array('uint32', []) } }),
    /lists 0 values for 1 layers/,
  ],
  ['no tokenizer', tinyGguf({ keys: { 'tokenizer.ggml.model': undefined } }), /has no tokenizer/],
  ['no vocabulary', tinyGguf({ keys: { 'tokenizer.ggml.tokens': undefined } }), /has no vocabulary/],
  [
    'a vocabulary of numbers',
    tinyGguf({ keys: { 'tokenizer.ggml.tokens': array('uint32', [1, 2]) } }),
    /has no vocabulary/,
  ],
  [
    'fewer scores than tokens',
    tinyGguf({ keys: { 'tokenizer.ggml.scores': array('float32', [0]) } }),
    /tokenizer.ggml.scores has 1 values for 2 tokens/,
  ],
  [
    'token types of the wrong type',
    tinyGguf({ keys: { 'tokenizer.ggml.token_type': array('uint8', [1, 1]) } }),
    /tokenizer.ggml.token_type has 2 values/,
  ],
  [
    'the second of two parts alone',
    tinyGguf({ keys: { 'split.count': { type: 'uint16', value: 2 }, 'split.no': { type: 'uint16', value: 1 } } }),
    /one of 2 parts, but only 1 are present/,
  ],
];

describe('inspectModel', () => {
  it('accepts the valid file that all of these are derived from', async () => {
    writeFileSync(file, tinyGguf());
    await expect(inspectModel([file])).resolves.toMatchObject({ files: [file], shape: { architecture: 'llama' } });
  });

  it.each([...MALFORMED, ...NO_MODELS])('rejects %s with the reason', async (_name, bytes, message) => {
    expect(await refusal(bytes)).toMatchObject({
      name: 'HostError',
      code: 'MODEL_REJECTED',
      message: expect.stringMatching(message),
      details: { file, expected: expect.anything(), found: expect.anything() },
    });
  });

  it('rejects a valid file truncated at any length', async () => {
    const whole = tinyGguf();
    for (let length = 0; length < whole.length; length++) {
      expect(await refusal(whole.subarray(0, length))).toMatchObject({ code: 'MODEL_REJECTED' });
    }
  });

  it('reports that a missing file must be downloaded', async () => {
    await expect(inspectModel([join(folder.path, 'none.gguf')])).rejects.toMatchObject({
      code: 'MODEL_NOT_DOWNLOADED',
    });
  });

  it('rejects a folder', async () => {
    await expect(inspectModel([folder.path])).rejects.toMatchObject({ code: 'MODEL_REJECTED' });
  });

  it('stops when aborted', async () => {
    writeFileSync(file, tinyGguf());
    const reason = new Error('no longer wanted');
    await expect(inspectModel([file], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('inspectModel with a split model', () => {
  const part = (no: number, tensors: typeof TINY_TENSORS) => {
    const path = join(folder.path, `part-${no}.gguf`);
    const split = { type: 'uint16', value: no } as const;
    const keys = {
      'split.no': split,
      'split.count': { type: 'uint16', value: 2 },
      'split.tensors.count': { type: 'int32', value: 3 },
    } as const;
    writeFileSync(path, tinyGguf({ keys, tensors }));
    return path;
  };

  it('accepts all parts together', async () => {
    const files = [part(0, [embeddings, layer]), part(1, [output])];
    const { shape } = await inspectModel(files);
    expect(shape).toMatchObject({ inputBytes: 256, layerBytes: [1088], outputBytes: 256 });
  });

  it('rejects parts in the wrong order', async () => {
    const files = [part(0, [embeddings, layer]), part(1, [output])].reverse();
    await expect(inspectModel(files)).rejects.toMatchObject({
      message: expect.stringMatching(/it is part 2, but part 1 is expected here/),
    });
  });

  it('rejects a tensor that is in two parts', async () => {
    const files = [part(0, [embeddings, layer]), part(1, [layer])];
    await expect(inspectModel(files)).rejects.toMatchObject({
      message: expect.stringMatching(/also occurs in an earlier part/),
    });
  });

  it('rejects parts that lack a tensor', async () => {
    const files = [part(0, [embeddings]), part(1, [layer])];
    await expect(inspectModel(files)).rejects.toMatchObject({
      message: expect.stringMatching(/should contain 3 tensors, but contain 2/),
    });
  });
});
