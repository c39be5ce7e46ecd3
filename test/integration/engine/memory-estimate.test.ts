import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { inspectModel } from '../../../host/gguf/inspect.ts';
import { demandOf, memoryFor } from '../../../host/hardware/demand.ts';
import { type MemoryCase, measureMemory } from '../../support/engine/measure-memory.ts';
import { MODEL_KINDS, type ModelKind, writeModelKind } from '../../support/gguf/model-kinds.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

/** Maximum deviation of an estimate from llama.cpp's allocations. */
const TOLERANCE = 0.1;

/** Loads of each model: a short and a long context, several texts, a batch of another size, a quantized cache. */
const LOADS: readonly Omit<MemoryCase, 'file'>[] = [
  { contextSize: 1024, batchSize: 512, sequences: 1, flashAttention: true, cacheType: 'F16' },
  { contextSize: 8192, batchSize: 512, sequences: 1, flashAttention: true, cacheType: 'F16' },
  { contextSize: 2048, batchSize: 512, sequences: 3, flashAttention: true, cacheType: 'F16' },
  { contextSize: 2048, batchSize: 128, sequences: 1, flashAttention: false, cacheType: 'F16' },
  { contextSize: 4096, batchSize: 512, sequences: 1, flashAttention: true, cacheType: 'Q8_0' },
];

const folder = tempFolder('estimate');
const cases = MODEL_KINDS.flatMap((kind) => LOADS.map((load) => ({ kind, load })));
let measured: readonly number[] = [];

const fileOf = (kind: ModelKind) => join(folder.path, `${kind}.gguf`);

beforeAll(async () => {
  for (const kind of MODEL_KINDS) await writeModelKind(fileOf(kind), kind, { pieces: 1000 });
  measured = await measureMemory(cases.map(({ kind, load }) => ({ file: fileOf(kind), ...load })));
});

afterAll(() => folder.remove());

describe('estimated memory', () => {
  it.each(cases.map(({ kind, load }, index) => ({ kind, index, ...load })))(
    'of a $kind model is what llama.cpp allocates for $sequences × $contextSize tokens, batches of $batchSize, flash attention $flashAttention, $cacheType',
    async ({ kind, index, contextSize, batchSize, sequences, flashAttention, cacheType }) => {
      const { shape } = await inspectModel([fileOf(kind)]);
      const types = cacheType === 'Q8_0' ? ({ cacheTypeK: 'q8_0', cacheTypeV: 'q8_0' } as const) : {};
      const demand = demandOf(shape, { contextSize, batchSize, sequences, flashAttention, ...types });
      const ratio = memoryFor(demand, 0, 0).ram / (measured[index] ?? Number.NaN);
      expect(ratio).toBeGreaterThan(1 - TOLERANCE);
      expect(ratio).toBeLessThan(1 + TOLERANCE);
    },
  );
});
