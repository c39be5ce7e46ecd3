import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { HostError } from '../common/errors.ts';
import { variable, withSafePath } from '../common/find-program.ts';
import { assertSafeToStart } from '../common/safe-folder.ts';

/** Maximum number of bytes stored of each output stream. */
const MAX_OUTPUT_BYTES = 256 * 1024;

/**
 * Time for reading the remaining output after `lms` exits, in milliseconds: processes that it started may keep the
 * output open.
 */
const DRAIN_MS = 500;

/**
 * Environment variables that are passed to `lms`: those needed to find LM Studio and to start it on the user's display,
 * without secrets.
 */
const PASSED_VARIABLES = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'XDG_RUNTIME_DIR',
  'XDG_SESSION_TYPE',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_CACHE_HOME',
  'DBUS_SESSION_BUS_ADDRESS',
  'SystemRoot',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'ProgramFiles',
  'TEMP',
  'TMP',
];

/** The result of a run. */
export interface LmsResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Its exit code; null if it was killed by a signal. */
  readonly code: number | null;
}

/**
 * Runs `lms` with arguments, without a shell.
 *
 * @throws HostError `UNSAFE_FOLDER` if other users could have replaced it, `LMSTUDIO_FAILED` if it cannot be started or
 *   exceeds the time limit; the signal's reason when aborted.
 */
export async function runLms(
  lms: string,
  args: readonly string[],
  options: { env: Readonly<NodeJS.ProcessEnv>; timeoutMs: number; signal: AbortSignal },
): Promise<LmsResult> {
  const { env, timeoutMs, signal } = options;
  if (process.platform !== 'win32') await assertSafeToStart(lms);
  signal.throwIfAborted();
  const child = spawn(lms, args, {
    cwd: dirname(lms),
    env: environmentFor(env),
    shell: false,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const ended = Promise.withResolvers<number | null>();
  child.once('error', (error) => ended.reject(failed(args, `could not be started: ${error.message}`)));
  child.once('close', ended.resolve);
  let drained: NodeJS.Timeout | undefined;
  child.once('exit', (code) => {
    drained = setTimeout(() => ended.resolve(code), DRAIN_MS);
  });
  const timer = setTimeout(
    () => ended.reject(failed(args, `did not finish within ${timeoutMs / 1000} seconds and was stopped`)),
    timeoutMs,
  );
  const abort = () => ended.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const code = await ended.promise;
    return { code, stdout: stdout(), stderr: stderr() };
  } finally {
    clearTimeout(timer);
    clearTimeout(drained);
    signal.removeEventListener('abort', abort);
    child.kill('SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

function environmentFor(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const passed = PASSED_VARIABLES.map((name) => [name, variable(env, name)] as const);
  return withSafePath(Object.fromEntries(passed.filter(([, value]) => value !== undefined)));
}

/** Returns the error for a command that failed. `how` is a predicate. */
export function failed(args: readonly string[], how: string): HostError {
  const command = `lms ${args.join(' ')}`;
  return new HostError('LMSTUDIO_FAILED', `${command} ${how}.`, { details: { command } });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const pieces: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (piece: Buffer) => {
    if (bytes < MAX_OUTPUT_BYTES) pieces.push(piece);
    bytes += piece.length;
  });
  return () => Buffer.concat(pieces).toString('utf8');
}
