import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { HOST_MAIN } from '../host/host-process.ts';

/** A finished command. */
export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options for starting a command. */
export interface RunOptions {
  /** Folder that becomes `TABAGENT_HOME` and `HOME`. */
  readonly home: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/** Starts the built `tabagent`. */
export function startCommand(typed: readonly string[], { home, env = {} }: RunOptions): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [HOST_MAIN, ...typed], {
    env: {
      PATH: process.env.PATH,
      HOME: home,
      TABAGENT_HOME: home,
      OLLAMA_MODELS: join(home, '.ollama', 'models'),
      TABAGENT_KEYCHAIN: 'off',
      TABAGENT_SPEED_TEST: 'off',
      ...env,
    },
  });
}

/** Runs the built `tabagent` to its end. */
export async function runCommand(typed: readonly string[], options: RunOptions): Promise<Ran> {
  const child = startCommand(typed, options);
  // A command that reads no input may have ended before it is written.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  return ended(child);
}

/** Collects the output of a started command until it exits. */
export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, stdout, stderr };
}
