/**
 * Loads models with llama.cpp, and prints the sizes of the buffers it allocates, for {@link measureMemory}.
 *
 * Argument: a JSON list of {@link MemoryCase}. Output: a JSON list of sizes in bytes.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The model and settings of a load. */
export interface MemoryCase {
  readonly file: string;
  readonly contextSize: number;
  readonly batchSize: number;
  readonly sequences: number;
  readonly flashAttention: boolean;
  readonly cacheType: 'F16' | 'Q8_0';
}

const SELF = fileURLToPath(import.meta.url);

/** Returns the size of llama.cpp's buffers in main memory for each load, in bytes. */
export async function measureMemory(cases: readonly MemoryCase[]): Promise<number[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [SELF, JSON.stringify(cases)]);
  return JSON.parse(stdout);
}

if (process.argv[1] === SELF) {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.disabled,
  });
  const bytes: number[] = [];
  const cases: MemoryCase[] = JSON.parse(process.argv[2] ?? '[]');
  for (const { file, cacheType, ...settings } of cases) {
    const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
    const context = await model.createContext({
      ...settings,
      experimentalKvCacheKeyType: cacheType,
      experimentalKvCacheValueType: cacheType,
      failedCreationRemedy: false,
    });
    bytes.push(model.memoryUsage.ram + context.memoryUsage.ram);
    await model.dispose();
  }
  process.stdout.write(JSON.stringify(bytes));
  process.exit(0);
}
