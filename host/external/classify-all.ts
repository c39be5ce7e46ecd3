import { type Classification, classify } from './classification.ts';
import type { ExternalModel } from './external-model.ts';
import type { FileHashCache } from './file-hash-cache.ts';

/** Number of headers read concurrently. More would not be faster on a disk. */
const READ_AT_ONCE = 4;

/**
 * Classifies models by their headers, using cached results for unchanged files. Models that were not read before
 * `signal` was aborted are missing from the result.
 */
export async function classifyAll(
  models: readonly ExternalModel[],
  cache: FileHashCache,
  signal: AbortSignal,
): Promise<Map<ExternalModel, Classification>> {
  await cache.load(models.map(({ files }) => files));
  const classifications = new Map<ExternalModel, Classification>();
  const waiting: ExternalModel[] = [];
  for (const model of models) {
    const known = cache.classification(model.files);
    if (known === undefined) waiting.push(model);
    else classifications.set(model, known);
  }
  const work = async () => {
    for (let model = waiting.shift(); model !== undefined; model = waiting.shift()) {
      const paths = model.files.map(({ path }) => path);
      const classification = await classify(paths, signal);
      if (classification === undefined) continue;
      classifications.set(model, classification);
      await cache.setClassification(model.files, classification);
    }
  };
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  if (signal.aborted) end();
  signal.addEventListener('abort', () => end(), { once: true });
  const all = Promise.all(Array.from({ length: READ_AT_ONCE }, work)).then(
    () => end(),
    (error: unknown) => {
      if (!signal.aborted) throw error;
    },
  );
  await Promise.race([all, ended]);
  return new Map(classifications);
}
