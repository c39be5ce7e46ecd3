import { createInterface } from 'node:readline';
import { EXIT } from '../../common/exit-codes.ts';
import { Chat, isAboutTheQuestion } from '../chat.ts';
import { withoutGaps } from '../client.ts';
import type { CommandContext } from '../context.ts';
import { modelOrRepository, withModelHint, withResumeHint } from '../model-argument.ts';
import { readStdin } from '../read-stdin.ts';
import { progressView } from '../terminal/progress.ts';
import { paint } from '../terminal/styles.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { printable } from '../terminal/text.ts';
import { UsageError } from '../usage-error.ts';

/** `tabagent run`: prints one answer if a prompt is given or piped, otherwise starts a chat. */
export async function run(context: CommandContext): Promise<number> {
  const { input, terminal } = context;
  const [typed = '', ...words] = input.args;
  if (words.length === 0 && terminal.interactive && input.flag('json')) {
    throw new UsageError('--json requires a prompt, as PROMPT or on stdin.');
  }
  const settings = {
    temperature: input.number('temperature'),
    max_new_tokens: input.number('max-tokens'),
    seed: input.number('seed'),
  };
  const isChat = words.length === 0 && terminal.interactive;
  const prompt = isChat ? '' : await readPrompt(words, terminal);
  const modelId = await load(typed, context);
  const chat = new Chat(context, { modelId, system: input.text('system'), settings: withoutGaps(settings) });
  if (isChat) return converse(chat, modelId, context);
  const { finishReason } = await chat.ask(prompt);
  return finishReason === 'stopped' ? EXIT.interrupted : EXIT.ok;
}

/** Loads the model, downloading it first if necessary, and returns its id. */
async function load(typed: string, { input, client, terminal }: CommandContext): Promise<string> {
  const named = await modelOrRepository(typed, client);
  let modelId = named;
  const progress = progressView(terminal);
  let isDownloading = false;
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
          isDownloading = done !== undefined;
          progress.update({ label: message, percent, done, total });
        },
      },
    );
    modelId = loaded.modelPath;
  } catch (error) {
    progress.end();
    throw await withModelHint(isDownloading ? withResumeHint(error) : error, typed, client);
  }
  progress.end();
  return modelId;
}

/** Returns the prompt: the arguments, what is piped in, or both, with the instruction before the text it is about. */
async function readPrompt(words: readonly string[], { stdin, piped }: Terminal): Promise<string> {
  const texts = [words.join(' '), piped ? await readStdin(stdin) : ''];
  const prompt = texts.filter((text) => text.trim() !== '').join('\n\n');
  if (prompt === '') throw new UsageError('Missing prompt. Give PROMPT, or pipe a text to stdin.');
  return prompt;
}

/** Chats at the terminal until /bye, Ctrl-D, or Ctrl-C while no answer is being generated. */
async function converse(chat: Chat, modelId: string, { terminal, interrupts }: CommandContext): Promise<number> {
  const { stdin, stderr, styled } = terminal;
  stderr.write(
    printable(`Chatting with ${modelId}. /clear starts over, /bye or Ctrl-D exits, Ctrl-C stops an answer.\n`),
  );
  const lines = createInterface({ input: stdin, output: process.stderr, prompt: paint('> ', 'bold', styled.stderr) });
  // In raw mode Ctrl-C is a key, not a signal.
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
