import { HostError, isHostError } from '../../../common/errors.ts';
import { invalidField } from '../../../common/host-errors.ts';
import type { JsonValue } from '../../../common/json.ts';
import { sum } from '../../../common/sum.ts';
import type {
  ChatFormat,
  ChatMessage,
  ChatOptions,
  PromptInput,
  RenderedPrompt,
  Trimmed,
} from '../../../models/generation.ts';
import { turnCount, withoutOldestTurns } from '../../../models/turns.ts';
import { contentText } from '../../../protocol/content-text.ts';
import { endsClosed, markersOf, openedTag, type ReasoningMarkup } from '../../../reasoning/formats.ts';
import type { CallFormat } from '../../../tools/call-format.ts';
import type { Binding, Model, Token } from '../binding-types.ts';
import { ChatPrompts } from './chat-prompts.ts';
import { type Marker, MarkerTokens } from './marker-tokens.ts';
import { type PromptPart, SpecialText } from './special-text.ts';
import { type PromptCalls, promptCalls } from './tool-calls.ts';

/**
 * Maximum average number of characters per token of any tokenizer. A longer text cannot fit, so it is not tokenized,
 * which would take minutes for the largest request. The longest tokens of published vocabularies are runs of 128
 * spaces.
 */
export const MAX_CHARACTERS_PER_TOKEN = 128;

/**
 * Characters of messages that are left out whose tokens are counted: the number of the others is estimated from them.
 */
const MAX_COUNTED_CHARACTERS = 64 * 1024;

/** Deepest nesting of a message's fields and of a tool's description. */
const MAX_MESSAGE_DEPTH = 64;

/** Replaces a special token in a user's text, which is not markup. */
const LITERAL = '\uFFFC';

/** A prompt as tokens, and the texts that end the answer to it. */
export interface Prompt {
  readonly tokens: Token[];
  readonly stop: readonly string[];
  /** How the answer marks reasoning; undefined if it is not separated. */
  readonly reasoning: PromptReasoning | undefined;
  /** How the answer separates calls of tools; undefined where it has none. */
  readonly calls: PromptCalls | undefined;
  /** Names of settings that had no effect. */
  readonly ignored: readonly string[];
  /** Messages that were left out because they did not fit. */
  readonly trimmed?: Trimmed;
}

/** A conversation. */
type Chat = Exclude<PromptInput, { readonly prompt: string }>;

/** What is needed to separate the reasoning of an answer. */
export interface PromptReasoning {
  readonly markup: ReasoningMarkup;
  readonly prompt: string;
  /** The markers that the vocabulary has as tokens. */
  readonly markers: ReadonlyMap<Token, Marker>;
  readonly maxTokens: number | undefined;
}

/** A prompt as text. */
interface PromptText {
  /** A text that is used unchanged, or parts, of which some are literal and the others may contain special tokens. */
  readonly text: string | readonly PromptPart[];
  readonly stop: readonly string[];
  /** Whether to put the model's beginning token before the text unless the text begins with it. */
  readonly addsBos: boolean;
  readonly markup?: ReasoningMarkup | undefined;
  readonly callFormat?: CallFormat | undefined;
  readonly opening?: string | undefined;
  readonly ignored?: readonly string[];
}

/** Creates the prompts of one model. */
export class PromptTokens {
  readonly #binding: Binding;
  readonly #model: Model;
  readonly #special: SpecialText;
  readonly #chats: ChatPrompts;
  readonly #markers: MarkerTokens;

  /** @param options.template A chat template instead of the model's own. */
  constructor(options: { binding: Binding; model: Model; template?: string | undefined }) {
    const { model } = options;
    this.#binding = options.binding;
    this.#model = model;
    const { tokens: texts = [], token_type: types = [] } = model.fileInfo.metadata.tokenizer?.ggml ?? {};
    this.#special = new SpecialText({ tokens: texts, types });
    this.#markers = new MarkerTokens({ tokens: texts, types });
    const template = options.template ?? model.fileInfo.metadata.tokenizer?.chat_template;
    this.#chats = new ChatPrompts({
      template: typeof template === 'string' ? template : undefined,
      bosToken: model.tokens.bosString ?? '',
      eosToken: model.tokens.eosString ?? '',
      special: this.#markers.texts,
    });
  }

  /** How conversations are rendered. */
  get format(): ChatFormat {
    return this.#chats.format;
  }

  /**
   * Creates a prompt. A conversation is rendered with a chat template, or without one if none works (see {@link
   * ChatPrompts}); special tokens in messages are plain text. A plain prompt is used unchanged, including special
   * tokens. Both begin with the model's beginning token if the model expects one.
   *
   * @throws HostError `CHAT_TEMPLATE_FAILED`, `CONTEXT_OVERFLOW`, `INVALID_REQUEST` for a prompt without tokens.
   */
  make(input: PromptInput, contextSize: number): Prompt {
    assertText(input);
    const { trimFor } = ('prompt' in input ? undefined : input.chat) ?? {};
    if ('prompt' in input || trimFor === undefined) return this.#make(input, contextSize);
    return this.#makeTrimmed(input, contextSize, trimFor);
  }

  /** Leaves out as few of the oldest turns as possible for the prompt and an answer to fit. */
  #makeTrimmed(input: Chat, contextSize: number, answerTokens: number): Prompt {
    // A long answer leaves half of the context to the conversation.
    const room = contextSize - 1 - Math.min(answerTokens, Math.floor(contextSize / 2));
    const most = turnCount(input.messages) - 1;
    const attempt = (turns: number) => {
      const { messages, dropped } = withoutOldestTurns(input.messages, turns);
      // Each message takes a token at least.
      const isTooLong = messages.length > room || charactersOf({ messages }) > room * MAX_CHARACTERS_PER_TOKEN;
      if (turns < most && isTooLong) return undefined;
      try {
        const prompt = this.#make({ ...input, messages }, contextSize);
        return prompt.tokens.length <= room || turns >= most ? { prompt, dropped } : undefined;
      } catch (error) {
        if (turns < most && isHostError(error, 'CONTEXT_OVERFLOW')) return undefined;
        throw error;
      }
    };
    // What comes before the first question is left out together with the first turn.
    const whole = most < 1 ? this.#make(input, contextSize) : attempt(0)?.prompt;
    if (whole !== undefined) return whole;
    let tooFew = 0;
    let fitting = attempt(most);
    let enough = most;
    while (enough - tooFew > 1) {
      const turns = Math.floor((tooFew + enough) / 2);
      const found = attempt(turns);
      if (found === undefined) tooFew = turns;
      else {
        fitting = found;
        enough = turns;
      }
    }
    if (fitting === undefined) throw new TypeError('The last turn alone is not tried');
    const { prompt, dropped } = fitting;
    return { ...prompt, trimmed: { messages: dropped.length, tokens: this.#estimate(dropped) } };
  }

  /** Counts the tokens of messages; of very long ones, only the first. */
  #estimate(messages: readonly ChatMessage[]): number {
    const text = messages.map(contentText).join('\n');
    const counted = text.slice(0, MAX_COUNTED_CHARACTERS);
    const tokens = this.#model.tokenize(counted, false).length;
    return Math.round((tokens * text.length) / Math.max(1, counted.length));
  }

  #make(input: PromptInput, contextSize: number): Prompt {
    const written = this.#write(input, contextSize);
    const { tokens } = this.#tokenize(written);
    if (tokens.length === 0) {
      throw new HostError('INVALID_REQUEST', '`prompt` must not be empty for this model.', {
        details: { field: 'prompt' },
      });
    }
    assertFits(tokens.length, contextSize);
    const { stop, ignored = [] } = written;
    const reasoning = this.#reasoning(input, written);
    return { tokens, stop, reasoning, calls: this.#calls(input, written, reasoning), ignored };
  }

  /** Returns the tokens of markup. */
  markup(text: string): Token[] {
    return this.#tokenizeParts([{ text, literal: false }]);
  }

  #calls(
    input: PromptInput,
    { callFormat }: PromptText,
    reasoning: PromptReasoning | undefined,
  ): PromptCalls | undefined {
    if ('prompt' in input) return undefined;
    const { markup, prompt = '' } = reasoning ?? {};
    const mayBegin = markup !== undefined && !endsClosed(markup, prompt) && openedTag(markup, prompt) === undefined;
    return promptCalls(callFormat, input.chat ?? {}, { markup, mayBegin }, this.#markers);
  }

  #reasoning(input: PromptInput, { text, markup, opening }: PromptText): PromptReasoning | undefined {
    if (markup === undefined || 'prompt' in input) return undefined;
    const prompt =
      opening ?? (typeof text === 'string' ? text : text.map((part) => (part.literal ? LITERAL : part.text)).join(''));
    const markers = this.#markers.among(markersOf(markup));
    return { markup, prompt, markers, maxTokens: input.chat?.maxReasoningTokens };
  }

  /**
   * Returns the prompt that {@link make} tokenizes, even if it has too many tokens.
   *
   * @throws HostError `CHAT_TEMPLATE_FAILED`; `CONTEXT_OVERFLOW` for a text that is far too long to count its tokens.
   */
  render(input: PromptInput, contextSize: number): RenderedPrompt {
    const written = this.#write(input, contextSize);
    const { tokens, bosAdded } = this.#tokenize(written);
    const bos = bosAdded ? (this.#model.tokens.bosString ?? '') : '';
    const { text, stop } = written;
    const prompt = bos + (typeof text === 'string' ? text : text.map((part) => part.text).join(''));
    return { prompt, tokens: tokens.length, stop };
  }

  /**
   * Returns the total number of tokens of texts, each tokenized separately and without a beginning token. Special
   * tokens are plain text.
   *
   * @throws HostError `CONTEXT_OVERFLOW` for texts that are far too long.
   */
  count(texts: readonly string[], contextSize: number): number {
    assertCountable(sum(texts.map((text) => text.length)), contextSize);
    return sum(texts.map((text) => this.#model.tokenize(text, false).length));
  }

  #write(input: PromptInput, contextSize: number): PromptText {
    if ('prompt' in input) {
      assertCountable(input.prompt.length, contextSize);
      return { text: input.prompt, stop: [], addsBos: true };
    }
    const { messages, chat = {} } = input;
    assertCountable(sum(messages.map((message) => contentText(message).length)), contextSize);
    const written = this.#chats.write(this.#markMessages(messages), this.#markTools(chat));
    assertCountable(written.text.length, contextSize);
    // A request that sets the beginning token also determines what the prompt begins with.
    const addsBos = chat.variables?.bos_token === undefined;
    return { ...written, text: this.#special.parts(written.text), addsBos };
  }

  #tokenize({ text, addsBos }: PromptText): { tokens: Token[]; bosAdded: boolean } {
    const tokens = typeof text === 'string' ? this.#model.tokenize(text, true) : this.#tokenizeParts(text);
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    const bosAdded = addsBos && shouldPrependBosToken && bos !== null && tokens[0] !== bos;
    return { tokens: bosAdded ? [bos, ...tokens] : tokens, bosAdded };
  }

  #tokenizeParts(parts: readonly PromptPart[]): Token[] {
    const { LlamaText, SpecialTokensText } = this.#binding;
    const text = LlamaText(parts.map((part) => (part.literal ? part.text : new SpecialTokensText(part.text))));
    return text.tokenize(this.#model.tokenizer);
  }

  /** Returns the messages with marks in place of special tokens, because users and tools wrote their texts. */
  #markMessages(messages: readonly ChatMessage[]): ChatMessage[] {
    return messages.map((message) => this.#mark(message, 'messages') as ChatMessage);
  }

  #markTools(chat: ChatOptions): ChatOptions {
    return chat.tools === undefined ? chat : { ...chat, tools: chat.tools.map((tool) => this.#mark(tool, 'tools')) };
  }

  #mark(value: JsonValue, field: string, depth = 0): JsonValue {
    if (typeof value === 'string') return this.#special.mark(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth > MAX_MESSAGE_DEPTH) throw invalidField(field, `nested at most ${MAX_MESSAGE_DEPTH} levels deep`, null);
    if (Array.isArray(value)) return value.map((item) => this.#mark(item, field, depth + 1));
    return Object.fromEntries(
      Object.entries(value).map(([name, entry]) => [name, entry && this.#mark(entry, field, depth + 1)]),
    );
  }
}

/**
 * Throws if a prompt does not fit in the context with the one token that the binding keeps free. A prompt is never
 * truncated: the client decides what to leave out.
 */
function assertFits(promptTokens: number, contextSize: number): void {
  const room = contextSize - 1;
  if (promptTokens <= room) return;
  throw new HostError(
    'CONTEXT_OVERFLOW',
    `The prompt is too long for the model’s current context: at least ${promptTokens} tokens, but only ${room} fit. Shorten it, or load the model with a longer context.`,
    { details: { promptTokens, contextSize, room } },
  );
}

/** Returns the number of characters of a prompt, without what a template adds. */
export function charactersOf(input: PromptInput): number {
  return 'prompt' in input ? input.prompt.length : sum(input.messages.map((message) => contentText(message).length));
}

/** Throws for images and audio: the binding supports only text. */
function assertText(input: PromptInput): void {
  if ('prompt' in input) return;
  for (const [index, { content }] of input.messages.entries()) {
    const part = Array.isArray(content) ? content.findIndex(({ type }) => type !== 'text') : -1;
    if (part === -1) continue;
    const expected = 'a part of type "text": models on this computer cannot be given images yet';
    throw invalidField(`messages.${index}.content.${part}`, expected, undefined);
  }
}

/** Throws for a text that cannot fit and would take long to tokenize. */
function assertCountable(characters: number, contextSize: number): void {
  assertFits(Math.ceil(characters / MAX_CHARACTERS_PER_TOKEN), contextSize);
}
