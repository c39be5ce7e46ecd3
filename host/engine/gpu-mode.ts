import { invalidVariable } from '../common/host-errors.ts';
import type { GpuMode } from './ipc.ts';

const MODES: readonly GpuMode[] = ['auto', 'cuda', 'vulkan', 'metal', 'off'];

/** Reads `TABAGENT_GPU`, which takes the choice of the GPU backend from llama.cpp. Throws `INVALID_REQUEST` for others. */
export function readGpuMode(env: Readonly<NodeJS.ProcessEnv>): GpuMode {
  const value = env.TABAGENT_GPU || 'auto';
  const mode = MODES.find((mode) => mode === value.toLowerCase());
  if (mode !== undefined) return mode;
  throw invalidVariable('TABAGENT_GPU', `one of ${MODES.join(', ')}`, value);
}
