import { defined } from '../../common/defined.ts';
import { isHostError } from '../../common/errors.ts';
import type { CommandName, FromRunner, IpcError, RunnerCommands, ToRunner } from '../ipc.ts';
import { LlamaRuntime } from './llama-runtime.ts';

/** What each command does. */
const COMMANDS: {
  readonly [C in CommandName]: (
    llama: LlamaRuntime,
    request: RunnerCommands[C]['request'],
    progress: (progress: RunnerCommands[C]['progress']) => void,
  ) => Promise<RunnerCommands[C]['result']>;
} = {
  load: (llama, request, progress) => llama.load(request, progress),
  memory: (llama) => llama.memory(),
  generate: (llama, { generation, order }, progress) => llama.generator.generate(generation, order, progress),
  embed: (llama, { work, order }) => llama.embedder.embed(work, order),
  rank: (llama, { work, order }) => llama.ranker.rank(work, order),
  stop: async (llama, { work }) => {
    llama.stop(work);
    return null;
  },
};

/**
 * The runner: the process that holds one model, and the only one in which llama.cpp runs. It takes orders from the
 * supervisor over the IPC channel and ends with it, however the host ends.
 */
export async function runRunner(): Promise<void> {
  if (process.send === undefined) throw new Error('A runner is started by its host, not by hand');
  // On Windows this is the title of the console, which belongs to the user.
  if (process.platform !== 'win32') process.title = 'tabagent-runner';
  // Not `process.exit`: that would wait for what llama.cpp is doing on its threads.
  // Ctrl-C in a terminal reaches the whole process group. What to stop is the host's decision.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGBREAK'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

  let llama: Promise<LlamaRuntime> | undefined;
  process.on('message', (message) => {
    // Only the supervisor writes to this channel, in the types of `ipc.ts`.
    const order = message as ToRunner;
    if (order.type === 'hello') {
      llama = LlamaRuntime.start(order.gpu);
      llama.then(
        ({ facts }) => tell({ type: 'ready', facts }),
        (error: unknown) => tell({ type: 'unavailable', error: ipcError(error, 'ENGINE_UNAVAILABLE') }),
      );
      return;
    }
    void obey(order, llama);
  });
}

async function obey(
  order: Extract<ToRunner, { type: 'command' }>,
  llama: Promise<LlamaRuntime> | undefined,
): Promise<void> {
  const { id } = order;
  try {
    if (llama === undefined) throw new Error('A command came before the greeting');
    // Name and request belong together by the type of the message; the table of commands cannot express the pairing.
    const command = COMMANDS[order.name] as (
      llama: LlamaRuntime,
      request: unknown,
      progress: (progress: RunnerCommands[CommandName]['progress']) => void,
    ) => Promise<RunnerCommands[CommandName]['result']>;
    tell({
      type: 'result',
      id,
      result: await command(await llama, order.request, (progress) => tell({ type: 'progress', id, progress })),
    });
  } catch (error) {
    tell({ type: 'error', id, error: ipcError(error, 'INTERNAL_ERROR') });
  }
}

function tell(message: FromRunner): void {
  // The callback keeps a channel that is just closing from raising an error; `disconnect` ends this process.
  process.send?.(message, undefined, undefined, () => undefined);
}

function ipcError(error: unknown, code: IpcError['code']): IpcError {
  if (isHostError(error)) {
    const { message, details } = error;
    return { code: error.code, message, ...defined({ details }) };
  }
  return { code, message: error instanceof Error ? error.message : String(error) };
}
