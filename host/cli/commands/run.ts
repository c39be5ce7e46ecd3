import { EXIT } from '../../common/exit-codes.ts';
import { answer } from '../chat/answer.ts';
import { ChatSession } from '../chat/chat-session.ts';
import { converse } from '../chat/converse.ts';
import { earlierPrompts } from '../chat/earlier-prompts.ts';
import { findConversation } from '../chat/find-conversation.ts';
import { withoutGaps } from '../client.ts';
import type { CommandContext } from '../context.ts';
import { loadModel, loadSettingsOf } from '../load-model.ts';
import { readStdin } from '../read-stdin.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../usage-error.ts';

/** What to do about an answer that was cut off. */
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
  if (!isChat && chat !== undefined) {
    throw new UsageError('--chat continues a chat at the terminal, so it takes no prompt.');
  }
  const isTemporary = input.flag('temporary');
  if (isTemporary && chat !== undefined) throw new UsageError('--temporary starts a new chat, so it excludes --chat.');
  const prompt = isChat ? '' : await readPrompt(words, terminal);
  const conversation = chat === undefined ? undefined : await findConversation(chat, context.client);
  const earlier = isChat ? earlierPrompts(context.client) : [];
  const loadSettings = await loadSettingsOf(context);
  const modelId = (await loadModel(context, typed, { settings: loadSettings })).modelId;
  const system = input.text('system');
  if (isChat) {
    const load = async (changed: object) => (await loadModel(context, modelId, { settings: changed })).modelId;
    const session = new ChatSession(context, { modelId, load, loadSettings, settings, conversation, isTemporary });
    if (system !== undefined) await session.setSystem(system);
    return converse(session, context, await earlier);
  }
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    { role: 'user', content: prompt },
  ];
  const request = { modelId, messages, settings, ...(isTemporary ? { store: false } : {}) };
  const { finishReason } = await answer(context, request, HOW_TO_RAISE);
  return finishReason === 'stopped' ? EXIT.interrupted : EXIT.ok;
}

/** Returns the prompt: the arguments, what is piped in, or both, with the instruction before the text it is about. */
async function readPrompt(words: readonly string[], { stdin, piped }: Terminal): Promise<string> {
  const texts = [words.join(' '), piped ? await readStdin(stdin) : ''];
  const prompt = texts.filter((text) => text.trim() !== '').join('\n\n');
  if (prompt === '') throw new UsageError('Missing prompt. Give PROMPT, or pipe a text to stdin.');
  return prompt;
}
