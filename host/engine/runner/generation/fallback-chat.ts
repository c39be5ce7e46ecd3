import type { ChatMessage } from '../../../models/generation.ts';
import { contentText } from '../../../protocol/content-text.ts';

/** A conversation as text, and the texts that end the model's turn in it besides its own end token. */
interface PlainChat {
  readonly text: string;
  readonly stop: readonly string[];
}

/**
 * Renders a conversation for a model without a usable chat template: as ChatML if its vocabulary has ChatML's tokens,
 * otherwise as a transcript (`user: …`), which models without instruction tuning continue best. A transcript has no
 * token that ends a turn, so the beginning of the user's next line ends it.
 */
export function writeChat(messages: readonly ChatMessage[], hasChatMl: boolean): PlainChat {
  if (hasChatMl) {
    const turns = messages.map((message) => `<|im_start|>${message.role}\n${contentText(message)}<|im_end|>\n`);
    return { text: `${turns.join('')}<|im_start|>assistant\n`, stop: ['<|im_end|>'] };
  }
  const turns = messages.map((message) => `${message.role}: ${contentText(message)}\n`);
  return { text: `${turns.join('')}assistant:`, stop: ['\nuser:'] };
}
