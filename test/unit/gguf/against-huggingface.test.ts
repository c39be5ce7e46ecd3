import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import { afterAll, describe, expect, it } from '@jest/globals';
import { openFileSource } from '../../../host/gguf/file-source.ts';
import { readGgufHeader } from '../../../host/gguf/inspect.ts';
import { largeModel } from '../../support/gguf/large-model.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { tinyGguf } from '../../support/gguf/tiny-gguf.ts';
import { array, string } from '../../support/gguf/write-gguf.ts';

const folder = tempFolder('differential');
afterAll(() => folder.remove());

/** Reads a file with both readers and compares everything that ours stores. */
async function compare(path: string): Promise<void> {
  const theirs = await gguf(path, { allowLocalFile: true });
  const source = await openFileSource(path);
  const ours = await readGgufHeader(source, { file: path }).finally(() => source.close());

  expect(ours.version).toBe(theirs.metadata.version);
  expect(ours.tensors.length).toBe(Number(theirs.metadata.tensor_count));
  expect(ours.metadata.size).toBe(Number(theirs.metadata.kv_count));
  expect(BigInt(ours.dataOffset)).toBe(BigInt(theirs.tensorDataOffset));
  expect(
    ours.tensors.map(({ name, dimensions, type, offset }) => [name, dimensions.map(BigInt), type.id, BigInt(offset)]),
  ).toEqual(
    theirs.tensorInfos.map(({ name, shape, dtype, offset }) => [
      name,
      shape.map(BigInt),
      Number(dtype),
      BigInt(offset),
    ]),
  );
  const theirValues = new Map<string, unknown>(Object.entries(theirs.metadata));
  for (const [key, { type, value }] of ours.metadata) {
    const their = theirValues.get(key);
    if (type !== 'array') expect([key, exact(value)]).toEqual([key, exact(their)]);
    else if (!Array.isArray(their)) throw new Error(`${key} is a list for us alone`);
    else {
      expect([key, value.length]).toEqual([key, their.length]);
      if (value.numbers) expect(value.numbers.map(exact)).toEqual(their.map((element) => exact(Number(element))));
    }
  }
}

/** One reader returns 64-bit numbers as bigint, the other as number. */
function exact(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

describe('our GGUF reader returns the same as @huggingface/gguf for', () => {
  it('a generated model with a vocabulary', async () => {
    const path = join(folder.path, 'markov.gguf');
    writeFileSync(path, markovModel({ metadata: { 'tokenizer.chat_template': string('{% for m in messages %}…') } }));
    await compare(path);
  });

  it('a file of many value types, of version 2, aligned at 64', async () => {
    const path = join(folder.path, 'types.gguf');
    const keys = {
      'x.u64': { type: 'uint64', value: 12_345_678_901 },
      'x.i8': { type: 'int8', value: -3 },
      'x.f64': { type: 'float64', value: 1 / 3 },
      'x.flag': { type: 'bool', value: true },
      'x.list': array('int64', [-1, 5, 2n ** 40n]),
    } as const;
    writeFileSync(path, tinyGguf({ version: 2, alignment: 64, keys }));
    await compare(path);
  });

  it('a model whose header is longer than the first window', async () => {
    const path = join(folder.path, 'large.gguf');
    await largeModel(path, { megabytes: 1, seed: 1 });
    await compare(path);
  });

  const models = process.env.TABAGENT_TEST_MODELS;
  const real = models === undefined ? undefined : join(models, 'stories260K.gguf');
  // The real model is not part of the project; TABAGENT_TEST_MODELS names its folder.
  const test = real !== undefined && existsSync(real) ? it : it.skip;
  test('a published model, stories260K', async () => {
    await compare(real ?? '');
  });
});
