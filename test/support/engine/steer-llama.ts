import { getLlama } from 'node-llama-cpp';
import { steerThreads } from '../../../host/engine/runner/threads/steer-threads.ts';

/**
 * Evaluates tokens with a model, in a process of its own, with one thread or with threads steered between one and two;
 * prints JSON: the tokens, and the numbers of threads that llama.cpp had. Arguments: model, `fixed` or `steered`, tokens.
 */
const [modelPath = '', how, count] = process.argv.slice(2);
const llama = await getLlama({
  gpu: false,
  build: 'never',
  progressLogs: false,
  maxThreads: 0,
  logger: () => undefined,
});
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 1024, sequences: 1, threads: 1 });
if (how === 'steered') steerThreads(context, { first: 1, most: 2, quick: 2 });
const tokens: number[] = [];
const threads = new Set<number>();
for await (const token of context.getSequence().evaluate(model.tokenize('once upon'), { temperature: 0 })) {
  tokens.push(token);
  threads.add(context.currentThreads);
  if (tokens.length >= Number(count)) break;
}
process.stdout.write(JSON.stringify({ tokens, threads: [...threads] }));
process.exit(0);
