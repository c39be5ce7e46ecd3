import { getLlama } from 'node-llama-cpp';

/**
 * The peer of the load benchmark: node-llama-cpp in this process, used as documented. It sends `ready` after
 * `getLlama`. Each message requests a load; the reply is its time in milliseconds.
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
  const start = performance.now();
  const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
  await model.createContext({ contextSize, sequences: 1, threads });
  process.send?.(performance.now() - start);
});
process.send?.('ready');
