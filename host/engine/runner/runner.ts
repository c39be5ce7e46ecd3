import { errorInfo, isHostError } from '../../common/errors.ts';
import type { CommandName, FromRunner, IpcError, RunnerCommands, ToRunner } from '../ipc.ts';
import { LlamaRuntime } from './llama-runtime.ts';

/** The handler of each command. */
const COMMANDS: {
  readonly [C in CommandName]: (
    llama: LlamaRuntime,
    request: RunnerCommands[C]['request'],
    progress: (progress: RunnerCommands[C]['progress']) => void,
  ) => Promise<RunnerCommands[C]['result']>;
} = {
  load: (llama, request, progress) => llama.load(request, progress),
  memory: (llama) => llama.memory(),
  generate: (llama, request, progress) => llama.generate(request, progress),
  render: async (llama, input) => llama.render(input),
  countTokens: async (llama, texts) => llama.countTokens(texts),
  embed: (llama, request) => llama.embed(request),
  rank: (llama, request) => llama.rank(request),
  stop: async (llama, { work }) => {
    llama.stop(work);
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
  // Not `process.exit`: that would wait for what llama.cpp is doing on its threads.
  // Ctrl-C in a terminal reaches the whole process group. What to stop is the host's decision.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGBREAK'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

  let llama: Promise<LlamaRuntime> | undefined;
  process.on('message', (message) => {
    // Only the host writes to this channel, and its messages have the types of `ipc.ts`.
    const received = message as ToRunner;
    if (received.type === 'start') {
      llama = LlamaRuntime.start(received.gpu);
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
      progress: (progress: RunnerCommands[CommandName]['progress']) => void,
    ) => Promise<RunnerCommands[CommandName]['result']>;
    send({
      type: 'result',
      id,
      result: await command(await llama, request, (progress) => send({ type: 'progress', id, progress })),
    });
  } catch (error) {
    send({ type: 'error', id, error: ipcError(error) });
  }
}

function send(message: FromRunner): void {
  // With a callback, a channel that is closing raises no error; `disconnect` then ends this process.
  process.send?.(message, undefined, undefined, () => undefined);
}

function ipcError(error: unknown): IpcError {
  if (isHostError(error)) return errorInfo(error);
  return { code: 'INTERNAL_ERROR', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
