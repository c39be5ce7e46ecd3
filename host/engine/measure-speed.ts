import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withTimeout } from '../common/with-timeout.ts';
import { writePlainModel } from '../gguf/writing/plain-model.ts';
import type { WeightSpeed } from '../hardware/token-speed.ts';
import type { RunnerProcess } from './runner-process.ts';
import type { Visible } from './sandbox/sandbox.ts';
import { filesOf } from './sandbox/visible-files.ts';

/** Longest time for all of it, milliseconds; it takes less than one second, and longer on a busy computer. */
const LIMIT_MS = 20_000;

/** Models of about 80 MiB: larger than the caches of most CPUs, small enough to be read at once. */
const PLAIN = { type: 'F16', layers: 4 };
const QUANTIZED = { type: 'Q4_0', layers: 12 };

/** How the speed is measured. */
export interface SpeedMeasurement {
  readonly threads: number;
  readonly usesGpu: boolean;
  /** Starts a runner that sees these files. */
  start(files: Visible['files']): Promise<RunnerProcess>;
}

/**
 * Measures how fast llama.cpp reads weights on this computer, in a runner of its own: generates with small models whose
 * weights are zero.
 */
export async function measureSpeed({ threads, usesGpu, start }: SpeedMeasurement): Promise<WeightSpeed> {
  const folder = await mkdtemp(join(tmpdir(), 'tabagent-speed-'));
  let runner: RunnerProcess | undefined;
  try {
    const [plainFile, quantizedFile] = [join(folder, 'plain.gguf'), join(folder, 'quantized.gguf')];
    const plainBytes = await writePlainModel(plainFile, PLAIN);
    const quantizedBytes = await writePlainModel(quantizedFile, QUANTIZED);
    const own = await start(await filesOf([plainFile, quantizedFile]));
    runner = own;
    const measure = (file: string, onGpu: boolean) =>
      withTimeout(own.call('measure', { file, threads, onGpu }), LIMIT_MS, 'The measurement');
    const { gpu } = await withTimeout(own.ready, LIMIT_MS, 'The process');
    const plain = plainBytes * (await measure(plainFile, false));
    const quantized = quantizedBytes * (await measure(quantizedFile, false));
    const onGpu = usesGpu && gpu !== null ? await measure(plainFile, true).catch(() => undefined) : undefined;
    return { plain, quantized, ...(onGpu === undefined ? {} : { gpu: plainBytes * onGpu }) };
  } finally {
    await runner?.kill();
    await rm(folder, { recursive: true, force: true });
  }
}
