import { judge, type Verdict } from './classification.ts';
import type { HeldModel } from './external-model.ts';
import type { FileBook } from './file-hash-cache.ts';

/** Headers read at a time. More would not make a disk any faster. */
const READ_AT_ONCE = 4;

/** Judges models by their headers, each only once for as long as it stays as it is. Those not reached in time are absent. */
export async function judgeAll(
  models: readonly HeldModel[],
  book: FileBook,
  signal: AbortSignal,
): Promise<Map<HeldModel, Verdict>> {
  await book.recall(models.map(({ files }) => files));
  const verdicts = new Map<HeldModel, Verdict>();
  const waiting: HeldModel[] = [];
  for (const model of models) {
    const known = book.verdict(model.files);
    if (known === undefined) waiting.push(model);
    else verdicts.set(model, known);
  }
  const work = async () => {
    for (let model = waiting.shift(); model !== undefined; model = waiting.shift()) {
      const paths = model.files.map(({ path }) => path);
      const verdict = await judge(paths, signal);
      if (verdict === undefined) continue;
      verdicts.set(model, verdict);
      await book.setVerdict(model.files, verdict);
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
  return new Map(verdicts);
}
