import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { inspectModel } from '../../../host/gguf/inspect.ts';
import { bertModel } from '../../support/gguf/bert-model.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { uint32 } from '../../support/gguf/write-gguf.ts';

const folder = tempFolder('abilities');
afterAll(() => folder.remove());

const words = ['red'];
const pooled = (type: number) => markovModel({ metadata: { 'llama.pooling_type': uint32(type) } });

describe('modelAbilities', () => {
  it.each<[string, Buffer, readonly string[]]>([
    ['one that generates', markovModel(), ['generate', 'embed']],
    ['one that generates, with mean pooling', pooled(1), ['generate', 'embed']],
    ['one with pooling of a later llama.cpp', pooled(5), ['generate']],
    ['an encoder', bertModel({ words }), ['embed']],
    ['an encoder without a pooling type', bertModel({ words, pooling: null }), []],
    ['an encoder without pooling', bertModel({ words, pooling: 0 }), []],
    ['a reranker', bertModel({ words, rank: { red: 1 } }), ['rank']],
    ['a classifier that pools and has a head', bertModel({ words, rank: { red: 1 }, pooling: 2 }), ['embed', 'rank']],
  ])('%s', async (name, bytes, able) => {
    const file = join(folder.path, `${name}.gguf`);
    writeFileSync(file, bytes);
    const { abilities } = await inspectModel([file]);
    expect(Object.entries(abilities).flatMap(([ability, reason]) => (reason === null ? [ability] : []))).toEqual(able);
  });
});
