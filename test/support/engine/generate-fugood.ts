import { servePeer } from './peer-run.ts';

/** The documented API of `@fugood/llama.node`, as far as this benchmark uses it. */
interface Fugood {
  loadModel(options: object): Promise<{
    completion(options: object, onToken: (data: { token: string }) => void): Promise<{ tokens_predicted: number }>;
  }>;
}

/** A peer of the generation benchmark: another llama.cpp binding, in this process. */
servePeer(async ({ file, contextSize, batchSize, threads, url }) => {
  if (url === undefined) throw new Error('Expected the URL of the package');
  const { loadModel } = (await import(url)) as Fugood;
  const context = await loadModel({
    model: file,
    n_ctx: contextSize,
    n_batch: batchSize,
    n_threads: threads,
    n_gpu_layers: 0,
    cache_prompt: false,
  });
  return async ({ prompt, maxTokens }, onFirst) => {
    const { tokens_predicted } = await context.completion(
      { prompt, n_predict: maxTokens, temperature: 0, top_k: 1, n_threads: threads },
      onFirst,
    );
    return tokens_predicted;
  };
});
