import { getLlama } from 'node-llama-cpp';

/**
 * The peer of the load benchmark: node-llama-cpp used as its documentation shows, in this process. It is imported and
 * `getLlama` has run when it says it is ready; each message is a load, answered with its time in milliseconds.
 */
const llama = await getLlama({
  gpu: false,
  build: 'never',
  progressLogs: false,
  maxThreads: 0,
  logger: () => undefined,
});

process.on('message', async (message) => {
  const { file, contextSize, threads } = message as { file: string; contextSize: number; threads: number };
  const begin = performance.now();
  const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
  await model.createContext({ contextSize, sequences: 1, threads });
  process.send?.(performance.now() - begin);
});
process.send?.('ready');
