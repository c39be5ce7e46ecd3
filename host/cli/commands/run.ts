import { EXIT } from '../../common/exit-codes.ts';
import { answer } from '../chat/answer.ts';
import { ChatSession } from '../chat/chat-session.ts';
import { converse } from '../chat/converse.ts';
import { findConversation } from '../chat/find-conversation.ts';
import { withoutGaps } from '../client.ts';
import type { CommandContext } from '../context.ts';
import { modelOrRepository, withModelHint, withResumeHint } from '../model-argument.ts';
import { readStdin } from '../read-stdin.ts';
import { progressView } from '../terminal/progress.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../usage-error.ts';

/** What to do about an answer that was cut. */
const HOW_TO_RAISE = 'Raise the limit with --max-tokens or --context.';

/** `tabagent run`: prints one answer if a prompt is given or piped, otherwise starts a chat. */
export async function run(context: CommandContext): Promise<number> {
  const { input, terminal } = context;
  const [typed = '', ...words] = input.args;
  if (words.length === 0 && terminal.interactive && input.flag('json')) {
    throw new UsageError('--json requires a prompt, as PROMPT or on stdin.');
  }
  const settings = withoutGaps({
    temperature: input.number('temperature'),
    max_new_tokens: input.number('max-tokens'),
    seed: input.number('seed'),
    reasoning: input.text('reasoning'),
  });
  const isChat = words.length === 0 && terminal.interactive;
  const chat = input.text('chat');
  if (!isChat && chat !== undefined)
    throw new UsageError('--chat continues a chat at the terminal, so it takes no prompt.');
  const prompt = isChat ? '' : await readPrompt(words, terminal);
  const conversation = chat === undefined ? undefined : await findConversation(chat, context.client);
  const loadSettings = withoutGaps({
    n_ctx: input.number('context'),
    n_gpu_layers: input.number('gpu-layers'),
    n_threads: input.number('threads'),
  });
  const modelId = await load(typed, loadSettings, context);
  const system = input.text('system');
  if (isChat) {
    const reload = (changed: object) => load(modelId, { ...loadSettings, ...changed }, context);
    const session = new ChatSession(context, { modelId, load: reload, settings, system, conversation });
    return converse(session, context);
  }
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    { role: 'user', content: prompt },
  ];
  const { finishReason } = await answer(context, { modelId, messages, settings }, HOW_TO_RAISE);
  return finishReason === 'stopped' ? EXIT.interrupted : EXIT.ok;
}

/** Loads the model, downloading it first if necessary, and returns its id. */
async function load(typed: string, settings: object, { client, terminal }: CommandContext): Promise<string> {
  const named = await modelOrRepository(typed, client);
  let modelId = named;
  const progress = progressView(terminal);
  let isDownloading = false;
  try {
    const { payload: loaded } = await client.request(
      'LOAD_MODEL',
      { modelId: named, settings },
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
