import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import * as os from 'node:os';
import { isSystemError } from '../common/errors.ts';
import { findProgram, systemFolder, withSafePath } from '../common/find-program.ts';
import { withTimeout } from '../common/with-timeout.ts';
import { type ReadText, readText } from './read-text.ts';

/**
 * Time limit for programs such as nvidia-smi, in milliseconds. With eight GPUs and an unloaded driver it takes about 5
 * s.
 */
const PROGRAM_TIMEOUT_MS = 10_000;

/**
 * How long to wait for a killed program to exit, in milliseconds. A program that is stuck in a driver never exits and
 * is abandoned.
 */
const KILL_GRACE_MS = 500;

/** Maximum output of such a program, in bytes. The longest, Windows' list of display adapters, has about 100 KiB. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** The functions of systeminformation, which are used on systems that do not provide the information in files. */
export type SystemInformation = typeof import('./system-information.ts');

/** Access to a computer's hardware information: this computer, or a recorded one in tests. */
export interface Machine {
  /** As reported by Node. */
  readonly platform: string;
  readonly architecture: string;
  /** Undefined for the environment of this process. */
  readonly env: Readonly<NodeJS.ProcessEnv> | undefined;
  /**
   * As reported by Node: the brand of the CPU, and the number of threads that this process may use (affinity and
   * container limits).
   */
  readonly brand: string;
  readonly usableThreads: number;
  readonly readText: ReadText;
  /** Returns the names in a folder; an empty list if it does not exist. */
  list(folder: string): Promise<string[]>;
  /**
   * Runs a program and returns its output, regardless of its exit code; undefined if the program is not installed.
   * Rejects if it exceeds the time limit, even if it cannot be killed.
   */
  run(program: string, args: readonly string[]): Promise<string | undefined>;
  systemInformation(): Promise<SystemInformation>;
}

/** Returns the computer on which this process runs. */
export function thisMachine(env?: Readonly<NodeJS.ProcessEnv>, limits: { programTimeoutMs?: number } = {}): Machine {
  const { programTimeoutMs = PROGRAM_TIMEOUT_MS } = limits;
  return {
    platform: process.platform,
    architecture: process.arch,
    env,
    brand: os.cpus()[0]?.model.trim() ?? '',
    usableThreads: os.availableParallelism(),
    readText,
    list,
    run: (program, args) =>
      withTimeout(run(program, args, env, programTimeoutMs), programTimeoutMs + KILL_GRACE_MS, program),
    systemInformation: () => import('./system-information.ts'),
  };
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM')) return [];
    throw error;
  }
}

function run(
  program: string,
  args: readonly string[],
  env: Readonly<NodeJS.ProcessEnv> | undefined,
  timeout: number,
): Promise<string | undefined> {
  const file = findProgram(program, { env });
  if (file === undefined) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const options = {
      env: withSafePath(env ?? process.env),
      // Programs may search the current folder for libraries.
      cwd: process.platform === 'win32' ? systemFolder({ env }) : '/',
      timeout,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
      windowsHide: true,
    } as const;
    const child = execFile(file, [...args], options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT' || error.code === 'EACCES') resolve(undefined);
      else if (error.killed) reject(new Error(`${program} did not finish within ${timeout} ms`));
      else if (typeof error.code === 'number') resolve(stdout);
      else reject(error);
    });
    // A program that cannot be killed must not prevent the host from exiting.
    child.unref();
  });
}
