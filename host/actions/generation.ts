import { randomInt } from 'node:crypto';
import { defined } from '../common/defined.ts';
import { errorInfo } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import { throttle } from '../common/progress.ts';
import { sum } from '../common/sum.ts';
import {
  assertUsed,
  type Constraint,
  type GenerateRequest,
  type GenerationProgress,
  type GenerationResult,
  type ToolChoice,
} from '../models/generation.ts';
import * as declared from '../protocol/actions/generation.ts';
import type { GenerationParams } from '../protocol/actions/settings.ts';
import { MAX_SEED } from '../protocol/limits.ts';
import type { EventPayloads, RequestOf } from '../protocol/messages.ts';
import { withChanges } from '../settings/generation-settings.ts';
import { readFunctions, toolCallFields } from '../tools/tool-function.ts';
import { type Call, handle } from './action.ts';
import { hasModelReference, modelIdFor, namedModelId } from './model-reference.ts';
import { percent } from './progress.ts';
import { promptInput } from './prompt-input.ts';
import { storeTurn } from './store-turn.ts';

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

/** Converts a request into what a model generates from. Settings that it lacks are the saved ones. */
function generateRequest(request: RequestOf<'GENERATE'>, saved: GenerationParams): GenerateRequest {
  const { messages, prompt, tools, continue: continues, tool_choice: choice, settings = {} } = request;
  if (continues === true && request.chat_id !== undefined) {
    // The conversation would get the beginning of the answer as a message of its own.
    throw invalidField('continue', 'omitted when `chat_id` is given', continues);
  }
  const { stop = [], seed = randomInt(MAX_SEED + 1) } = settings;
  const params = withChanges(saved, settings);
  return {
    input: promptInput({
      messages,
      prompt,
      tools: choice === 'none' ? undefined : tools,
      toolChoice: toolChoiceOf(request),
      parallelToolCalls: request.parallel_tool_calls,
      continue: continues,
      settings,
    }),
    maxNewTokens:
      settings.max_new_tokens ?? settings.max_completion_tokens ?? settings.max_tokens ?? params.max_new_tokens,
    stop: typeof stop === 'string' ? [stop] : stop,
    sampling: {
      temperature: params.do_sample ? params.temperature : 0,
      topP: params.top_p,
      topK: params.top_k,
      minP: params.min_p,
      repetitionPenalty: params.repetition_penalty,
      presencePenalty: settings.presence_penalty ?? 0,
      frequencyPenalty: settings.frequency_penalty ?? 0,
      seed,
    },
    ...defined({
      constraint: constraintOf(settings, tools !== undefined && choice !== 'none'),
      strict: request.strict,
    }),
  };
}

type Emit = Call<keyof EventPayloads & `generation${string}`>['emit'];

/** Returns a function that sends the progress of a generation. */
function progressOf(modelId: string, emit: Emit) {
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
    emit('generationUpdate', { modelId, token, ...(kind === 'reasoning' ? { reasoning: text } : {}), tps, numTokens });
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

export const generate = handle(declared.generate, async (request, { services, signal, requestId, emit }) => {
  let modelId: string | null = null;
  try {
    // The registry has the generation before a STOP_GENERATION that came next looks for it: both wait for nothing else.
    const models = await services.models();
    modelId = modelIdFor(request, models);
    const unused = unusedFields(request);
    assertUsed(unused, request.strict);
    const prepare = async () => generateRequest(request, await (await services.settings()).get());
    const onProgress = progressOf(modelId, emit);
    const result = await models.generate(modelId, prepare, { signal, onProgress, tag: requestId });
    const end = endPayload(modelId, result);
    emit(result.finishReason === 'stopped' ? 'generationStopped' : 'generationComplete', end);
    const { finishReason, usage } = result;
    const ignored = [...unused, ...result.ignored];
    const stored = await storeTurn(request, result.text, services);
    return {
      payload: {
        ...end,
        ...reasoningOf(result),
        ...toolCallsOf(result),
        finishReason,
        usage: { ...usage },
        ...stored.payload,
      },
      ...defined({ message: stored.message }),
      topLevel: { text: result.text, ...(ignored.length === 0 ? {} : { ignored }) },
    };
  } catch (error) {
    const { code, message } = errorInfo(error);
    emit('generationError', { modelId, code, error: message });
    throw error;
  }
});

export const stopGeneration = handle(declared.stopGeneration, async (request, { services }) => {
  const id = hasModelReference(request) ? namedModelId(request) : undefined;
  const stopped = (await services.models()).stopGenerations({ id, tag: request.targetRequestId });
  const backends = [...new Set(stopped.map(({ model }) => model.backend))];
  const count = sum(stopped.map((model) => model.count));
  if (count === 0) return { message: 'No active generation to stop', payload: { stopped: 0, stopped_backends: [] } };
  const ends = await Promise.all(
    stopped.map(async ({ model, processEnded }) => ((await processEnded) ? [model.id] : [])),
  );
  const ended = ends.flat();
  return {
    message:
      ended.length === 0
        ? `Generation stopped (${backends.join(', ')})`
        : `Generation stopped. ${ended.join(', ')} did not respond, so its process was ended. Load it again.`,
    payload: { stopped: count, stopped_backends: backends, ...(ended.length === 0 ? {} : { ended }) },
  };
});
