import { invalidVariable } from '../common/host-errors.ts';
import type { GpuMode } from './ipc.ts';

/**
 * Variables that a runner gets: what the system needs to start a program, and what GPU drivers and ggml read. A runner
 * reads files from untrusted sources, so it gets nothing it does not need, least of all tokens and proxies.
 */
const PASSED: readonly RegExp[] = [
  /^(PATH|HOME|USER|LANG|LC_.+|TZ|TMPDIR|TMP|TEMP)$/i,
  /^(SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|USERPROFILE|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES)$/i,
  /^(LD_LIBRARY_PATH|DYLD_(FALLBACK_)?LIBRARY_PATH)$/,
  /^(GGML|CUDA|NVIDIA|VK|HIP|HSA|ROCR|ROCM|MTL|METAL|OMP|GOMP)_/,
  /^XDG_(DATA_DIRS|CONFIG_DIRS|RUNTIME_DIR)$/,
];

const GPU_MODES: readonly GpuMode[] = ['auto', 'cuda', 'vulkan', 'metal', 'off'];

/** Selects a runner's environment from the host's. */
export function runnerEnv(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const passed = Object.entries(env).filter(([name]) => PASSED.some((pattern) => pattern.test(name)));
  // On a failed assertion ggml would attach a debugger to its own process, which can take minutes.
  return { ...Object.fromEntries(passed), GGML_NO_BACKTRACE: '1' };
}

/**
 * Reads `TABAGENT_GPU`, which selects the GPU backend. Default: `auto`, llama.cpp's own choice.
 *
 * @throws HostError `INVALID_REQUEST` for any other value.
 */
export function readGpuMode(env: Readonly<NodeJS.ProcessEnv>): GpuMode {
  const value = env.TABAGENT_GPU || 'auto';
  const mode = GPU_MODES.find((mode) => mode === value.toLowerCase());
  if (mode !== undefined) return mode;
  throw invalidVariable('TABAGENT_GPU', `one of ${GPU_MODES.join(', ')}`, value);
}
