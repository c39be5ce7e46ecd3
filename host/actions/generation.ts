import { randomInt } from 'node:crypto';
import { defined } from '../common/defined.ts';
import { errorInfo, type HostError, isHostError } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import { throttle } from '../common/progress.ts';
import { sum } from '../common/sum.ts';
import type { AnswerEnd, StoredAnswer } from '../conversations/answer-service.ts';
import type { TurnStart } from '../conversations/answers.ts';
import {
  assertUsed,
  type ChatMessage,
  type Constraint,
  type GenerateRequest,
  type GenerationProgress,
  type GenerationResult,
  NOTHING_GENERATED,
  type Sampling,
  type ToolChoice,
} from '../models/generation.ts';
import type { RequestTag } from '../models/loaded-entry.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import * as declared from '../protocol/actions/generation.ts';
import type { GenerationParams } from '../protocol/actions/settings.ts';
import { MAX_SEED } from '../protocol/limits.ts';
import type { EventPayloads, RequestOf } from '../protocol/messages.ts';
import type { ActiveGeneration } from '../requests/active-generations.ts';
import type { Services } from '../services.ts';
import { withChanges } from '../settings/generation-settings.ts';
import { readFunctions, toolCallFields } from '../tools/tool-function.ts';
import { type Call, handle } from './action.ts';
import { titleOf, turnStart, usesHistory, withoutTools } from './chat-turn.ts';
import { hasModelReference, modelIdFor, namedModelId } from './model-reference.ts';
import { pageOf } from './paging.ts';
import { percent } from './progress.ts';
import { promptInput } from './prompt-input.ts';

type GenerateSettings = NonNullable<RequestOf<'GENERATE'>['settings']>;

/** Returns what the output is restricted to. A request can set only one restriction. */
function constraintOf(settings: GenerateSettings, hasTools: boolean): Constraint | undefined {
  const { json_schema: schema, grammar, response_format: format } = settings;
  if (settings.grammar !== undefined && hasTools) {
    throw invalidField('settings.grammar', 'omitted when `tools` is given', settings.grammar);
  }
  const given = (['response_format', 'json_schema', 'grammar'] as const).filter((name) => settings[name] !== undefined);
  const [first, second] = given;
  if (second !== undefined) {
    throw invalidField(`settings.${second}`, `omitted when \`settings.${first}\` is given`, settings[second]);
  }
  if (grammar !== undefined) return { grammar };
  // A parsed request is JSON, even where its schema leaves fields open.
  if (schema !== undefined) return { jsonSchema: schema as JsonObject, field: 'settings.json_schema' };
  if (format === undefined || format.type === 'text') return undefined;
  if (format.type === 'json_object' || format.json_schema === undefined) return { json: true };
  return {
    jsonSchema: format.json_schema.schema as JsonObject,
    field: 'settings.response_format.json_schema.schema',
    ...defined({ strict: format.json_schema.strict }),
  };
}

/** Characters of earlier messages that are read for each token of the context. Tokens that are longer on average are rare. */
const CHARACTERS_PER_TOKEN = 16;

/** Characters of a token in English text, to estimate tokens that are not counted. */
const TYPICAL_CHARACTERS_PER_TOKEN = 4;

/** Context of a remote model that does not report it, tokens: that of large current models. */
const UNKNOWN_CONTEXT = 131_072;

/** Fields of every message to the host. */
const MESSAGE_FIELDS = ['action', 'requestId'];

/** Returns the names of fields that the host does not know or cannot use yet. */
function unusedFields(request: RequestOf<'GENERATE'>): string[] {
  const known = new Set([...MESSAGE_FIELDS, ...Object.keys(declared.generate.request.entries)]);
  const settings = new Set(declared.generateSettingNames);
  return [
    ...Object.keys(request).filter((name) => !known.has(name)),
    ...(request.tools === undefined
      ? (['tool_choice', 'parallel_tool_calls'] as const).filter(
          (name) => request[name] !== undefined && request[name] !== 'none',
        )
      : []),
    ...Object.keys(request.settings ?? {})
      .filter((name) => !settings.has(name))
      .map((name) => `settings.${name}`),
  ];
}

/** Returns which tools the model has to call; the request has to have them. */
function toolChoiceOf({ tool_choice: choice, tools = [] }: RequestOf<'GENERATE'>): ToolChoice | undefined {
  if (choice === undefined || choice === 'none' || choice === 'auto') return undefined;
  const { functions } = readFunctions(tools as JsonObject[]);
  if (choice === 'required') {
    if (tools.length > 0 && functions.length === 0)
      throw invalidField('tools', 'functions, one of which is to be called', tools);
    return tools.length === 0 ? undefined : choice;
  }
  const { name } = choice.function;
  if (!functions.some((candidate) => candidate.name === name)) {
    throw invalidField('tool_choice.function.name', 'the name of one of `tools`', name);
  }
  return { name };
}

/** The sampling that few requests ask for. */
function rarerSampling(settings: GenerateSettings): Pick<Sampling, 'xtc' | 'logitBias'> {
  const { xtc_probability: probability = 0, xtc_threshold: threshold = 0.1 } = settings;
  return {
    xtc: probability === 0 ? undefined : { probability, threshold },
    logitBias: settings.logit_bias,
  };
}

/** Converts a request into what a model generates from. Settings that it lacks are the saved ones. */
function generateRequest(request: Request, saved: GenerationParams): GenerateRequest {
  const { messages, prompt, tools, continue: continues, tool_choice: choice, settings = {} } = request;
  const { stop = [], seed = randomInt(MAX_SEED + 1) } = settings;
  const params = withChanges(saved, settings);
  const maxNewTokens =
    settings.max_new_tokens ?? settings.max_completion_tokens ?? settings.max_tokens ?? params.max_new_tokens;
  return {
    input: promptInput({
      messages,
      prompt,
      tools: choice === 'none' ? undefined : tools,
      toolChoice: toolChoiceOf(request),
      parallelToolCalls: request.parallel_tool_calls,
      continue: continues,
      settings,
      ...(request.context_overflow === 'trim' ? { trimFor: maxNewTokens } : {}),
    }),
    maxNewTokens,
    stop: typeof stop === 'string' ? [stop] : stop,
    sampling: {
      temperature: params.do_sample ? params.temperature : 0,
      topP: params.top_p,
      topK: params.top_k,
      minP: params.min_p,
      repetitionPenalty: params.repetition_penalty,
      presencePenalty: settings.presence_penalty ?? 0,
      frequencyPenalty: settings.frequency_penalty ?? 0,
      ...rarerSampling(settings),
      seed,
    },
    ...defined({
      constraint: constraintOf(settings, tools !== undefined && choice !== 'none'),
      strict: request.strict,
    }),
  };
}

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

function endPayload(modelId: string, { text, usage }: GenerationResult) {
  return {
    modelId,
    output: text,
    generatedText: text,
    tps: usage.tokensPerSecond,
    numTokens: usage.completionTokens,
  };
}

function reasoningOf({ reasoning }: GenerationResult) {
  return reasoning === '' ? {} : { reasoning };
}

function toolCallsOf({ toolCalls }: GenerationResult) {
  return toolCalls.length === 0 ? {} : { tool_calls: toolCallFields(toolCalls) };
}

/** One generation, with the turn of a conversation in which it is stored. */
class Generation {
  readonly #request: Request;
  readonly #modelId: string;
  readonly #services: Services;
  readonly #active: ActiveGeneration;
  readonly #requestId: RequestTag | undefined;
  #answer: StoredAnswer | undefined;
  /** Why the answer is not stored, if it should be. */
  #notStored: string | undefined;

  constructor(options: {
    request: Request;
    modelId: string;
    services: Services;
    requestId: RequestTag | undefined;
  }) {
    this.#request = options.request;
    this.#modelId = options.modelId;
    this.#services = options.services;
    this.#requestId = options.requestId;
    this.#active = options.services.generations.start(options.modelId, options.requestId);
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
    /** Whether it was stopped before it reached its model. */
    isStopped: boolean;
  }): Promise<{ result: GenerationResult; message: string | undefined }> {
    const { models, start, signal, emit, isStopped } = options;
    const report = progressOf(this.#modelId, emit, () => this.#ids());
    const onProgress = (progress: GenerationProgress) => {
      this.#services.generations.add(this.#active, progress);
      this.#answer?.add(progress);
      report(progress);
    };
    try {
      const prepare = () => this.#prepare(models, start);
      const generate = (make: () => Promise<GenerateRequest>) =>
        models.generate(this.#modelId, make, { signal, onProgress, tag: this.#requestId });
      const result = await (isStopped ? this.#stopped(prepare) : generate(prepare)).catch(async (error: unknown) => {
        const plain = isHostError(error, 'CHAT_TEMPLATE_FAILED') && this.#plainMessages();
        if (!plain) throw error;
        // A conversation goes on with a model whose template refuses the tools that an earlier one used.
        return generate(() => this.#makeRequest({ ...this.#asked, messages: plain }));
      });
      const { finishReason, usage } = result;
      const status = finishReason === 'stop' || finishReason === 'tool_calls' ? 'done' : finishReason;
      await this.#end({ status, details: { usage: { ...usage }, ...toolCallsOf(result) } });
      return { result: this.#withOmitted(result), message: this.#notStored };
    } catch (error) {
      await this.#end({ status: signal.aborted ? 'stopped' : 'failed' });
      throw error;
    }
  }

  async #stopped(prepare: () => Promise<GenerateRequest>): Promise<GenerationResult> {
    await prepare();
    return NOTHING_GENERATED;
  }

  /** Takes the generation off the list of those that are running. */
  close(): void {
    this.#services.generations.end(this.#active);
  }

  /** The request with the messages of its conversation. */
  #asked: Request = {};

  async #prepare(models: ModelRegistry, start: TurnStart | undefined): Promise<GenerateRequest> {
    this.#asked = this.#request;
    if (start !== undefined) await this.#start(models, start);
    return this.#makeRequest(this.#asked);
  }

  async #makeRequest(request: Request): Promise<GenerateRequest> {
    return generateRequest(request, await (await this.#services.settings()).get());
  }

  async #start(models: ModelRegistry, start: TurnStart): Promise<void> {
    const { chat_id: id = '', settings } = this.#request;
    const contextSize = models.get(this.#modelId)?.contextSize || UNKNOWN_CONTEXT;
    try {
      const title = start.type === 'ask' ? titleOf(start.content) : '';
      const maxCharacters = contextSize * CHARACTERS_PER_TOKEN;
      const answers = await this.#services.answers();
      this.#answer = await answers.start(id, start, { title, model: this.#modelId, maxCharacters });
    } catch (error) {
      // A client that sends the messages itself gets its answer although it cannot be stored.
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
    const { system_prompt: system, settings: own } = turn.conversation;
    const instructions = system === null || system === '' ? [] : [{ role: 'system', content: system }];
    this.#asked = {
      ...request,
      messages: [...instructions, ...turn.messages] as Request['messages'],
      continue: turn.continued !== undefined,
      context_overflow: this.#request.context_overflow ?? 'trim',
      settings: { ...own, ...settings },
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
    if (this.#answer === undefined) return {};
    return { chat_id: this.#answer.turn.conversation.id, message_id: this.#answer.turn.answerId };
  }

  /** Adds what was not even read of the conversation to what was left out. */
  #withOmitted(result: GenerationResult): GenerationResult {
    const { messages = 0, characters = 0 } = this.#answer?.turn.omitted ?? {};
    if (messages === 0 || !usesHistory(this.#request)) return result;
    const { trimmed = { messages: 0, tokens: 0 } } = result;
    const tokens = trimmed.tokens + Math.ceil(characters / TYPICAL_CHARACTERS_PER_TOKEN);
    return { ...result, trimmed: { messages: trimmed.messages + messages, tokens } };
  }
}

/**
 * Returns the id of the model that a request names, else of the conversation's if it is loaded, else of the active one.
 *
 * @throws HostError `MODEL_NOT_LOADED`, `INVALID_REQUEST`.
 */
async function modelOf(request: Request, models: ModelRegistry, { services }: Call): Promise<string> {
  const { chat_id: id } = request;
  if (id === undefined || !usesHistory(request) || hasModelReference(request)) return modelIdFor(request, models);
  const own = await (await services.conversations()).modelOf(id);
  return own !== undefined && models.get(own) !== undefined ? own : modelIdFor(request, models);
}

export const generate = handle(declared.generate, async (request, call) => {
  const { services, signal, requestId, emit } = call;
  const starting = services.generations.starting(requestId);
  let modelId: string | null = null;
  let work: Generation | undefined;
  try {
    // The registry has the generation before a STOP_GENERATION that came next looks for it: both wait for nothing else.
    const models = await services.models();
    modelId = await modelOf(request, models, call);
    const unused = unusedFields(request);
    assertUsed(unused, request.strict);
    const start = turnStart(request);
    work = new Generation({ request, modelId, services, requestId });
    const { result, message } = await work.run({ models, start, signal, emit, isStopped: starting.end() });
    const end = endPayload(modelId, result);
    emit(result.finishReason === 'stopped' ? 'generationStopped' : 'generationComplete', end);
    const { finishReason, usage } = result;
    const ignored = [...unused, ...result.ignored];
    return {
      payload: {
        ...end,
        ...reasoningOf(result),
        ...toolCallsOf(result),
        finishReason,
        usage: { ...usage },
        ...defined({ conversation: work.conversation, trimmed: result.trimmed && { ...result.trimmed } }),
      },
      ...defined({ message }),
      topLevel: { text: result.text, ...(ignored.length === 0 ? {} : { ignored }) },
    };
  } catch (error) {
    const { code, message } = errorInfo(error);
    emit('generationError', { modelId, code, error: message });
    throw error;
  } finally {
    starting.end();
    work?.close();
  }
});

export const getActiveGenerations = handle(declared.getActiveGenerations, async (request, { services }) => {
  const { items, ...next } = pageOf(services.generations.list(), request, (generation) => ({
    modelId: generation.modelId,
    conversation_id: generation.conversationId,
    message_id: generation.messageId,
    text: generation.text,
    reasoning: generation.reasoning,
    tps: generation.tokensPerSecond,
    numTokens: generation.numTokens,
    startedAt: generation.startedAt,
    ...defined({ requestId: generation.requestId }),
  }));
  return { payload: { generations: items, ...next } };
});

export const stopGeneration = handle(declared.stopGeneration, async (request, { services }) => {
  const id = hasModelReference(request) ? namedModelId(request) : undefined;
  const models = await services.models();
  // After that: a generation that waited for the same has reached its model by now.
  const starting = id === undefined ? services.generations.stopStarting(request.targetRequestId) : 0;
  const stopped = models.stopGenerations({ id, tag: request.targetRequestId });
  const backends = [...new Set(stopped.map(({ model }) => model.backend))];
  const count = starting + sum(stopped.map((model) => model.count));
  if (count === 0) return { message: 'No active generation to stop', payload: { stopped: 0, stopped_backends: [] } };
  const ends = await Promise.all(
    stopped.map(async ({ model, processEnded }) => ((await processEnded) ? [model.id] : [])),
  );
  const ended = ends.flat();
  return {
    message:
      ended.length === 0
        ? `Generation stopped${backends.length === 0 ? '' : ` (${backends.join(', ')})`}`
        : `Generation stopped. ${ended.join(', ')} did not respond, so its process was ended. Load it again.`,
    payload: { stopped: count, stopped_backends: backends, ...(ended.length === 0 ? {} : { ended }) },
  };
});
