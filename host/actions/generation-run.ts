import { defined } from '../common/defined.ts';
import { type HostError, isHostError } from '../common/errors.ts';
import { throttle } from '../common/progress.ts';
import type { AnswerEnd, StoredAnswer } from '../conversations/answer-service.ts';
import type { TurnStart } from '../conversations/answers.ts';
import {
  type ChatMessage,
  type GenerateRequest,
  type GenerationProgress,
  type GenerationResult,
  NOTHING_GENERATED,
} from '../models/generation.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import type { EventPayloads, RequestId, RequestOf } from '../protocol/messages.ts';
import type { ActiveGeneration } from '../requests/active-generations.ts';
import type { Services } from '../services.ts';
import { toolCallFields } from '../tools/tool-function.ts';
import type { Call } from './action.ts';
import { titleOf, usesHistory, withoutEarlierMedia, withoutTools } from './chat-turn.ts';
import { generateRequest } from './generate-request.ts';
import { settingsOver, withModelDefaults } from './model-defaults.ts';
import { percent } from './progress.ts';

/** Characters of earlier messages that are read for each token of the context. Few texts have longer tokens. */
const CHARACTERS_PER_TOKEN = 16;

/** Characters of a token of English text, to estimate the tokens of messages that are not read. */
const TYPICAL_CHARACTERS_PER_TOKEN = 4;

/** Context length that is assumed for a remote model that does not report it, tokens: that of large current models. */
const UNKNOWN_CONTEXT = 131_072;

type Request = RequestOf<'GENERATE'>;
type Emit = Call<keyof EventPayloads & `generation${string}`>['emit'];

/** Returns a function that sends the progress of a generation. `ids` names the message in which it is stored. */
function progressOf(modelId: string, emit: Emit, ids: () => { chat_id?: string; message_id?: string }) {
  const promptProgress = throttle(({ processed, total }: { processed: number; total: number }) =>
    emit('generationPromptProgress', { modelId, processed, total, progress: percent(processed, total) }),
  );
  return (progress: GenerationProgress) => {
    if (progress.type === 'prompt') {
      promptProgress(progress);
      return;
    }
    promptProgress.flush();
    if (progress.type === 'toolCall') {
      emit('generationToolCall', { modelId, index: progress.index, ...progress.call });
      return;
    }
    const { kind, text, tokensPerSecond: tps, numTokens } = progress;
    const token = kind === 'answer' ? text : '';
    emit('generationUpdate', {
      modelId,
      token,
      ...(kind === 'reasoning' ? { reasoning: text } : {}),
      ...ids(),
      tps,
      numTokens,
    });
  };
}

/** Returns the calls of tools that a result asks for, as replies and stored messages have them. */
export function toolCallsOf({ toolCalls }: GenerationResult) {
  return toolCalls.length === 0 ? {} : { tool_calls: toolCallFields(toolCalls) };
}

/** Runs one generation, and stores it in a turn of its conversation. */
export class GenerationRun {
  readonly #request: Request;
  readonly #modelId: string;
  readonly #services: Services;
  readonly #active: ActiveGeneration;
  readonly #requestId: RequestId | undefined;
  /** The request with the messages of its conversation. */
  #asked: Request = {};
  #answer: StoredAnswer | undefined;
  /** Why the answer could not be stored. */
  #notStored: string | undefined;

  constructor(options: {
    request: Request;
    modelId: string;
    services: Services;
    requestId: RequestId | undefined;
  }) {
    this.#request = options.request;
    this.#modelId = options.modelId;
    this.#services = options.services;
    this.#requestId = options.requestId;
    this.#active = options.services.generations.start(options.modelId, options.requestId);
    this.#active.conversationId = this.#unstoredIds().chat_id ?? null;
  }

  /** Where the question and the answer are stored. */
  get conversation(): { id: string; message_ids: string[] } | undefined {
    if (this.#answer === undefined || this.#notStored !== undefined) return undefined;
    const { conversation, questionId, answerId } = this.#answer.turn;
    return { id: conversation.id, message_ids: questionId === null ? [answerId] : [questionId, answerId] };
  }

  async run(options: {
    models: ModelRegistry;
    start: TurnStart | undefined;
    signal: AbortSignal;
    emit: Emit;
    /** Whether the generation was stopped before it reached its model. */
    isStopped: boolean;
  }): Promise<{ result: GenerationResult; message: string | undefined }> {
    const { models, start, signal, emit, isStopped } = options;
    const report = progressOf(this.#modelId, emit, () => this.#ids());
    const onProgress = (progress: GenerationProgress) => {
      this.#services.generations.add(this.#active, progress);
      if (progress.type === 'text') this.#answer?.saveSoon();
      report(progress);
    };
    try {
      const prepare = () => this.#prepare(models, start);
      const generate = (make: () => Promise<GenerateRequest>) =>
        models.generate(this.#modelId, make, { signal, onProgress, tag: this.#requestId });
      const result = await (isStopped ? this.#stopped(prepare) : generate(prepare)).catch(async (error: unknown) => {
        const plain = isHostError(error, 'CHAT_TEMPLATE_FAILED') && this.#plainMessages();
        if (!plain) throw error;
        // A conversation can continue with a model whose template rejects the tools that an earlier model used.
        return generate(() => this.#makeRequest({ ...this.#asked, messages: plain }));
      });
      const complete = this.#withOmitted(result);
      const { finishReason, usage, trimmed } = complete;
      const status = finishReason === 'stop' || finishReason === 'tool_calls' ? 'done' : finishReason;
      const counts = { ...usage, ...defined({ trimmed: trimmed && { ...trimmed } }) };
      await this.#end({ status, details: { usage: counts, ...toolCallsOf(complete) } });
      return { result: complete, message: this.#notStored };
    } catch (error) {
      await this.#end({ status: signal.aborted ? 'stopped' : 'failed' });
      throw error;
    }
  }

  async #stopped(prepare: () => Promise<GenerateRequest>): Promise<GenerationResult> {
    await prepare();
    return NOTHING_GENERATED;
  }

  /** Removes the generation from the list of running ones. */
  close(): void {
    this.#services.generations.end(this.#active);
  }

  async #prepare(models: ModelRegistry, start: TurnStart | undefined): Promise<GenerateRequest> {
    this.#asked = this.#request;
    if (start !== undefined) await this.#start(models, start);
    return this.#makeRequest(this.#asked);
  }

  async #makeRequest(request: Request): Promise<GenerateRequest> {
    const [saved, ofModel] = await Promise.all([
      this.#services.settings().then((settings) => settings.get()),
      this.#services.modelSettings().then((settings) => settings.get(this.#modelId)),
    ]);
    // An empty system prompt of the conversation means none, rather than that of the model.
    const hasNone = usesHistory(this.#request) && this.#answer?.turn.conversation.system_prompt === '';
    const defaults = hasNone ? { ...ofModel, system_prompt: '' } : ofModel;
    return {
      ...generateRequest(withModelDefaults(request, defaults), saved),
      ...defined({ conversation: this.#request.chat_id }),
      ...(this.#request.store === false ? { isTemporary: true } : {}),
    };
  }

  async #start(models: ModelRegistry, start: TurnStart): Promise<void> {
    const { chat_id: id = '', settings } = this.#request;
    const contextSize = models.get(this.#modelId)?.contextSize || UNKNOWN_CONTEXT;
    try {
      const title = start.type === 'ask' ? titleOf(start.content) : '';
      const maxCharacters = contextSize * CHARACTERS_PER_TOKEN;
      const answers = await this.#services.answers();
      this.#answer = await answers.start(id, start, { title, model: this.#modelId, maxCharacters }, this.#active);
    } catch (error) {
      // A client that sends the messages itself gets its answer even if that cannot be stored.
      if (usesHistory(this.#request) || !isHostError(error)) throw error;
      this.#notStoredBecause(error);
      return;
    }
    const { turn } = this.#answer;
    Object.assign(this.#active, { conversationId: id, messageId: turn.answerId });
    if (turn.continued !== undefined) {
      this.#active.text = turn.continued.content;
      this.#active.reasoning = turn.continued.reasoning;
    }
    if (!usesHistory(this.#request)) return;
    const { message: _, regenerate: __, ...request } = this.#request;
    const { system_prompt: system, settings: saved } = turn.conversation;
    const instructions = system === null || system === '' ? [] : [{ role: 'system', content: system }];
    // Another engine's model, which may have answered the earlier questions, decides itself what it rejects.
    const isRemote = models.get(this.#modelId)?.modelType === 'remote';
    const messages = isRemote ? turn.messages : withoutEarlierMedia(turn.messages);
    this.#asked = {
      ...request,
      messages: [...instructions, ...messages] as Request['messages'],
      continue: turn.continued !== undefined,
      context_overflow: this.#request.context_overflow ?? 'trim',
      settings: settingsOver(saved ?? {}, settings),
    };
  }

  #plainMessages(): Request['messages'] {
    return this.#answer === undefined || !usesHistory(this.#request)
      ? undefined
      : withoutTools((this.#asked.messages ?? []) as ChatMessage[]);
  }

  async #end(end: AnswerEnd): Promise<void> {
    try {
      await this.#answer?.end(end);
    } catch (error) {
      if (!isHostError(error)) throw error;
      this.#notStoredBecause(error);
    }
  }

  #notStoredBecause(error: HostError): void {
    this.#services.log.error('conversation.not-saved', { code: error.code });
    this.#notStored = `The answer could not be saved in conversation ${this.#request.chat_id}: ${error.message}`;
  }

  #ids(): { chat_id?: string; message_id?: string } {
    if (this.#answer === undefined) return this.#unstoredIds();
    return { chat_id: this.#answer.turn.conversation.id, message_id: this.#answer.turn.answerId };
  }

  /** A conversation that is not stored has a name, but no messages. */
  #unstoredIds(): { chat_id?: string } {
    const { chat_id, store } = this.#request;
    return store === false && chat_id !== undefined ? { chat_id } : {};
  }

  /** Adds the messages that were not read to those that did not fit. */
  #withOmitted(result: GenerationResult): GenerationResult {
    const { messages = 0, characters = 0 } = this.#answer?.turn.omitted ?? {};
    if (messages === 0 || !usesHistory(this.#request)) return result;
    const { trimmed = { messages: 0, tokens: 0 } } = result;
    const tokens = trimmed.tokens + Math.ceil(characters / TYPICAL_CHARACTERS_PER_TOKEN);
    return { ...result, trimmed: { messages: trimmed.messages + messages, tokens } };
  }
}
