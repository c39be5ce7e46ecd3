import { HostError, isHostError } from '../../../common/errors.ts';
import { sum } from '../../../common/sum.ts';
import type { ChatMessage, GenerateRequest } from '../../../models/generation.ts';
import type { Binding, Model, Token } from '../binding-types.ts';
import { foldSystemMessage, writeChat } from './fallback-chat.ts';
import { SpecialText } from './special-text.ts';
import type { TemplateRenderer } from './template-renderer.ts';

/**
 * No tokenizer makes tokens of more characters than this on average, so a longer text cannot fit and need not be
 * tokenized, which would take minutes for the largest request. The longest tokens of published vocabularies are runs of
 * 128 spaces.
 */
const MAX_CHARACTERS_PER_TOKEN = 128;

/** A prompt in tokens, and texts that end an answer to it. */
export interface Prompt {
  readonly tokens: Token[];
  readonly stop: readonly string[];
}

/** What makes tokens of one model's prompts. */
export class PromptTokens {
  readonly #binding: Binding;
  readonly #model: Model;
  readonly #renderer: TemplateRenderer;
  #special: SpecialText | undefined;

  constructor(options: { binding: Binding; model: Model; renderer: TemplateRenderer }) {
    this.#binding = options.binding;
    this.#model = options.model;
    this.#renderer = options.renderer;
  }

  /**
   * A conversation goes through the model's own chat template, or is written plainly where there is none (see
   * {@link writeChat}); in messages no special token is read. A plain prompt is taken as it is, special tokens too.
   * Either begins with the model's beginning token where the model wants one.
   *
   * @throws HostError `CHAT_TEMPLATE_FAILED`, `CONTEXT_OVERFLOW`, `INVALID_REQUEST` for a prompt without tokens.
   */
  async make(input: GenerateRequest['input'], contextSize: number, signal: AbortSignal): Promise<Prompt> {
    const characters =
      'prompt' in input ? input.prompt.length : sum(input.messages.map(({ content }) => content.length));
    assertFits(Math.ceil(characters / MAX_CHARACTERS_PER_TOKEN), contextSize);
    const prompt =
      'prompt' in input
        ? { tokens: this.#model.tokenize(input.prompt, true), stop: [] }
        : await this.#chat(input.messages, contextSize, signal);
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    const tokens =
      shouldPrependBosToken && bos !== null && prompt.tokens[0] !== bos ? [bos, ...prompt.tokens] : prompt.tokens;
    if (tokens.length === 0) {
      throw new HostError('INVALID_REQUEST', 'Expected `prompt` to be a text that is not empty, for this model.', {
        details: { field: 'prompt' },
      });
    }
    assertFits(tokens.length, contextSize);
    return { tokens, stop: prompt.stop };
  }

  async #chat(messages: readonly ChatMessage[], contextSize: number, signal: AbortSignal): Promise<Prompt> {
    this.#special ??= readVocabulary(this.#model);
    const special = this.#special;
    const marked = messages.map(({ role, content }) => ({ role, content: special.mark(content) }));
    const template = this.#model.fileInfo.metadata.tokenizer?.chat_template;
    const written =
      typeof template === 'string' && template.trim() !== ''
        ? { text: await this.#render(template, marked, signal), stop: [] }
        : writeChat(marked, special.has('<|im_start|>'));
    assertFits(Math.ceil(written.text.length / MAX_CHARACTERS_PER_TOKEN), contextSize);
    const { LlamaText, SpecialTokensText } = this.#binding;
    const parts = special.parts(written.text);
    const text = LlamaText(parts.map((part) => (part.literal ? part.text : new SpecialTokensText(part.text))));
    return { tokens: text.tokenize(this.#model.tokenizer), stop: written.stop };
  }

  /** Renders; a template that refuses a system message gets the same words in the first user message. */
  async #render(template: string, messages: readonly ChatMessage[], signal: AbortSignal): Promise<string> {
    const { bosString, eosString } = this.#model.tokens;
    const values = { add_generation_prompt: true, bos_token: bosString ?? '', eos_token: eosString ?? '' } as const;
    try {
      return await this.#renderer.render(template, { ...values, messages }, signal);
    } catch (error) {
      const folded = isHostError(error) && error.details?.refused === true && foldSystemMessage(messages);
      if (!folded) throw error;
      return this.#renderer.render(template, { ...values, messages: folded }, signal).catch(() => {
        // The first fault is about what was really asked.
        throw error;
      });
    }
  }
}

function readVocabulary(model: Model): SpecialText {
  const { tokens, token_type } = model.fileInfo.metadata.tokenizer?.ggml ?? {};
  return new SpecialText({ tokens: tokens ?? [], types: token_type ?? [] });
}

/**
 * A prompt needs room for itself and one place that llama.cpp's binding keeps free. Nothing is ever cut from it: what
 * to leave out is for the client to say.
 */
function assertFits(promptTokens: number, contextSize: number): void {
  const room = contextSize - 1;
  if (promptTokens <= room) return;
  throw new HostError(
    'CONTEXT_OVERFLOW',
    `The prompt has at least ${promptTokens} tokens, and the context of this load holds ${room}. Shorten it, or load the model with a larger n_ctx.`,
    { details: { promptTokens, contextSize, room } },
  );
}
