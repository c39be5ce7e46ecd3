import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HostError } from '../common/errors.ts';
import { engineUnavailable } from '../common/host-errors.ts';
import { killTree } from '../common/kill-tree.ts';
import { storageError } from '../common/storage-error.ts';
import type { Budget } from './budget.ts';
import {
  boundedError,
  type CommandName,
  type FromRunner,
  type GpuMode,
  type IpcError,
  RUNNER_ARGUMENT,
  type RunnerCommands,
  type RunnerFacts,
  type ToRunner,
} from './ipc.ts';
import { LogTail } from './log-tail.ts';
import { ownMemory } from './process-memory.ts';
import { RunnerGuard } from './runner-guard.ts';
import type { Command } from './sandbox/sandbox.ts';
import type { VisibleFolders } from './sandbox/visible-files.ts';

/** How a runner process ended. */
export interface RunnerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines it printed. */
  readonly log: readonly string[];
  /** The model's file, and what the runner was doing; absent before a load. */
  readonly context?: { readonly file: string; readonly doing: string | undefined } | undefined;
  /** Why the host ended it; absent if it exited on its own. */
  readonly failure?: HostError | undefined;
}

/** Lines of a runner's output in an error's details. */
const LINES_IN_ERROR = 12;

/** How a runner process is started. */
export interface RunnerOptions {
  /** The module a runner starts with, or the packaged host's own executable, which needs none. */
  readonly entry: URL;
  readonly gpu: GpuMode;
  /** The runner's whole environment. */
  readonly env: NodeJS.ProcessEnv;
  /** Returns the command that starts the runner's command, such as in a sandbox. */
  readonly wrap?: (command: Command) => Command;
  /** Whether it is started in a sandbox. */
  readonly isContained?: boolean;
  /** The folder for evaluated prompts, into which it can write; undefined if there is none. */
  readonly states?: string | undefined;
  /** The folders that it sees; undefined if it sees everything, or certain files. */
  readonly folders?: VisibleFolders | undefined;
  /** Reads the memory of a process, bytes. @default ownMemory */
  readonly readMemory?: typeof ownMemory;
}

/** Exit codes above this are signals, as shells and sandboxes report those of their child. */
const SIGNAL_CODES = 128;

interface PendingCommand {
  resolve(result: RunnerCommands[CommandName]['result']): void;
  reject(error: unknown): void;
  progress(progress: RunnerCommands[CommandName]['progress']): void;
}

/**
 * One runner process, as the host sees it. However the process ends, every promise here settles: when it exits, every
 * pending command fails.
 */
export class RunnerProcess {
  /** Resolves when llama.cpp has started in the runner; rejects with `ENGINE_UNAVAILABLE` or `ENGINE_CRASHED`. */
  readonly ready: Promise<RunnerFacts>;
  /** Resolves when the process has exited and its output has been read. Never rejects. */
  readonly exited: Promise<RunnerExit>;
  readonly gpu: GpuMode;
  readonly isContained: boolean;
  /** The folders that a contained warm runner sees. */
  readonly folders: VisibleFolders | undefined;
  /** The folder for evaluated prompts, into which it can write. */
  readonly states: string | undefined;
  /** Called when it has written or removed files of evaluated prompts. */
  onStates: () => void = () => undefined;
  /** When the process was started, on the clock of `performance`. */
  readonly startedAt = performance.now();
  readonly #child: ChildProcess;
  readonly #tail = new LogTail();
  readonly #pending = new Map<number, PendingCommand>();
  #facts: RunnerFacts | undefined;
  readonly #guard: RunnerGuard;
  #isKilled = false;
  #failure: HostError | undefined;
  #exit: RunnerExit | undefined;
  #nextId = 1;

  constructor(options: RunnerOptions) {
    const { wrap = (command: Command) => command, isContained = false } = options;
    this.states = options.states;
    this.gpu = options.gpu;
    this.isContained = isContained;
    this.folders = options.folders;
    const entry = fileURLToPath(options.entry);
    // Not `fork`, which requires a module's path, absent in the packaged host, and passes on the flags of the host's
    // own process (a debugger's port, a test runner's loader).
    const { program, args, env } = wrap({
      program: process.execPath,
      args: [...(entry === process.execPath ? [] : [entry]), RUNNER_ARGUMENT],
      env: options.env,
    });
    this.#child = spawn(program, args, {
      // Libraries are looked for in the current folder too, which is whatever the browser had.
      cwd: dirname(process.execPath),
      env,
      serialization: 'advanced',
      // A sandbox is a separate process that starts the runner: both are ended as one group, in a session without a
      // terminal.
      detached: isContained,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Without a console: Ctrl-C in the host's console does not reach it, and it opens no window.
      windowsHide: true,
    });
    const readMemory = options.readMemory ?? ownMemory;
    const memoryNow = () => (this.#child.pid === undefined ? undefined : readMemory(this.#child.pid));
    this.#guard = new RunnerGuard({ readMemory: memoryNow, onExceeded: (error) => this.fail(error) });
    const ready = Promise.withResolvers<RunnerFacts>();
    const exited = Promise.withResolvers<RunnerExit>();
    this.ready = ready.promise;
    this.exited = exited.promise;
    // A rejection before anyone awaits it must not end the host.
    this.ready.catch(() => undefined);

    this.#child.stdout?.on('data', (piece: Buffer) => this.#tail.add(piece));
    this.#child.stderr?.on('data', (piece: Buffer) => this.#tail.add(piece));
    this.#child.on('message', (message) => {
      // Only our own runner module writes to this channel, and its messages have the types of `ipc.ts`.
      const received = message as FromRunner;
      if (received.type === 'ready') {
        this.#facts = received.facts;
        ready.resolve(received.facts);
      } else if (received.type === 'unavailable') ready.reject(receivedError(received.error));
      else if (received.type === 'states') this.onStates();
      else if (received.type === 'memory') this.#guard.reported(received.bytes);
      else this.#handle(received);
    });
    const end = (code: number | null, signal: NodeJS.Signals | null, failure?: HostError) => {
      if (this.#exit !== undefined) return;
      this.#guard.stop();
      const { context } = this.#guard;
      this.#exit = { code, signal, log: this.#tail.lines(LINES_IN_ERROR), context, failure: failure ?? this.#failure };
      const error = exitError(this.#exit);
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
      ready.reject(error);
      exited.resolve(this.#exit);
    };
    this.#child.once('close', (code, signal) => {
      const inner = isContained ? signalOf(code) : undefined;
      if (inner === undefined) end(code, signal);
      else end(null, inner);
    });
    this.#child.once('error', (error) => {
      if (this.#child.pid !== undefined) return;
      this.#tail.add(Buffer.from(`${error.message}\n`));
      end(null, null, storageError(error, process.execPath) ?? engineUnavailable(error.message, {}));
    });
    this.#send({ type: 'start', gpu: options.gpu, reportsMemory: memoryNow() === undefined });
  }

  /** Undefined where the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What {@link ready} resolved with; undefined until then. */
  get facts(): RunnerFacts | undefined {
    return this.#facts;
  }

  /** True once {@link kill} was called: the exit is intended. */
  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** Sets what the process may use from now on: past it, {@link fail} ends it. */
  limit(budget: Budget): void {
    this.#guard.limit(budget);
  }

  /** Sends a command. Rejects with the runner's error, or with `ENGINE_CRASHED` when the process exits. */
  call<C extends CommandName>(
    name: C,
    request: RunnerCommands[C]['request'],
    onProgress?: (progress: RunnerCommands[C]['progress']) => void,
  ): Promise<RunnerCommands[C]['result']> {
    if (this.#exit !== undefined) return Promise.reject(exitError(this.#exit));
    const id = this.#nextId++;
    const result = new Promise<RunnerCommands[CommandName]['result']>((resolve, reject) => {
      // Each command has its own type of progress; the map holds all commands.
      const progress = onProgress as PendingCommand['progress'] | undefined;
      this.#pending.set(id, { resolve, reject, progress: progress ?? (() => undefined) });
    });
    this.#guard.begin(id, name);
    // The signature pairs name and request; the union of messages cannot express the pairing.
    this.#send({ type: 'command', id, name, request } as ToRunner);
    return result as Promise<RunnerCommands[C]['result']>;
  }

  /**
   * Ends the process and resolves when it has exited. Always by SIGKILL: a runner has nothing to save and may be inside
   * llama.cpp; the kernel frees its memory and the driver that of the GPU.
   */
  async kill(): Promise<RunnerExit> {
    this.#isKilled = true;
    this.#end();
    return this.exited;
  }

  /** Ends the process because of what it did: pending commands and later ones fail with this error. */
  fail(error: HostError): void {
    this.#failure ??= error;
    this.#end();
  }

  /** Ends the process because a generation did not end within `limitMs` milliseconds after it was stopped. */
  failToStop(limitMs: number): void {
    this.fail(this.#guard.notStopping(limitMs));
  }

  #end(): void {
    if (this.isContained) killTree(this.#child);
    else this.#child.kill('SIGKILL');
  }

  #send(message: ToRunner): void {
    // A process that could not be started has no channel; a closed one means that the process is exiting. Either way
    // its exit fails the pending commands.
    if (this.#child.pid !== undefined) this.#child.send(message, () => undefined);
  }

  #handle(received: Extract<FromRunner, { id: number }>): void {
    const pending = this.#pending.get(received.id);
    if (pending === undefined) return;
    if (received.type === 'step') {
      this.#guard.step(received.id, received.step);
      return;
    }
    if (received.type === 'progress') {
      pending.progress(received.progress);
      return;
    }
    this.#pending.delete(received.id);
    this.#guard.end(received.id);
    if (received.type === 'result') pending.resolve(received.result);
    else pending.reject(receivedError(received.error));
  }
}

/** Returns the signal that an exit code stands for; undefined if it stands for none. */
function signalOf(code: number | null): NodeJS.Signals | undefined {
  const names = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  return names.find(([, number]) => code === SIGNAL_CODES + number)?.[0];
}

/** Converts an error of the runner. The text of an internal error may contain anything, so it is not a `HostError`. */
function receivedError(error: IpcError): Error {
  const { code, message, details } = boundedError(error);
  return code === 'INTERNAL_ERROR' ? new Error(message) : new HostError(code, message, { details });
}

/** The error for a runner that exited: why the host ended it, or how it ended, at what, and its last output. */
export function exitError({ code, signal, log, context, failure }: RunnerExit): HostError {
  if (failure !== undefined) return failure;
  const how = signal === null ? `with exit code ${code}` : `on signal ${signal}`;
  const hint = signal === 'SIGKILL' ? ' The system may have run out of memory.' : '';
  const at = context?.doing === undefined ? '' : ` while ${context.doing}`;
  return new HostError(
    'ENGINE_CRASHED',
    `The process running ${context?.file ?? 'the model'} exited unexpectedly ${how}${at}.${hint} Load the model again.`,
    { details: { exitCode: code, signal, log, ...context } },
  );
}
