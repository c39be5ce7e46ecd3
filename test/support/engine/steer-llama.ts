import { getLlama } from 'node-llama-cpp';
import { steerTextThreads, steerThreads } from '../../../host/engine/runner/threads/steer-threads.ts';
import { ThreadClimber } from '../../../host/engine/runner/threads/thread-climber.ts';

/**
 * Evaluates tokens with a model, in a process of its own, with one thread or with threads steered between one and two;
 * prints JSON: the tokens, and the numbers of threads that llama.cpp had. With `embedding` it embeds one text again and
 * again, and prints how many different vectors came of it. Arguments: model, `fixed`, `steered` or `embedding`, tokens.
 */
const [modelPath = '', how, tokenCount] = process.argv.slice(2);
const llama = await getLlama({
  gpu: false,
  build: 'never',
  progressLogs: false,
  maxThreads: 0,
  logger: () => undefined,
});
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 1024, sequences: 1, threads: 1 });
if (how === 'steered') {
  const climber = () => new ThreadClimber({ first: 1, most: 2 });
  steerThreads(context, { range: { most: 2, quick: 2 }, single: climber(), batch: climber() });
}
const tokens: number[] = [];
const threads = new Set<number>();
if (how === 'embedding') {
  // One thread and two by turns, whatever the machine does.
  const count = { threads: 1, suggest: () => undefined, took: () => undefined };
  const embedder = await model.createEmbeddingContext({ contextSize: 256, threads: 1 });
  const inner = (embedder as unknown as { readonly _llamaContext: typeof context })._llamaContext;
  steerTextThreads(embedder, { range: { most: 2, quick: 2 }, single: count, batch: count });
  const vectors = new Set<string>();
  for (let turn = 0; turn < Number(tokenCount); turn += 1) {
    count.threads = 1 + (turn % 2);
    vectors.add(JSON.stringify((await embedder.getEmbeddingFor('once upon a time there was a dog')).vector));
    threads.add(inner.currentThreads);
  }
  process.stdout.write(JSON.stringify({ vectors: vectors.size, threads: [...threads] }));
  process.exit(0);
}
for await (const token of context.getSequence().evaluate(model.tokenize('once upon'), { temperature: 0 })) {
  tokens.push(token);
  threads.add(context.currentThreads);
  if (tokens.length >= Number(tokenCount)) break;
}
process.stdout.write(JSON.stringify({ tokens, threads: [...threads] }));
process.exit(0);
