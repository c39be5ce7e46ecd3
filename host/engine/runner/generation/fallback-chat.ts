import type { ChatMessage } from '../../../models/generation.ts';

/** A conversation as text, and what ends the model's turn in it besides its own end token. */
export interface WrittenChat {
  readonly text: string;
  readonly stop: readonly string[];
}

/**
 * Writes a conversation for a model that has no chat template: ChatML where its vocabulary has ChatML's tokens, else as
 * a transcript (`user: …`), which models without instruction training continue best. A transcript has no token that
 * ends a turn, so the beginning of the user's next line does.
 */
export function writeChat(messages: readonly ChatMessage[], hasChatMl: boolean): WrittenChat {
  if (hasChatMl) {
    const turns = messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`);
    return { text: `${turns.join('')}<|im_start|>assistant\n`, stop: ['<|im_end|>'] };
  }
  const turns = messages.map(({ role, content }) => `${role}: ${content}\n`);
  return { text: `${turns.join('')}assistant:`, stop: ['\nuser:'] };
}

/**
 * The same conversation without a system message: its text stands before that of the first user message. For templates
 * that know no such role (Gemma's, for one). Undefined where there is nothing to change.
 */
export function foldSystemMessage(messages: readonly ChatMessage[]): ChatMessage[] | undefined {
  const system = messages.filter(({ role }) => role === 'system');
  if (system.length === 0) return undefined;
  const others = messages.filter(({ role }) => role !== 'system');
  const first = others.findIndex(({ role }) => role === 'user');
  const words = system.map(({ content }) => content).join('\n\n');
  if (first === -1) return [{ role: 'user', content: words }, ...others];
  return others.map((message, index) =>
    index === first ? { ...message, content: `${words}\n\n${message.content}` } : message,
  );
}
