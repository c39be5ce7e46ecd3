import { type ChildProcess, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HostError } from '../common/errors.ts';
import type { CommandName, FromRunner, GpuMode, IpcError, RunnerCommands, RunnerFacts, ToRunner } from './ipc.ts';
import { LogTail } from './log-tail.ts';
import { RUNNER_ARGUMENT } from './runner-argument.ts';

/** How a runner came to its end. */
export interface RunnerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines it printed. */
  readonly log: readonly string[];
}

/** Lines of a runner's output that go with an error. */
const LINES_IN_ERROR = 12;

interface PendingCommand {
  resolve(result: RunnerCommands[CommandName]['result']): void;
  reject(error: unknown): void;
  progress(progress: RunnerCommands[CommandName]['progress']): void;
}

/**
 * The supervisor's hold on one runner process. Whatever becomes of the process, every promise here settles: the death
 * of a runner is the answer to all that was asked of it.
 */
export class RunnerProcess {
  /** Resolves once llama.cpp stands in the runner; rejects with `ENGINE_UNAVAILABLE` or `ENGINE_CRASHED`. */
  readonly ready: Promise<RunnerFacts>;
  /** Resolves when the process is gone and its output has been read. Never rejects. */
  readonly exited: Promise<RunnerExit>;
  readonly gpu: GpuMode;
  readonly #child: ChildProcess;
  readonly #tail = new LogTail();
  readonly #pending = new Map<number, PendingCommand>();
  #facts: RunnerFacts | undefined;
  #isKilled = false;
  #exit: RunnerExit | undefined;
  #nextId = 1;

  /**
   * @param options.entry The module a runner starts with, or the packaged host's own executable, which needs none.
   * @param options.env The runner's whole environment.
   */
  constructor(options: { entry: URL; gpu: GpuMode; env: NodeJS.ProcessEnv }) {
    this.gpu = options.gpu;
    const entry = fileURLToPath(options.entry);
    // Not `fork`: it passes a module's path and the flags of the host's own process (a debugger's port, a test
    // runner's loader), and a packaged host has no module, nor a runner a use for such flags.
    this.#child = spawn(process.execPath, [...(entry === process.execPath ? [] : [entry]), RUNNER_ARGUMENT], {
      // Libraries are looked for in the current folder too, which is whatever the browser had.
      cwd: dirname(process.execPath),
      env: options.env,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Without a console: Ctrl-C at the host's does not reach it, and it shows no window of its own.
      windowsHide: true,
    });
    const ready = Promise.withResolvers<RunnerFacts>();
    const exited = Promise.withResolvers<RunnerExit>();
    this.ready = ready.promise;
    this.exited = exited.promise;
    // A runner that dies before anybody waits for it is reported to whoever asks later.
    this.ready.catch(() => undefined);

    this.#child.stdout?.on('data', (piece: Buffer) => this.#tail.add(piece));
    this.#child.stderr?.on('data', (piece: Buffer) => this.#tail.add(piece));
    this.#child.on('message', (message) => {
      // Only our own runner module writes to this channel, in the types of `ipc.ts`.
      const told = message as FromRunner;
      if (told.type === 'ready') {
        this.#facts = told.facts;
        ready.resolve(told.facts);
      } else if (told.type === 'unavailable') ready.reject(hostError(told.error));
      else this.#answer(told);
    });
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      if (this.#exit !== undefined) return;
      this.#exit = { code, signal, log: this.#tail.lines(LINES_IN_ERROR) };
      const error = crashed(this.#exit);
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
      ready.reject(error);
      exited.resolve(this.#exit);
    };
    this.#child.once('close', end);
    this.#child.once('error', (error) => {
      if (this.#child.pid !== undefined) return;
      this.#tail.add(Buffer.from(`${error.message}\n`));
      end(null, null);
    });
    this.#send({ type: 'hello', gpu: options.gpu });
  }

  /** Undefined where the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What {@link ready} resolved with, or undefined as long as it has not. */
  get facts(): RunnerFacts | undefined {
    return this.#facts;
  }

  /** True once {@link kill} was called: what ends then was meant to. */
  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** Gives the runner a command. Rejects with what the runner says, or with `ENGINE_CRASHED` when it dies. */
  call<C extends CommandName>(
    name: C,
    request: RunnerCommands[C]['request'],
    onProgress?: (progress: RunnerCommands[C]['progress']) => void,
  ): Promise<RunnerCommands[C]['result']> {
    if (this.#exit !== undefined) return Promise.reject(crashed(this.#exit));
    const id = this.#nextId++;
    const answer = new Promise<RunnerCommands[CommandName]['result']>((resolve, reject) => {
      // A command's progress is of its own type; the table of what is pending holds all commands.
      const progress = onProgress as PendingCommand['progress'] | undefined;
      this.#pending.set(id, { resolve, reject, progress: progress ?? (() => undefined) });
    });
    // Name and request belong together by the signature; the union of messages cannot express the pairing.
    this.#send({ type: 'command', id, name, request } as ToRunner);
    return answer as Promise<RunnerCommands[C]['result']>;
  }

  /**
   * Ends the process at once and waits until it is gone. SIGKILL, always: a runner has nothing to save, may be deep in
   * llama.cpp, and the kernel gives back all memory, the driver the GPU's.
   */
  async kill(): Promise<RunnerExit> {
    this.#isKilled = true;
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  #send(message: ToRunner): void {
    // A channel that is closed means the process is going; its end answers what was asked.
    this.#child.send(message, () => undefined);
  }

  #answer(told: Extract<FromRunner, { id: number }>): void {
    const pending = this.#pending.get(told.id);
    if (pending === undefined) return;
    if (told.type === 'progress') {
      pending.progress(told.progress);
      return;
    }
    this.#pending.delete(told.id);
    if (told.type === 'result') pending.resolve(told.result);
    else pending.reject(hostError(told.error));
  }
}

function hostError({ code, message, details }: IpcError): HostError {
  return new HostError(code, message, { details });
}

/** The death of a runner in words: how it ended, and what it said last. */
export function crashed({ code, signal, log }: RunnerExit): HostError {
  const how = signal === null ? `with exit code ${code}` : `on signal ${signal}`;
  const hint = signal === 'SIGKILL' ? ' The system may have run out of memory.' : '';
  return new HostError(
    'ENGINE_CRASHED',
    `The process running the model exited unexpectedly ${how}.${hint} Load the model again.`,
    { details: { exitCode: code, signal, log } },
  );
}
