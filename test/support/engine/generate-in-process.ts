import { getLlama } from 'node-llama-cpp';
import { servePeer } from './peer-run.ts';

/**
 * A peer of the generation benchmark: node-llama-cpp in this process, which only iterates over tokens and detokenizes
 * them.
 */
servePeer(async ({ file, contextSize, batchSize, threads }) => {
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    progressLogs: false,
    maxThreads: 0,
    logger: () => undefined,
  });
  const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
  const context = await model.createContext({ contextSize, batchSize, sequences: 1, threads });
  const sequence = context.getSequence();
  return async ({ prompt, maxTokens }, onFirst) => {
    await sequence.clearHistory();
    const { bos, shouldPrependBosToken } = model.tokens;
    const tokens = model.tokenize(prompt, true);
    const prefix = shouldPrependBosToken && bos !== null ? [bos] : [];
    let text = '';
    let count = 0;
    for await (const token of sequence.evaluate([...prefix, ...tokens], { temperature: 0 })) {
      text += model.detokenize([token]);
      onFirst();
      count += 1;
      if (count >= maxTokens) break;
    }
    if (text === '') throw new Error('The peer generated nothing');
    return count;
  };
});
