import { randomInt } from 'node:crypto';
import { defined } from '../common/defined.ts';
import { errorInfo } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import { throttle } from '../common/progress.ts';
import { sum } from '../common/sum.ts';
import type { GenerateRequest, GenerationProgress, GenerationResult } from '../models/generation.ts';
import * as declared from '../protocol/actions/generation.ts';
import type { GenerationParams } from '../protocol/actions/settings.ts';
import { MAX_SEED } from '../protocol/limits.ts';
import type { EventPayloads, RequestOf } from '../protocol/messages.ts';
import { withChanges } from '../settings/generation-settings.ts';
import { type Call, handle } from './action.ts';
import { hasModelReference, modelIdFor, namedModelId } from './model-reference.ts';
import { percent } from './progress.ts';
import { promptInput } from './prompt-input.ts';
import { storeTurn } from './store-turn.ts';

/** Converts a request into what a model generates from. Settings that it lacks are the saved ones. */
function generateRequest(request: RequestOf<'GENERATE'>, saved: GenerationParams): GenerateRequest {
  const { messages, prompt, settings = {} } = request;
  if (settings.json_schema !== undefined && settings.grammar !== undefined) {
    throw invalidField('settings.grammar', 'omitted when `settings.json_schema` is given', settings.grammar);
  }
  const { stop = [], seed = randomInt(MAX_SEED + 1), json_schema: jsonSchema, grammar } = settings;
  const params = withChanges(saved, settings);
  return {
    input: promptInput({ messages, prompt, settings }),
    maxNewTokens: params.max_new_tokens,
    stop: typeof stop === 'string' ? [stop] : stop,
    sampling: {
      temperature: params.do_sample ? params.temperature : 0,
      topP: params.top_p,
      topK: params.top_k,
      minP: params.min_p,
      repetitionPenalty: params.repetition_penalty,
      seed,
    },
    // A parsed request is JSON, even where its schema leaves fields open.
    ...(jsonSchema === undefined ? {} : { constraint: { jsonSchema: jsonSchema as Record<string, never> } }),
    ...(grammar === undefined ? {} : { constraint: { grammar } }),
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

export const generate = handle(declared.generate, async (request, { services, signal, requestId, emit }) => {
  let modelId: string | null = null;
  try {
    // The registry has the generation before a STOP_GENERATION that came next looks for it: both wait for nothing else.
    const models = await services.models();
    modelId = modelIdFor(request, models);
    const prepare = async () => generateRequest(request, await (await services.settings()).get());
    const onProgress = progressOf(modelId, emit);
    const result = await models.generate(modelId, prepare, { signal, onProgress, tag: requestId });
    const end = endPayload(modelId, result);
    emit(result.finishReason === 'stopped' ? 'generationStopped' : 'generationComplete', end);
    const { finishReason, usage, ignored } = result;
    const stored = await storeTurn(request, result.text, services);
    return {
      payload: { ...end, ...reasoningOf(result), finishReason, usage: { ...usage }, ...stored.payload },
      ...defined({ message: stored.message }),
      topLevel: { text: result.text, ...(ignored.length === 0 ? {} : { ignored: [...ignored] }) },
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
  return {
    message: count === 0 ? 'No active generation to stop' : `Generation stopped (${backends.join(', ')})`,
    payload: { stopped: count, stopped_backends: backends },
  };
});
