import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { HOST_MAIN } from '../host/host-process.ts';

/** The result of a command that has exited. */
export interface CommandResult {
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
export function startCommand(args: readonly string[], { home, env = {} }: RunOptions): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [HOST_MAIN, ...args], {
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

/** Runs the built `tabagent` until it exits. */
export async function runCommand(args: readonly string[], options: RunOptions): Promise<CommandResult> {
  const child = startCommand(args, options);
  // A command that reads no input may exit before the input is written.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  return collectOutput(child);
}

/** Collects the output of a started command until it exits. */
export async function collectOutput(child: ChildProcessWithoutNullStreams): Promise<CommandResult> {
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
