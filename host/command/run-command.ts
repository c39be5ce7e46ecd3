import { spawn } from 'node:child_process';
import { basename, isAbsolute, resolve } from 'node:path';
import { HostError } from '../common/errors.ts';
import { findProgram, variable, withSafePath } from '../common/find-program.ts';
import { killTree, leadsGroup } from '../common/kill-tree.ts';
import { homeFolder } from '../common/platform.ts';

/**
 * Maximum size of each output of a command, in bytes. The rest is dropped: both outputs, escaped, must fit in a frame.
 */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** Appended to truncated outputs. */
const TRUNCATION_MARK = '\n[…]';

/** The result of a command. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code; null if a signal ended the command. */
  readonly returncode: number | null;
}

/**
 * Runs a command without a shell, in the user's home folder, with an empty stdin.
 *
 * @param env The environment. The command gets only harmless variables from it, because others may contain secrets.
 * @throws HostError `COMMAND_FAILED` if it cannot be started or takes too long; the signal's reason when aborted.
 */
export async function runCommand(
  [program = '', ...args]: readonly string[],
  { env, timeoutMs, signal }: { env: NodeJS.ProcessEnv; timeoutMs: number; signal: AbortSignal },
): Promise<CommandResult> {
  signal.throwIfAborted();
  const cwd = resolve(homeFolder(env));
  const file = findProgram(isRelative(program) ? resolve(cwd, program) : program, { env });
  if (file === undefined) {
    throw new HostError('COMMAND_FAILED', `${program} could not be started: there is no such program.`);
  }
  const child = spawn(file, args, {
    cwd,
    env: environmentFor(env),
    shell: false,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
    // A separate process group, so that processes that the command starts can be killed with it.
    detached: leadsGroup(),
  });
  const outputs = { stdout: new Output(), stderr: new Output() };
  child.stdout.on('data', (bytes: Buffer) => outputs.stdout.add(bytes));
  child.stderr.on('data', (bytes: Buffer) => outputs.stderr.add(bytes));

  const ended = Promise.withResolvers<number | null>();
  child.once('error', (error) =>
    ended.reject(
      new HostError('COMMAND_FAILED', `${program} could not be started: ${error.message}`, { cause: error }),
    ),
  );
  child.once('close', (code) => ended.resolve(code));
  const timer = setTimeout(() => {
    killTree(child);
    const seconds = timeoutMs / 1000;
    ended.reject(
      new HostError('COMMAND_FAILED', `${program} did not finish within ${seconds} seconds and was stopped.`, {
        details: { timeoutSeconds: seconds },
      }),
    );
  }, timeoutMs);
  const abort = () => {
    killTree(child);
    ended.reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    const returncode = await ended.promise;
    return { stdout: outputs.stdout.text(), stderr: outputs.stderr.text(), returncode };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** Returns whether a command names its program by a path below the home folder, such as `./tools/check`. */
function isRelative(program: string): boolean {
  return program !== basename(program) && !isAbsolute(program);
}

/** The variables that programs need to behave as in the user's terminal. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'SystemRoot', 'USERPROFILE', 'TEMP', 'PATHEXT'];

function environmentFor(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const inherited = INHERITED.map((name) => [name, variable(env, name)] as const);
  return withSafePath(Object.fromEntries(inherited.filter(([, value]) => value !== undefined)));
}

/** Collects the output of a program, up to {@link MAX_OUTPUT_BYTES}. */
class Output {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  add(piece: Buffer): void {
    if (this.#bytes < MAX_OUTPUT_BYTES) this.#pieces.push(piece.subarray(0, MAX_OUTPUT_BYTES - this.#bytes));
    this.#bytes += piece.length;
  }

  text(): string {
    const text = Buffer.concat(this.#pieces).toString('utf8');
    return this.#bytes > MAX_OUTPUT_BYTES ? text + TRUNCATION_MARK : text;
  }
}

/**
 * Returns the command of a request if the user allowed it. Commands are compared as text, with single spaces between
 * the parts. An empty or missing list allows nothing.
 *
 * @throws HostError `COMMAND_NOT_ALLOWED`.
 */
export function allowedCommand(
  requested: string,
  allowed: readonly (readonly string[])[] | undefined,
  configFile: string,
): readonly string[] {
  const command = allowed?.find((parts) => parts.join(' ') === requested);
  if (command !== undefined) return command;
  throw new HostError(
    'COMMAND_NOT_ALLOWED',
    `This command is not allowed. Only commands listed in "allowedCommands" in ${configFile} can be run, exactly as written there.`,
    { details: { allowed: (allowed ?? []).map((parts) => parts.join(' ')) } },
  );
}
