import { errorInfo, isHostError } from '../../common/errors.ts';
import {
  boundedError,
  type CommandName,
  type FromRunner,
  type IpcError,
  type RunnerCommands,
  type RunnerStep,
  type ToRunner,
} from '../ipc.ts';
import { LlamaRuntime } from './llama-runtime.ts';

/** How a command reports what it does. */
interface Watch<C extends CommandName> {
  progress(progress: RunnerCommands[C]['progress']): void;
  step(step: RunnerStep): void;
}

/** Time between two reports of memory, milliseconds. */
const MEMORY_REPORT_MS = 500;

/** The handler of each command. */
const COMMANDS: {
  readonly [C in CommandName]: (
    llama: LlamaRuntime,
    request: RunnerCommands[C]['request'],
    watch: Watch<C>,
  ) => Promise<RunnerCommands[C]['result']>;
} = {
  load: (llama, request, { progress }) => llama.load(request, progress),
  memory: (llama) => llama.memory(),
  gpuMemory: (llama) => llama.gpuMemory(),
  measure: (llama, request) => llama.measure(request),
  generate: (llama, request, { progress, step }) => llama.generate(request, step, progress),
  render: async (llama, input, { step }) => llama.render(input, step),
  countTokens: async (llama, texts, { step }) => llama.countTokens(texts, step),
  embed: (llama, request, { step }) => llama.embed(request, step),
  rank: (llama, request, { step }) => llama.rank(request, step),
  stop: async (llama, { work }) => {
    llama.stop(work);
    return null;
  },
  save: async (llama) => {
    await llama.save();
    return null;
  },
  forget: async (llama, { conversation }) => {
    await llama.forget(conversation);
    return null;
  },
};

/**
 * Runs the runner: a process for one model, and the only kind of process in which llama.cpp runs. It takes commands from
 * the host over the IPC channel and exits when the channel closes, however the host ends.
 */
export async function runRunner(): Promise<void> {
  if (process.send === undefined) throw new Error('A runner can be started only by the host');
  // On Windows this is the title of the console, which belongs to the user.
  if (process.platform !== 'win32') process.title = 'tabagent-runner';
  // Evaluated prompts are the user's.
  process.umask(0o077);
  // Not `process.exit`: that would wait for what llama.cpp is doing on its threads.
  // Ctrl-C in a terminal reaches the whole process group. What to stop is the host's decision.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGBREAK'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

  let llama: Promise<LlamaRuntime> | undefined;
  process.on('message', (message) => {
    // Only the host writes to this channel, and its messages have the types of `ipc.ts`.
    const received = message as ToRunner;
    if (received.type === 'start') {
      llama = LlamaRuntime.start(received.gpu, () => send({ type: 'states' }));
      if (received.reportsMemory) setInterval(reportMemory, MEMORY_REPORT_MS).unref();
      llama.then(
        ({ facts }) => send({ type: 'ready', facts }),
        (error: unknown) => send({ type: 'unavailable', error: ipcError(error) }),
      );
      return;
    }
    void handleCommand(received, llama);
  });
}

async function handleCommand(
  { id, name, request }: Extract<ToRunner, { type: 'command' }>,
  llama: Promise<LlamaRuntime> | undefined,
): Promise<void> {
  try {
    if (llama === undefined) throw new Error('A command was received before the start message');
    // The message type pairs name and request; the table of commands cannot express the pairing.
    const command = COMMANDS[name] as (
      llama: LlamaRuntime,
      request: unknown,
      watch: Watch<CommandName>,
    ) => Promise<RunnerCommands[CommandName]['result']>;
    send({
      type: 'result',
      id,
      result: await command(await llama, request, {
        progress: (progress) => send({ type: 'progress', id, progress }),
        step: (step) => send({ type: 'step', id, step }),
      }),
    });
  } catch (error) {
    send({ type: 'error', id, error: ipcError(error) });
  }
}

function reportMemory(): void {
  send({ type: 'memory', bytes: process.memoryUsage.rss() });
}

function send(message: FromRunner): void {
  // With a callback, a channel that is closing raises no error; `disconnect` then ends this process.
  process.send?.(message, undefined, undefined, () => undefined);
}

function ipcError(error: unknown): IpcError {
  if (isHostError(error)) return boundedError(errorInfo(error));
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return boundedError({ code: 'INTERNAL_ERROR', message });
}
