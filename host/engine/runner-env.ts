/**
 * Variables a runner gets: what the system needs to start a program, and what GPU drivers and ggml read. A runner
 * works on files from strangers, so it is given nothing it has no use for, tokens and proxies least of all.
 */
const PASSED: readonly RegExp[] = [
  /^(PATH|HOME|USER|LANG|LC_.+|TZ|TMPDIR|TMP|TEMP)$/i,
  /^(SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|USERPROFILE|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES)$/i,
  /^(LD_LIBRARY_PATH|DYLD_(FALLBACK_)?LIBRARY_PATH)$/,
  /^(GGML|CUDA|NVIDIA|VK|HIP|HSA|ROCR|ROCM|MTL|METAL|OMP|GOMP)_/,
  /^XDG_(DATA_DIRS|CONFIG_DIRS|RUNTIME_DIR)$/,
];

/** Picks a runner's environment out of the host's. */
export function runnerEnv(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const passed = Object.entries(env).filter(([name]) => PASSED.some((pattern) => pattern.test(name)));
  // On an assertion ggml would start a debugger on its own process, which can take minutes; the supervisor tells anyway.
  return { ...Object.fromEntries(passed), GGML_NO_BACKTRACE: '1' };
}
