import { getLlama } from 'node-llama-cpp';
import { ThreadLimit } from '../../../host/engine/runner/thread-limit.ts';
import type { CpuTimeSource } from '../../../host/hardware/cpu-time.ts';

/**
 * Runs a model with one thread, or with a limit that alternates between one and two threads because another process
 * seems to use a core. Prints JSON with the results and the numbers of threads that llama.cpp used.
 *
 * Arguments: model, `fixed` or `limited`, `generate` or `embed`.
 */
const [modelPath = '', threads = '', work = ''] = process.argv.slice(2);
const TOKENS = 6;
const llama = await getLlama({
  gpu: false,
  build: 'never',
  progressLogs: false,
  maxThreads: 0,
  logger: () => undefined,
});

/** CPU times of two CPUs, one of which is busy before the first request and every second one after it. */
let readings = 0;
let time = 0;
const source: CpuTimeSource = {
  platform: 'darwin',
  readText: async () => undefined,
  cpus() {
    readings += 1;
    const busy = { user: 1000 * Math.floor((readings + 2) / 4), nice: 0, sys: 0, idle: 0, irq: 0 };
    return [{ times: busy }, { times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } }];
  },
  usage: () => ({ user: 0, system: 0 }),
  now() {
    time += 500;
    return time;
  },
};
const limit = threads === 'limited' ? new ThreadLimit(llama, { most: 2, quick: 2 }, source) : undefined;
const withLimit = <T>(run: () => Promise<T>) => (limit === undefined ? run() : limit.during(run));
const create = <T>(make: () => Promise<T>) => (limit === undefined ? make() : limit.withoutLimit(make));
const maxThreads = limit === undefined ? 1 : 2;
await limit?.start();

const model = await llama.loadModel({ modelPath });
const used = new Set<number>();
const results: unknown[] = [];
if (work === 'embed') {
  for (let request = 0; request < 4; request += 1) {
    await withLimit(async () => {
      const embedder = await create(() => model.createEmbeddingContext({ contextSize: 256, threads: maxThreads }));
      const inner = (embedder as unknown as { readonly _llamaContext: { readonly currentThreads: number } })
        ._llamaContext;
      results.push((await embedder.getEmbeddingFor('once upon a time there was a dog')).vector);
      used.add(inner.currentThreads);
      await embedder.dispose();
    });
  }
} else {
  const context = await create(() => model.createContext({ contextSize: 1024, sequences: 1, threads: maxThreads }));
  const sequence = context.getSequence();
  for (let request = 0; request < 2; request += 1) {
    await sequence.clearHistory();
    await withLimit(async () => {
      const tokens: number[] = [];
      for await (const token of sequence.evaluate(model.tokenize('once upon'), { temperature: 0 })) {
        tokens.push(token);
        used.add(context.currentThreads);
        if (tokens.length >= TOKENS) break;
      }
      results.push(tokens);
    });
  }
}
const different = new Set(results.map((result) => JSON.stringify(result)));
process.stdout.write(JSON.stringify({ results: [...different], threads: [...used].sort() }));
process.exit(0);
