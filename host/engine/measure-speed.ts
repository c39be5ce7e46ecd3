import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defined } from '../common/defined.ts';
import { writePlainModel } from '../gguf/writing/plain-model.ts';
import type { WeightSpeed } from '../hardware/token-speed.ts';
import type { RunnerProcess } from './runner-process.ts';
import type { Visible } from './sandbox/sandbox.ts';
import { filesOf } from './sandbox/visible-files.ts';

/**
 * Longest time of a measurement, milliseconds. It takes about a second on an idle computer, and was seen to take 10 on one
 * with eight busy processes on two cores.
 */
const LIMIT_MS = 20_000;

/** Models of about 80 MiB: larger than the caches of most CPUs, and small enough to take little time and memory. */
const PLAIN = { type: 'F16', layers: 4 };
const QUANTIZED = { type: 'Q4_0', layers: 12 };

/** How the speed is measured. */
export interface SpeedMeasurement {
  readonly threads: number;
  readonly usesGpu: boolean;
  readonly signal: AbortSignal;
  /** Starts a runner that sees these files. */
  start(files: Visible['files']): Promise<RunnerProcess>;
}

/**
 * Measures how fast llama.cpp reads weights on this computer, in a separate runner: generates with small models whose
 * weights are zero.
 *
 * @throws the signal's reason when aborted, which ends the runner; an error if it takes longer than {@link LIMIT_MS};
 *   HostError as a load.
 */
export async function measureSpeed({ threads, usesGpu, signal, start }: SpeedMeasurement): Promise<WeightSpeed> {
  const end = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  const folder = await mkdtemp(join(tmpdir(), 'tabagent-speed-'));
  let runner: RunnerProcess | undefined;
  const stop = () => void runner?.kill();
  end.addEventListener('abort', stop, { once: true });
  try {
    const [plainFile, quantizedFile] = [join(folder, 'plain.gguf'), join(folder, 'quantized.gguf')];
    const plainBytes = await writePlainModel(plainFile, PLAIN);
    const quantizedBytes = await writePlainModel(quantizedFile, QUANTIZED);
    const own = await start(await filesOf([plainFile, quantizedFile]));
    runner = own;
    end.throwIfAborted();
    const measure = (file: string, onGpu: boolean) => own.call('measure', { file, threads, onGpu });
    const { gpu } = await own.ready;
    const plain = plainBytes * (await measure(plainFile, false));
    const quantized = quantizedBytes * (await measure(quantizedFile, false));
    const onGpu = usesGpu && gpu !== null ? plainBytes * (await measure(plainFile, true)) : undefined;
    return { plain, quantized, ...defined({ gpu: onGpu }) };
  } catch (error) {
    // A runner that was killed for it fails with another error.
    end.throwIfAborted();
    throw error;
  } finally {
    end.removeEventListener('abort', stop);
    await runner?.kill();
    await rm(folder, { recursive: true, force: true });
  }
}
