import { readGgufHeader } from '../../../host/gguf/inspect.ts';
import { EDGE_VALUES } from './edge-values.ts';
import { HOSTILE_TEMPLATES } from './hostile-templates.ts';
import { markovModel } from './markov-model.ts';
import { memorySource } from './memory-source.ts';
import { mutate } from './mutate.ts';
import { mutateTable } from './mutate-table.ts';
import type { Seeded } from './seeded.ts';
import { string, uint32 } from './write-gguf.ts';

/** A hostile file, and a description of how it was generated. */
export interface HostileModel {
  readonly bytes: Buffer;
  readonly how: string;
}

/**
 * Returns a generator of hostile files, generated from valid ones: damaged bytes, counts and settings, invalid tensor
 * tables and alignments, and chat templates that take too much time or try to escape the sandbox.
 *
 * @param others Valid files to mutate in addition to a generated one.
 */
export async function hostileModels(
  random: Seeded,
  others: readonly Buffer[] = [],
): Promise<{ readonly good: Buffer; next(): HostileModel }> {
  const generated = markovModel({ layers: 1 });
  const originals: { bytes: Buffer; header: number }[] = [];
  for (const bytes of [generated, ...others]) {
    originals.push({ bytes, header: (await readGgufHeader(memorySource(bytes))).dataOffset });
  }
  const [first, ...rest] = originals;
  if (first === undefined) throw new RangeError('Expected a valid file');
  const kinds = [
    (): HostileModel => {
      const { bytes, header } = random.pick([first, ...rest]);
      return mutate(bytes, header, random);
    },
    (): HostileModel => {
      const { bytes, header } = random.pick([first, ...rest]);
      return mutateTable(bytes, header, random);
    },
    (): HostileModel => {
      const template = random.pick(HOSTILE_TEMPLATES);
      const bytes = markovModel({ layers: 1, metadata: { 'tokenizer.chat_template': string(template) } });
      return { bytes, how: `template ${template.slice(0, 30)}` };
    },
    (): HostileModel => {
      const alignment = Number(BigInt.asUintN(32, random.pick(EDGE_VALUES)));
      const bytes = markovModel({ layers: 1, metadata: { 'general.alignment': uint32(alignment) } });
      return { bytes, how: `alignment ${alignment}` };
    },
  ] as const;
  return {
    good: generated,
    next: () => (random.below(10) < 4 ? kinds[0]() : random.below(10) < 7 ? kinds[1]() : random.pick(kinds)()),
  };
}
