import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import * as os from 'node:os';
import { isSystemError } from '../common/errors.ts';
import { findProgram, systemFolder, withSafePath } from '../common/find-program.ts';
import { withTimeout } from '../common/with-timeout.ts';
import { type ReadText, readText } from './read-text.ts';

/** How long a program such as nvidia-smi may take, milliseconds. With eight GPUs and a driver asleep it takes some 5 s. */
const PROGRAM_TIMEOUT_MS = 10_000;

/** How long a program that was killed may take to be gone, milliseconds. One stuck in a driver never is: it is left behind. */
const KILL_GRACE_MS = 500;

/** Most bytes such a program may write. Windows' list of display adapters, the longest, has some 100 KiB. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** The part of systeminformation that is used, where the system's own files do not tell. */
export type SystemInformation = typeof import('./system-information.ts');

/** The computer, as detection asks it: the one this runs on, or a recorded one. */
export interface Machine {
  /** As Node names them. */
  readonly platform: string;
  readonly architecture: string;
  /** Undefined: the one this process was started with. */
  readonly env: Readonly<NodeJS.ProcessEnv> | undefined;
  /** What Node says of the CPU: its brand, and how many threads this process may use (affinity and container limits). */
  readonly brand: string;
  readonly usableThreads: number;
  readonly readText: ReadText;
  /** Names in a folder; none where there is no such folder. */
  list(folder: string): Promise<string[]>;
  /**
   * What a program wrote, whatever its exit code; undefined where there is no such program. Rejects when it takes too
   * long: nothing waits for it then.
   */
  run(program: string, args: readonly string[]): Promise<string | undefined>;
  systemInformation(): Promise<SystemInformation>;
}

/** The computer this runs on. */
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
      // A program looks for its libraries in the current folder too.
      cwd: process.platform === 'win32' ? systemFolder({ env }) : '/',
      timeout,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
      windowsHide: true,
    } as const;
    const child = execFile(file, [...args], options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT' || error.code === 'EACCES') resolve(undefined);
      else if (error.killed) reject(new Error(`${program} gave no answer in ${timeout} ms`));
      else if (typeof error.code === 'number') resolve(stdout);
      else reject(error);
    });
    // One that cannot even be killed must not keep the host from ending.
    child.unref();
  });
}
