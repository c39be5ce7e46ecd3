import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { Chat, isAboutTheQuestion } from '../chat.ts';
import { withoutGaps } from '../client.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { modelOrRepository, withModelHint } from '../model-argument.ts';
import { progressView } from '../terminal/progress.ts';
import { paint } from '../terminal/styles.ts';
import { printable } from '../terminal/text.ts';
import { UsageError } from '../usage-error.ts';

/** `tabagent run`: one answer where a prompt is given or piped, otherwise a conversation. */
export async function run(context: CommandContext): Promise<number> {
  const { input, terminal } = context;
  const [typed = '', ...words] = input.args;
  if (words.length === 0 && terminal.interactive && input.flag('json')) {
    throw new UsageError('With --json the prompt must be given, as PROMPT or on stdin.');
  }
  const settings = {
    temperature: input.number('temperature'),
    max_new_tokens: input.number('max-tokens'),
    seed: input.number('seed'),
  };
  const modelId = await load(typed, context);
  const chat = new Chat(context, { modelId, system: input.text('system'), settings: withoutGaps(settings) });
  if (words.length === 0 && terminal.interactive) return converse(chat, modelId, context);
  const prompt = words.length > 0 ? words.join(' ') : await text(terminal.stdin);
  const { finishReason } = await chat.ask(prompt);
  return finishReason === 'stopped' ? EXIT.interrupted : EXIT.ok;
}

/** Loads the model, downloading it first where it is not here, and gives its id. */
async function load(typed: string, { input, client, terminal }: CommandContext): Promise<string> {
  const named = await modelOrRepository(typed, client);
  let modelId = named;
  const progress = progressView(terminal);
  const settings = {
    n_ctx: input.number('context'),
    n_gpu_layers: input.number('gpu-layers'),
    n_threads: input.number('threads'),
  };
  try {
    const { payload: loaded } = await client.request(
      'LOAD_MODEL',
      { modelId: named, settings: withoutGaps(settings) },
      {
        onEvent: ({ type, payload }) => {
          if (type !== 'modelWorkerLoadingProgress' || payload.status !== 'progress') return;
          const { message = 'Loading', progress: percent, loaded: done, total } = payload;
          progress.update({ label: message, percent, done, total });
        },
      },
    );
    modelId = loaded.modelPath;
  } catch (error) {
    progress.end();
    throw await withModelHint(error, typed, client);
  }
  progress.end();
  return modelId;
}

/** A conversation at the terminal, until /bye, Ctrl-D, or Ctrl-C while nothing is being said. */
async function converse(chat: Chat, modelId: string, { terminal, interrupts }: CommandContext): Promise<number> {
  const { stdin, stderr, styled } = terminal;
  stderr.write(
    printable(`${modelId}. /clear forgets the conversation, /bye or Ctrl-D leaves, Ctrl-C stops an answer.\n`),
  );
  const lines = createInterface({ input: stdin, output: process.stderr, prompt: paint('> ', 'bold', styled.stderr) });
  // In raw mode Ctrl-C is a key and no signal.
  lines.on('SIGINT', () => process.emit('SIGINT'));
  const left = () => lines.close();
  interrupts.signal.addEventListener('abort', left);
  try {
    lines.prompt();
    for await (const line of lines) {
      const typed = line.trim();
      if (typed === '/bye') break;
      if (typed === '/clear') chat.clear();
      else if (typed !== '') await answer(chat, typed, stderr);
      lines.prompt();
    }
  } finally {
    interrupts.signal.removeEventListener('abort', left);
    lines.close();
  }
  return EXIT.ok;
}

async function answer(chat: Chat, typed: string, stderr: CommandContext['terminal']['stderr']): Promise<void> {
  try {
    await chat.ask(typed);
  } catch (error) {
    if (!isAboutTheQuestion(error)) throw error;
    stderr.write(`${printable(error.message)}\n`);
  }
}
